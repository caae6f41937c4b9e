"""The captured side, driven as LiveKit's own audio stream drives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from livekit import rtc

from frameworks.livekit.session_parts import ListInput, ManualClock, audio_frame
from voxgate import AudioGatingManager, FailureMode
from voxgate.core.gate_decision import GateDecision
from voxgate.integrations.livekit import GateFrameProcessor, SessionGate

_FRAME = bytes((1, 2)) * 480
"""20 ms at 24 kHz."""


class _FailingManager(AudioGatingManager):
    def process(self, call_id: str, frame: bytes, now_ms: float) -> GateDecision:
        raise ZeroDivisionError


@asynccontextmanager
async def _audio_stream(
    processor: GateFrameProcessor, rate_hz: int, frame_size_ms: int
) -> AsyncIterator[tuple[rtc.AudioSource, rtc.AudioStream]]:
    """Open LiveKit's audio stream on a track of this process; there is no room and no server."""
    source = rtc.AudioSource(rate_hz, 1, queue_size_ms=200)
    track = rtc.LocalAudioTrack.create_audio_track("caller", source)
    stream = rtc.AudioStream.from_track(
        track=track,
        sample_rate=rate_hz,
        num_channels=1,
        frame_size_ms=frame_size_ms,
        noise_cancellation=processor,
    )
    try:
        yield source, stream
    finally:
        await stream.aclose()
        await source.aclose()


async def _heard(
    processor: GateFrameProcessor,
    rate_hz: int,
    frame_size_ms: int,
    n_frames: int,
    sample: bytes = bytes(2),
) -> list[rtc.AudioFrame]:
    """Send a caller's sound through an audio stream, and return what comes out."""
    async with _audio_stream(processor, rate_hz, frame_size_ms) as (source, stream):
        sound = sample * (rate_hz // 50)

        async def speak() -> None:
            while True:
                await source.capture_frame(audio_frame(sound, rate_hz))

        speaking = asyncio.create_task(speak())
        frames = [(await anext(stream)).frame for _ in range(n_frames)]
        speaking.cancel()
    return frames


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 24_000, 48_000])
async def test_frames_of_a_stream_are_judged_at_the_streams_rate(rate_hz: int) -> None:
    gate = SessionGate(sample_rate_hz=rate_hz)
    frames = await _heard(gate.frame_processor, rate_hz, 20, 10)
    assert {(f.sample_rate, f.num_channels, f.samples_per_channel) for f in frames} == {
        (rate_hz, 1, rate_hz // 50)
    }
    assert gate.counters.captured_ms >= 200.0
    assert (gate.counters.ungated_ms, gate.counters.failures) == (0.0, 0)


async def test_frames_of_10_ms_come_out_as_frames_of_10_ms() -> None:
    gate = SessionGate()
    frames = await _heard(gate.frame_processor, 24_000, 10, 20)
    assert {frame.samples_per_channel for frame in frames} == {240}


async def test_a_longer_frame_passes_the_audio_stream_as_it_is() -> None:
    """What a released onset rests on: LiveKit hands on whatever the processor returns."""
    gate = SessionGate()
    onset = audio_frame(_FRAME * 15)
    gate.frame_processor._process = lambda _frame: onset  # type: ignore[method-assign]
    frames = await _heard(gate.frame_processor, 24_000, 20, 3)
    assert [frame.samples_per_channel for frame in frames] == [480 * 15] * 3


async def test_a_stream_that_changes_its_rate_is_judged_on() -> None:
    gate = SessionGate(sample_rate_hz=24_000)
    gate.frame_processor.process(audio_frame(_FRAME))
    judged = gate.frame_processor.process(audio_frame(bytes(640), 16_000))
    assert (judged.sample_rate, judged.samples_per_channel) == (16_000, 320)
    assert (gate.counters.captured_ms, gate.counters.ungated_ms) == (40.0, 0.0)


@pytest.mark.parametrize(
    ("on_failure", "heard"), [(FailureMode.OPEN, _FRAME), (FailureMode.CLOSED, bytes(960))]
)
async def test_where_the_gate_raises_the_stream_goes_on_as_chosen(
    on_failure: FailureMode, heard: bytes
) -> None:
    gate = SessionGate(_FailingManager(), on_failure=on_failure)
    frames = await _heard(gate.frame_processor, 24_000, 20, 5, _FRAME[:2])
    assert {frame.data.tobytes() for frame in frames[1:]} == {heard}
    assert gate.counters.failures >= 5
    assert gate.counters.last_failure == "ZeroDivisionError"


@pytest.mark.parametrize(
    ("on_failure", "heard"), [(FailureMode.OPEN, _FRAME), (FailureMode.CLOSED, bytes(960))]
)
def test_stereo_is_not_judged_and_goes_on_as_chosen(on_failure: FailureMode, heard: bytes) -> None:
    gate = SessionGate(on_failure=on_failure)
    judged = gate.frame_processor.process(audio_frame(_FRAME, num_channels=2))
    assert (judged.data.tobytes(), judged.num_channels) == (heard, 2)
    assert (gate.counters.failures, gate.counters.last_failure) == (1, "ValueError")


def test_a_rate_that_the_gate_does_not_know_is_not_judged() -> None:
    gate = SessionGate()
    frame = audio_frame(bytes((1, 2)) * 220, 11_025)
    assert gate.frame_processor.process(frame).data.tobytes() == frame.data.tobytes()
    assert gate.counters.failures > 0


def test_a_stream_that_is_back_at_a_rate_that_is_known_is_judged_again() -> None:
    gate = SessionGate()
    for rate_hz in (24_000, 11_025, 11_025, 24_000):
        gate.frame_processor.process(audio_frame(bytes(rate_hz // 50 * 2), rate_hz))
    assert gate.counters.captured_ms == 40.0
    assert (gate.counters.failures, gate.counters.last_failure) == (1, "ValueError")


def test_a_disabled_processor_passes_the_very_frame() -> None:
    gate = SessionGate()
    gate.frame_processor.enabled = False
    frame = audio_frame(_FRAME)
    assert gate.frame_processor.process(frame) is frame
    assert not gate.frame_processor.enabled
    assert gate.counters.captured_ms == 0.0


def test_after_the_end_frames_go_on_ungated() -> None:
    gate = SessionGate()
    gate.close()
    frame = audio_frame(_FRAME)
    assert gate.frame_processor.process(frame).data.tobytes() == _FRAME
    assert gate.state is None


async def test_a_gated_input_gives_the_frames_of_its_source_judged() -> None:
    clock = ManualClock()
    gate = SessionGate(clock=clock)
    source = ListInput([audio_frame(bytes(960)) for _ in range(3)])
    frames = [frame async for frame in gate.gated_input(source)]
    assert [frame.samples_per_channel for frame in frames] == [480] * 3
    assert gate.counters.captured_ms == 60.0
