"""What the lines of some callers carry in one 20 ms slot: voice, line noise and echo, all at once.

One product of matrices makes the echo of all of them, and one table the mu-law, so that a caller's
frame costs microseconds. Invariant: what is sent is what mu-law can say, whatever the line carries:
an engine that encodes it anew gets the same bytes.
"""

from __future__ import annotations

__all__ = ["CallerMix", "MixedFrames"]

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...core.g711 import decode_mulaw, encode_mulaw
from ..echo_path import EchoPath
from .caller_sounds import Frames

_FRAME_SAMPLES = 160
_EVERY_CODE = bytes(range(256))
_SAMPLE_OF_CODE = decode_mulaw(_EVERY_CODE)
_EVERY_SAMPLE = np.arange(65_536, dtype=np.uint16).view(np.int16)
_CODE_OF_SAMPLE = np.frombuffer(
    encode_mulaw(_SAMPLE_OF_CODE[np.frombuffer(encode_mulaw(_EVERY_SAMPLE), np.uint8)]), np.uint8
)
"""Mu-law knows two zeros; what was encoded twice has one."""
_HEARD_MAGNITUDE = 200
"""The agent is heard where its frame has a sample as large as this, int16 units."""


@dataclass(frozen=True, slots=True)
class MixedFrames:
    """One frame of each caller, in order."""

    mulaw: bytes
    """160 bytes each."""
    pcm: bytes
    """The same, 320 bytes each: int16, little-endian."""


class CallerMix:
    """Mixes for some callers whose slots fall together.

    Args:
        hums: Noise of the line.
        numbers: Of the callers; each is at another place of the noise.
        echo_delay_ms: From a frame's playout at the telephone to its echo; a multiple of 20.
        erl_db: Echo return loss; None: no echo.
        first_slot: Number of the first slot; the noise goes on from there.
    """

    def __init__(
        self,
        hums: tuple[Frames, Frames],
        numbers: Sequence[int],
        *,
        echo_delay_ms: int,
        erl_db: float | None,
        first_slot: int = 0,
    ) -> None:
        self._hums = hums
        self._places = np.array(numbers) * 131
        n_callers = len(numbers)
        self._voices = np.zeros((n_callers, _FRAME_SAMPLES), np.float32)
        self._n_slots = first_slot
        depth = echo_delay_ms // 20 + 2
        self._past = np.zeros((depth, n_callers, _FRAME_SAMPLES), np.float32)
        self._has_sound = [False] * depth
        self._echo = None if erl_db is None else _echo_matrix(erl_db)

    def say(self, caller: int, frame: npt.NDArray[np.float32] | None) -> None:
        """Set what a caller says in the coming slots; None: nothing."""
        self._voices[caller] = 0.0 if frame is None else frame

    def step(self, far_ends: Sequence[bytes]) -> tuple[MixedFrames, list[bool]]:
        """Mix one slot.

        Args:
            far_ends: What each caller's telephone plays in it: 160 samples of int16.

        Returns:
            What the lines carry, and whether each caller hears the agent.
        """
        played = np.frombuffer(b"".join(far_ends), "<i2").reshape(-1, _FRAME_SAMPLES)
        heard = np.abs(played).max(axis=1) >= _HEARD_MAGNITUDE
        mixed = self._voices + self._next_hum()
        if self._echo is not None:
            self._add_echo(mixed, played, has_sound=bool(heard.any()))
        self._n_slots += 1
        np.clip(mixed, -32_000, 32_000, out=mixed)
        codes = _CODE_OF_SAMPLE[mixed.astype(np.int16).view(np.uint16)]
        pcm = _SAMPLE_OF_CODE[codes].astype("<i2", copy=False)
        heard_by: list[bool] = heard.tolist()
        return MixedFrames(codes.tobytes(), pcm.tobytes()), heard_by

    def _next_hum(self) -> npt.NDArray[np.float32]:
        first, second = self._hums
        at = self._places + self._n_slots
        return np.asarray(first[at % len(first)] + second[at % len(second)])

    def _add_echo(
        self, mixed: npt.NDArray[np.float32], played: npt.NDArray[np.int16], *, has_sound: bool
    ) -> None:
        depth = len(self._has_sound)
        at = self._n_slots % depth
        self._past[at] = played
        self._has_sound[at] = has_sound
        before, now = (at + 1) % depth, (at + 2) % depth
        if self._echo is not None and (self._has_sound[before] or self._has_sound[now]):
            n_before = len(self._echo) - _FRAME_SAMPLES
            heard = np.concatenate([self._past[before][:, -n_before:], self._past[now]], axis=1)
            mixed += heard @ self._echo


def _echo_matrix(erl_db: float) -> npt.NDArray[np.float32]:
    """Return the matrix [shape=(past and frame, frame)] that does what an echo path does."""
    response = EchoPath(delay_ms=0, erl_db=erl_db).process(_impulse()) / _IMPULSE
    n_taps = int(np.flatnonzero(response)[-1]) + 1
    matrix = np.zeros((n_taps - 1 + _FRAME_SAMPLES, _FRAME_SAMPLES), np.float32)
    for sample in range(_FRAME_SAMPLES):
        matrix[sample : sample + n_taps, sample] = response[:n_taps][::-1]
    return matrix


_IMPULSE = 16_384


def _impulse() -> npt.NDArray[np.int16]:
    impulse = np.zeros(_FRAME_SAMPLES, np.int16)
    impulse[0] = _IMPULSE
    return impulse
