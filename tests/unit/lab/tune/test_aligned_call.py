"""Recordings at 8 kHz."""

from __future__ import annotations

import numpy as np

from support.signals import frames_of, silence, tone
from voxgate.core.audio import AudioFormat
from voxgate.lab.evaluate.recording import Recording
from voxgate.lab.tune.aligned_call import AlignedCall, align


def recording(capture: list[bytes], rate_hz: int, far_end: list[bytes] | None) -> Recording:
    return Recording(
        capture=tuple(capture),
        capture_format=AudioFormat(rate_hz=rate_hz),
        far_end=None if far_end is None else tuple(far_end),
        far_end_format=AudioFormat(),
        duration_ms=20.0 * len(capture),
        agent_speaking=((0.0, 100.0),),
        caller_speech=(),
    )


def test_frames_of_8_khz_are_taken_as_they_are() -> None:
    """Both directions, frame by frame."""
    frames = frames_of(tone(200, 440.0))
    call = align(recording(frames, 8000, frames[::-1]))
    assert call.far_end is not None
    assert call.capture.tobytes() == b"".join(frames)
    assert call.far_end.tobytes() == b"".join(frames[::-1])


def test_another_rate_is_converted_to_as_many_frames() -> None:
    """And a far end that is not known stays so."""
    call = align(recording(frames_of(tone(200, 440.0, rate_hz=16000), rate_hz=16000), 16000, None))
    assert call.capture.shape == (10, 160)
    assert call.far_end is None
    assert np.abs(call.capture[3:-1]).max() > 1000


def test_the_agent_is_audible_to_the_end_of_its_tail() -> None:
    """700 ms after its last word."""
    call = AlignedCall(
        capture=silence(2000).reshape(-1, 160), far_end=None, agent_speaking=((100.0, 500.0),)
    )
    assert np.flatnonzero(call.audible_frames).tolist() == list(range(5, 60))
