"""G.711 that is labelled as 8 kHz PCM16: ``Dial(AudioSocket/...)`` without ``c(slin)``.

Asterisk's channel driver copies the frames of whatever codec the call has under kind 0x10
(``chan_audiosocket.c``, ``res_audiosocket.c``). The length is only a hint: 160 bytes are 20 ms of
G.711, and 10 ms of PCM16 just as well. So the payload is also weighed by how briefly each reading
of it can be written down (minimum description length, Rissanen 1978): samples of a Laplacian source
with mean magnitude *m*, in steps of *d*, take about log2(2 e m / d) bits each. Read the wrong way,
audio is loud noise and takes more.

Speech, music and line noise in 10 and 15 ms PCM16 frames, straight or through either law, stay
below zero or near it unless they are clipped; G.711 of the same at telephone levels reads 0.65 or
more within the first pause.

Invariant: every payload comes out again, in order, once and decoded one way.
"""

from __future__ import annotations

__all__ = ["MislabelledG711", "bits_saved_by_g711"]

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...core.audio import Encoding
from ...core.g711 import decode_alaw, decode_mulaw

_G711_LENGTHS = frozenset({160, 240})
"""Bytes of 20 and 30 ms of G.711. 320 is left out: nearly always it is 20 ms of PCM16."""

_MIN_BITS_SAVED = 0.65
"""Bits a byte by which G.711 must be the shorter reading of a frame."""

_FRAMES_TO_DECIDE = 5
"""Frames in a row that must say the same. They wait for the verdict: 100 ms at the start of a
mislabelled call, and nothing on any other call."""

_LAPLACIAN_BITS = math.log2(2 * math.e)

_MIN_MAGNITUDE = 1 / 16
"""Keeps the logarithm of silence finite, in int16 units."""

Decoder = Callable[[bytes], NDArray[np.int16]]


@dataclass(frozen=True, slots=True, eq=False)
class _Law:
    """One of the two companding laws, with what weighing it needs."""

    encoding: Encoding
    decode: Decoder
    step_bits: NDArray[np.float64]
    """log2 of the quantiser's step at each byte: float64 [shape=(256,)]."""


def _law(encoding: Encoding, decode: Decoder) -> _Law:
    values = decode(bytes(range(256))).astype(np.int32)
    levels = np.unique(values)
    steps = np.gradient(levels.astype(np.float64))[np.searchsorted(levels, values)]
    return _Law(encoding, decode, np.log2(steps))


_LAWS = (_law(Encoding.MULAW, decode_mulaw), _law(Encoding.ALAW, decode_alaw))


def bits_saved_by_g711(payload: bytes) -> tuple[Encoding, float]:
    """Return the likelier law of a payload, and the bits a byte by which it beats PCM16.

    Args:
        payload: At least four bytes.

    Returns:
        The law, and a number in about -8..8: positive where G.711 is the shorter reading.
    """
    pcm16_bits = _pcm16_bits(payload)
    bits, law = min(((_g711_bits(payload, law), law) for law in _LAWS), key=lambda each: each[0])
    return law.encoding, pcm16_bits - bits


def _pcm16_bits(payload: bytes) -> float:
    """Return bits a byte of the payload as PCM16, told by samples or by differences.

    Differences are for clipped sound, which is loud but smooth. An eighth of the level and one step
    are their price, so that a constant of any size is not for free.
    """
    samples = np.frombuffer(payload[: len(payload) // 2 * 2], "<i2").astype(np.float64)
    level = np.abs(samples).mean()
    magnitude = min(level, 1 + level / 8 + np.abs(np.diff(samples)).mean())
    return _laplacian_bits(magnitude, 0.0) / 2


def _g711_bits(payload: bytes, law: _Law) -> float:
    magnitude = np.abs(law.decode(payload).astype(np.float64)).mean()
    step_bits = law.step_bits[np.frombuffer(payload, np.uint8)].mean()
    return _laplacian_bits(magnitude, step_bits)


def _laplacian_bits(magnitude: float, step_bits: float) -> float:
    return max(0.0, _LAPLACIAN_BITS + math.log2(max(magnitude, _MIN_MAGNITUDE)) - float(step_bits))


class MislabelledG711:
    """Finds out whether the 8 kHz PCM16 of one call is G.711, and decodes it from then on."""

    def __init__(self) -> None:
        self._law: _Law | None = None
        self._suspected: Encoding | None = None
        self._held: list[bytes] = []

    @property
    def encoding(self) -> Encoding | None:
        """The law that the call's audio really has; None as long as PCM16 is believed."""
        return self._law.encoding if self._law else None

    def passes(self, n_bytes: int) -> bool:
        """Tell whether :meth:`process` passes a payload of so many bytes on, and nothing else."""
        return self._suspected is None and self._law is None and n_bytes not in _G711_LENGTHS

    def process(self, payload: bytes) -> list[bytes]:
        """Take one payload of kind 0x10; return the PCM16 payloads that are ready, oldest first.

        Nothing is held unless it looks like G.711, and then four payloads at most.
        """
        if self._law:
            return [_decoded(payload, self._law)]
        suspected = _suspected_law(payload)
        released: list[bytes] = []
        if suspected is not self._suspected:
            released, self._held = self._held, []
        self._suspected = suspected
        if suspected is None:
            return [*released, payload]
        self._held.append(payload)
        return self._decide() if len(self._held) == _FRAMES_TO_DECIDE else released

    def _decide(self) -> list[bytes]:
        law = next(law for law in _LAWS if law.encoding is self._suspected)
        held, self._held, self._law = self._held, [], law
        return [_decoded(payload, law) for payload in held]


def _suspected_law(payload: bytes) -> Encoding | None:
    if len(payload) not in _G711_LENGTHS:
        return None
    encoding, bits_saved = bits_saved_by_g711(payload)
    return encoding if bits_saved >= _MIN_BITS_SAVED else None


def _decoded(payload: bytes, law: _Law) -> bytes:
    return law.decode(payload).astype("<i2", copy=False).tobytes()
