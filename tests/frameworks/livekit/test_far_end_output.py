"""The agent's side: what the gate is shown of what the output is told."""

from __future__ import annotations

import pytest
from livekit import rtc
from livekit.agents.voice import io

from frameworks.livekit.session_parts import ListOutput, ManualClock, audio_frame
from voxgate.core.far_end_timeline import FarEndTimeline
from voxgate.integrations.livekit import FarEndOutput, SessionGate

_SECOND = bytes((0, 16)) * 24_000
"""A second at 24 kHz, nothing of it silent."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1000.0)


@pytest.fixture
def gate(clock: ManualClock) -> SessionGate:
    return SessionGate(clock=clock)


@pytest.fixture
def sink() -> ListOutput:
    return ListOutput()


@pytest.fixture
def output(gate: SessionGate, sink: ListOutput) -> FarEndOutput:
    return gate.far_end_output(sink)


def _far_end(gate: SessionGate) -> FarEndTimeline:
    assert gate._call.gated is not None
    return gate._call.gated.far_end


def _listen(gate: SessionGate, clock: ManualClock, duration_ms: int) -> None:
    """Let time pass, in which the line delivers silence."""
    for _ in range(duration_ms // 20):
        clock.now_ms += 20.0
        gate.frame_processor.process(audio_frame(bytes(960)))


async def test_a_second_given_at_once_is_played_in_a_second(
    gate: SessionGate, clock: ManualClock, output: FarEndOutput, sink: ListOutput
) -> None:
    _listen(gate, clock, 100)
    await output.capture_frame(audio_frame(_SECOND))
    assert sink.audio == _SECOND
    _listen(gate, clock, 500)
    assert _far_end(gate).played_ms == pytest.approx(480.0, abs=21.0)
    _listen(gate, clock, 700)
    assert _far_end(gate).played_ms == pytest.approx(1000.0, abs=5.0)
    assert gate.counters.failures == 0


async def test_time_passes_while_the_caller_has_no_track(
    gate: SessionGate, clock: ManualClock, output: FarEndOutput
) -> None:
    """A caller who reconnects sends nothing for seconds, in which the agent speaks twice."""
    _listen(gate, clock, 100)
    clock.now_ms += 1000.0
    await output.capture_frame(audio_frame(_SECOND))
    clock.now_ms += 3000.0
    await output.capture_frame(audio_frame(_SECOND))
    _listen(gate, clock, 200)
    assert _far_end(gate).waiting_ms == pytest.approx(820.0, abs=41.0)
    assert gate.counters.idle_fill_ms == 0.0


async def test_what_is_cleared_is_not_played(
    gate: SessionGate, clock: ManualClock, output: FarEndOutput, sink: ListOutput
) -> None:
    _listen(gate, clock, 100)
    await output.capture_frame(audio_frame(_SECOND))
    _listen(gate, clock, 200)
    output.clear_buffer()
    _listen(gate, clock, 400)
    assert _far_end(gate).played_ms < 220.0
    assert gate.counters.flushes == 1
    assert sink.told == ["frame", "clear"]


async def test_a_pause_stops_the_reference_where_it_is(
    gate: SessionGate, clock: ManualClock, output: FarEndOutput, sink: ListOutput
) -> None:
    _listen(gate, clock, 100)
    await output.capture_frame(audio_frame(_SECOND))
    _listen(gate, clock, 200)
    output.pause()
    _listen(gate, clock, 400)
    heard_ms = _far_end(gate).played_ms
    assert heard_ms < 220.0
    output.resume()
    _listen(gate, clock, 200)
    assert _far_end(gate).played_ms == pytest.approx(heard_ms + 200.0, abs=21.0)
    assert sink.told == ["frame", "pause", "resume"]


async def test_a_room_loses_what_webrtc_held_when_it_was_paused(
    gate: SessionGate, clock: ManualClock
) -> None:
    output = gate.far_end_output(ListOutput(label="RoomIO"))
    _listen(gate, clock, 100)
    await output.capture_frame(audio_frame(_SECOND))
    _listen(gate, clock, 200)
    waiting_ms = _far_end(gate).waiting_ms
    output.pause()
    output.resume()
    assert _far_end(gate).waiting_ms == waiting_ms - 230.0


async def test_an_agent_that_speaks_before_the_caller_is_heard_is_played_meanwhile(
    gate: SessionGate, clock: ManualClock, output: FarEndOutput
) -> None:
    """A greeting starts before the caller's track is there."""
    await output.capture_frame(audio_frame(_SECOND))
    clock.now_ms += 600.0
    _listen(gate, clock, 100)
    assert _far_end(gate).played_ms == pytest.approx(680.0, abs=41.0)


async def test_segments_and_their_ends_are_counted_as_the_session_counts_them(
    output: FarEndOutput, sink: ListOutput
) -> None:
    finished: list[io.PlaybackFinishedEvent] = []
    output.on("playback_finished", finished.append)
    await output.capture_frame(audio_frame(_SECOND))
    output.flush()
    sink.on_playback_finished(playback_position=1.0, interrupted=False)
    played = await output.wait_for_playout()
    assert (played.playback_position, played.interrupted) == (1.0, False)
    assert [event.playback_position for event in finished] == [1.0]


def test_the_link_asks_for_what_the_sink_asks_for(output: FarEndOutput) -> None:
    assert output.sample_rate == 24_000
    assert output.can_pause


class _FailingClock(ManualClock):
    fails = False

    def __call__(self) -> float:
        if self.fails:
            raise ZeroDivisionError
        return super().__call__()


async def test_where_our_part_raises_everything_passes_and_is_counted() -> None:
    clock, sink = _FailingClock(), ListOutput()
    gate = SessionGate(clock=clock)
    output = gate.far_end_output(sink)
    clock.fails = True
    await output.capture_frame(audio_frame(_SECOND))
    output.pause()
    output.resume()
    output.flush()
    output.clear_buffer()
    assert sink.told == ["frame", "pause", "resume", "flush", "clear"]
    assert gate.counters.failures == 3
    frame = gate.frame_processor.process(audio_frame(_SECOND[:960]))
    assert isinstance(frame, rtc.AudioFrame)
    assert gate.counters.last_failure == "ZeroDivisionError"


async def test_stereo_of_the_agent_is_mixed(
    gate: SessionGate, clock: ManualClock, output: FarEndOutput
) -> None:
    _listen(gate, clock, 100)
    await output.capture_frame(audio_frame(_SECOND, num_channels=2))
    assert _far_end(gate).waiting_ms == pytest.approx(500.0, abs=5.0)
