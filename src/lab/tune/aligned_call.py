"""A recording as the detectors know it: 8 kHz, whole frames, both directions side by side.

Invariant: frame n of both directions is of the same 20 ms.
"""

from __future__ import annotations

__all__ = ["AlignedCall", "align"]

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...core.audio import FRAME_MS, AudioFormat
from ...core.g711 import decode
from ...core.resample import Resampler
from ..evaluate.intervals import Interval
from ..evaluate.recording import Recording
from ..evaluate.turns import TAIL_MS

_RATE_HZ = 8000
_FRAME_SAMPLES = _RATE_HZ * FRAME_MS // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedCall:
    """Both directions of a call."""

    capture: npt.NDArray[np.int16]
    """int16 [shape=(frames, 160), 8 kHz]."""
    far_end: npt.NDArray[np.int16] | None
    """The same; None where it is not known."""
    agent_speaking: Sequence[Interval]
    """When agent audio is played, in ms."""

    @property
    def audible_frames(self) -> npt.NDArray[np.bool_]:
        """Frames [shape=(frames,)] in which the agent, or its echo, may be heard."""
        flags = np.zeros(len(self.capture), bool)
        for start_ms, end_ms in self.agent_speaking:
            flags[int(start_ms // FRAME_MS) : int(-(-(end_ms + TAIL_MS) // FRAME_MS))] = True
        return flags


def align(recording: Recording) -> AlignedCall:
    """Return a recording at 8 kHz."""
    far_end = None
    if recording.far_end is not None:
        far_end = _at_8_khz(recording.far_end, recording.far_end_format)
    return AlignedCall(
        capture=_at_8_khz(recording.capture, recording.capture_format),
        far_end=far_end,
        agent_speaking=recording.agent_speaking,
    )


def _at_8_khz(frames: Sequence[bytes], audio_format: AudioFormat) -> npt.NDArray[np.int16]:
    """Return frames of 160 samples; a resampler's delay, some ms, is in them as in the gate's."""
    resampler = Resampler(audio_format.rate_hz, _RATE_HZ)
    samples = resampler.process(decode(b"".join(frames), audio_format))
    whole = np.zeros(len(frames) * _FRAME_SAMPLES, np.int16)
    fitting = samples[: len(whole)]
    whole[: len(fitting)] = fitting
    return whole.reshape(-1, _FRAME_SAMPLES)
