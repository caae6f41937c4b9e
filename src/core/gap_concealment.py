"""Sound for frames that a line lost: the voice before the gap goes on, the one after it comes in.

As in ITU-T G.711 Appendix I the last pitch period is repeated, each repetition fading into the
next, at full level for 10 ms and then by 20 % less every 10 ms. That standard has to play a frame
before it knows the next one. Here a gap is known by the frame that ends it, so the same is done
backwards from that frame too, and both are cross-faded: nothing waits, and nothing that arrived is
changed, where the standard holds 3.75 ms back and blurs 10 ms after the gap (measured in ADR 3).

Invariant: the cost is bounded by the lengths of gap and history, and is paid only where there is a
gap.
"""

from __future__ import annotations

__all__ = ["GapConcealment"]

from collections import deque

import numpy as np
import numpy.typing as npt

from . import g711
from .audio import AudioFormat

_PITCH_MS = (5.0, 15.0)
"""Shortest and longest period looked for: 200 to 66 Hz, as in G.711 Appendix I. Voices above 200 Hz
are found at twice their period."""
_HISTORY_FRAMES = 3
"""60 ms: what the search needs, 20 ms and a longest period of 15 ms before it, with a quarter more
to fade from."""
_TEMPLATE_MS = 20.0
"""What is compared with what was heard a period before it (G.711 Appendix I)."""
_TEMPLATE_AFTER_MS = 5.0
"""The same in the one frame that is known after the gap: with the longest period, all of it."""
_OVERLAP_RATIO = 0.25
"""Part of a period over which one repetition fades into the next."""
_FULL_MS = 10.0
"""From the edge of a gap: what is filled at the level of what was heard."""
_FADE_MS = 50.0
"""From there to silence."""
_COARSE_RATE_HZ = 8000
"""Rate at which the period is searched, before it is refined at the rate of the line."""

_Samples = npt.NDArray[np.float64]


class GapConcealment:
    """Fills the gaps of one stream of 20 ms frames.

    Args:
        audio_format: Of the stream; any encoding and rate.
    """

    __slots__ = ("_format", "_heard")

    def __init__(self, audio_format: AudioFormat) -> None:
        self._format = audio_format
        self._heard: deque[bytes] = deque(maxlen=_HISTORY_FRAMES)

    @property
    def is_ready(self) -> bool:
        """Whether 60 ms have been heard since the start or the last :meth:`reset`."""
        return len(self._heard) == _HISTORY_FRAMES

    def receive(self, frame: bytes) -> None:
        """Take note of a frame that was sent on: 20 ms in the format of the stream."""
        self._heard.append(frame)

    def reset(self) -> None:
        """Forget what was heard: what comes next does not follow it."""
        self._heard.clear()

    def conceal(self, n_frames: int, after: bytes | None = None) -> tuple[bytes, ...]:
        """Return as many frames, 20 ms each, for what is missing after the last one.

        Silence, unless :attr:`is_ready`. They count as heard.

        Args:
            n_frames: Frames missing, 1 or more.
            after: The frame that ends the gap, 20 ms; None where it is not known.
        """
        n_bytes = self._format.frame_bytes
        if not self.is_ready:
            return (self._format.silence(n_bytes),) * n_frames
        filling = self._fill(n_frames * self._format.frame_samples, after)
        encoded = g711.encode(_to_int16(filling), self._format)
        frames = tuple(encoded[at : at + n_bytes] for at in range(0, len(encoded), n_bytes))
        self._heard.extend(frames)
        return frames

    def _fill(self, n_samples: int, after: bytes | None) -> _Samples:
        """Return the filling: float64 [shape=(n_samples,), mono] in int16 units."""
        rate_hz = self._format.rate_hz
        weight = _fading(n_samples, rate_hz)
        filling = weight * _go_on(self._decode(b"".join(self._heard)), n_samples, rate_hz)
        if after is not None:
            backwards = self._decode(after)[::-1]
            coming = _go_on(backwards, n_samples, rate_hz, template_ms=_TEMPLATE_AFTER_MS)
            filling += (weight * coming)[::-1]
            filling /= np.maximum(1.0, weight + weight[::-1])
        return filling

    def _decode(self, frames: bytes) -> _Samples:
        return g711.decode(frames, self._format).astype(np.float64)


def _go_on(
    heard: _Samples, n_samples: int, rate_hz: int, *, template_ms: float = _TEMPLATE_MS
) -> _Samples:
    """Return how a sound goes on that repeats its last period: float64 [shape=(n_samples,)]."""
    period = _estimate_period(heard, rate_hz, int(template_ms * rate_hz / 1000))
    overlap = int(_OVERLAP_RATIO * period)
    cycle = heard[-period:].copy()
    # The end of the cycle turns into what came before its beginning, so that it can be repeated.
    before = heard[max(0, len(heard) - period - overlap) : -period]
    rise = np.arange(1, len(before) + 1) / (len(before) + 1)
    cycle[period - len(before) :] += rise * (before - cycle[period - len(before) :])
    sound = np.resize(cycle, n_samples)
    # The step from the last sample heard to the first one made up is ramped away.
    before_cycle = heard[-period - 1] if len(heard) > period else heard[0]
    n_ramp = min(overlap, n_samples)
    sound[:n_ramp] += (heard[-1] - before_cycle) * (1.0 - np.arange(n_ramp) / overlap)
    return sound


def _fading(n_samples: int, rate_hz: int) -> _Samples:
    """Return the weight of a sound that goes on, 1 to 0: float64 [shape=(n_samples,)]."""
    at_ms = np.arange(n_samples) * 1000 / rate_hz
    return np.asarray(np.clip(1.0 - (at_ms - _FULL_MS) / _FADE_MS, 0.0, 1.0))


def _estimate_period(heard: _Samples, rate_hz: int, n_template: int) -> int:
    """Return the pitch period of what was heard last, in samples."""
    shortest, longest = (int(duration_ms * rate_hz / 1000) for duration_ms in _PITCH_MS)
    longest = min(longest, len(heard) - n_template)
    stride = max(1, rate_hz // _COARSE_RATE_HZ)
    coarse = _best_lag(heard, np.arange(shortest, longest + 1, stride), n_template, stride)
    if stride == 1:
        return coarse
    near = np.arange(max(shortest, coarse - stride), min(longest, coarse + stride) + 1)
    return _best_lag(heard, near, n_template, 1)


def _best_lag(heard: _Samples, lags: npt.NDArray[np.intp], n_template: int, stride: int) -> int:
    """Return the lag at which the newest samples are most like what came before them.

    Likeness is the correlation over the level of what came before, on every ``stride``-th sample.
    """
    places = np.arange(len(heard) - n_template, len(heard), stride)
    earlier = heard[places[None, :] - lags[:, None]]
    energy = np.einsum("ij,ij->i", earlier, earlier)
    likeness = earlier @ heard[places] / np.sqrt(np.maximum(energy, 1.0))
    return int(lags[np.argmax(likeness)])


def _to_int16(samples: _Samples) -> npt.NDArray[np.int16]:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
