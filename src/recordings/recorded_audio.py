"""The audio of a recorded call: any input's very bytes, and both sides on one time axis.

Sans I/O. Invariant: bytes are what the gate was given, or are said to be missing.
"""

from __future__ import annotations

__all__ = ["RecordedAudio"]

from collections.abc import Mapping
from copy import copy
from math import ceil

import numpy as np
from numpy.typing import NDArray

from ..core.audio import AudioFormat
from ..core.g711 import decode
from ..core.gate_tape import FrameCaptured, GateBegun, GateInput
from ..core.resample import Resampler
from .audio_tracks import STEREO_FILE, Side
from .trace_lines import AudioPlace, TracksLine, input_kind_of
from .trace_values import CallTracks
from .wav_head import parse_wav_tracks

_CAPTURED = input_kind_of(FrameCaptured)


class RecordedAudio:
    """The samples of both sides.

    Args:
        plan: What the files hold.
        files: Their contents by :meth:`file_names`; None for one that is not there.
    """

    def __init__(self, plan: TracksLine, files: Mapping[str, bytes | None]) -> None:
        self._plan = plan
        self._formats = {Side.FAR_END: plan.far_end, Side.CAPTURE: plan.capture}
        self._told_formats = dict(self._formats)
        self._samples = {side: _samples(plan, side, files) for side in Side}

    @staticmethod
    def file_names(plan: TracksLine) -> tuple[str, ...]:
        """Return the names of the files that hold the audio."""
        if plan.far_end == plan.capture:
            return (STEREO_FILE,)
        return tuple(f"{side}.wav" for side in Side)

    def rewound(self) -> RecordedAudio:
        """Return the same audio, for somebody who takes the inputs from the first one on."""
        again = copy(self)
        again._told_formats = dict(self._formats)  # noqa: SLF001 - of its own class
        return again

    def follow(self, given: GateInput) -> None:
        """Take the inputs in order: the formats of a call may change with its provider."""
        if isinstance(given, GateBegun):
            self._told_formats = {
                Side.FAR_END: given.far_end_format,
                Side.CAPTURE: given.capture_format,
            }

    def bytes_at(self, kind: str, place: AudioPlace) -> bytes | None:
        """Return the audio of an input of a kind; None where it is not there."""
        side = Side.CAPTURE if kind == _CAPTURED else Side.FAR_END
        if place.at is not None:
            n_samples = place.n_bytes // self._formats[side].sample_bytes
            audio = self._samples[side][place.at : place.at + n_samples].tobytes()
        elif place.unplaced is not None:
            audio = place.unplaced
        elif place.is_silent:
            audio = self._told_formats[side].silence(place.n_bytes)
        else:
            audio = b""
        return audio if len(audio) == place.n_bytes else None

    def track_ms(self, kind: str, place: AudioPlace) -> float | None:
        """Return when the audio of an input of a kind begins on its track, on the trace's clock."""
        if place.at is None:
            return None
        side = Side.CAPTURE if kind == _CAPTURED else Side.FAR_END
        return self._plan.origin_ms + place.at * 1000 / self._formats[side].rate_hz

    def tracks(self) -> CallTracks:
        """Return both sides as samples of one rate and length."""
        rate_hz = max(each.rate_hz for each in self._formats.values())
        far_end, capture = (
            _at_rate(self._samples[side].tobytes(), self._formats[side], rate_hz) for side in Side
        )
        length = max(len(far_end), len(capture))
        return CallTracks(
            far_end=np.pad(far_end, (0, length - len(far_end))),
            capture=np.pad(capture, (0, length - len(capture))),
            rate_hz=rate_hz,
            origin_ms=self._plan.origin_ms,
        )


def _samples(plan: TracksLine, side: Side, files: Mapping[str, bytes | None]) -> NDArray[np.void]:
    """Return one side's samples as they stand in its file; none where that is damaged."""
    expected = plan.far_end if side is Side.FAR_END else plan.capture
    is_stereo = plan.far_end == plan.capture
    data = files[STEREO_FILE if is_stereo else f"{side}.wav"]
    nothing = np.zeros(0, f"V{expected.sample_bytes}")
    if data is None:
        return nothing
    try:
        found = parse_wav_tracks(data)
    except ValueError:
        return nothing
    if found.audio_format != expected or found.samples.shape[1] != 1 + is_stereo:
        return nothing
    return found.samples[:, int(is_stereo and side is Side.CAPTURE)]


def _at_rate(audio: bytes, audio_format: AudioFormat, rate_hz: int) -> NDArray[np.int16]:
    """Return audio as samples of a rate, where it was in time."""
    samples = decode(audio, audio_format)
    if audio_format.rate_hz == rate_hz:
        return samples
    resampler = Resampler(audio_format.rate_hz, rate_hz)
    delay = round(resampler.delay_samples)
    length = len(samples) * rate_hz // audio_format.rate_hz
    n_pad = ceil(delay * audio_format.rate_hz / rate_hz) + resampler.granule_samples
    return resampler.process(np.pad(samples, (0, n_pad)))[delay : delay + length]
