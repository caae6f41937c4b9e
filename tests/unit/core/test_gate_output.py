"""A decision in the making, and the outlet that every frame of a call goes through."""

from __future__ import annotations

import pytest

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.call_stats import CallStats
from voxgate.core.config import WithheldAudio
from voxgate.core.gate_decision import (
    GateAction,
    GateEvent,
    GateEventType,
    GateMeasurements,
    GateReason,
    GateState,
)
from voxgate.core.gate_output import GateOutput, Outlet

A, B, C, D = (bytes([value]) * 320 for value in (1, 2, 3, 4))
SILENCE = bytes(320)


@pytest.fixture
def stats() -> CallStats:
    return CallStats()


@pytest.fixture
def outlet(stats) -> Outlet:
    return Outlet(WithheldAudio.SILENCE, AudioFormat(), 0.0, stats)


@pytest.fixture
def output() -> GateOutput:
    return GateOutput(20.0, GateReason.INCOMPLETE_FRAME)


def hold(outlet: Outlet, output: GateOutput, *frames: bytes, is_echo: bool = False) -> None:
    for frame in frames:
        outlet.hold(frame, GateReason.AGENT_AUDIBLE, output, level=9.0, is_echo=is_echo)


def test_a_decision_holds_what_was_gathered(output) -> None:
    """Audio, events and measurements go into the decision as they came, with the time of now."""
    output.audio += [A, B]
    output.report(GateEventType.GATE_OPENED, GateReason.AGENT_SILENT, count=2, detail="vad")
    output.measurements = GateMeasurements(capture_rms=1.0)
    decision = output.decision(GateState.OPEN)
    assert decision.audio == (A, B)
    assert decision.state is GateState.OPEN
    assert decision.measurements == GateMeasurements(capture_rms=1.0)
    assert decision.events == (
        GateEvent(
            type=GateEventType.GATE_OPENED,
            t_ms=20.0,
            reason=GateReason.AGENT_SILENT,
            count=2,
            detail="vad",
        ),
    )


def test_nothing_gathered_is_nothing_let_out(output) -> None:
    """Without a word about the frame it is withheld, for the reason given at first."""
    decision = output.decision(GateState.CLOSED)
    assert (decision.action, decision.reason) == (GateAction.WITHHOLD, GateReason.INCOMPLETE_FRAME)
    assert decision.audio == decision.released == decision.events == ()


def test_a_forwarded_frame_goes_out_as_it_is(outlet, output, stats) -> None:
    """The very object, counted once."""
    outlet.forward(A, GateReason.CALLER_SPEECH, output)
    assert output.audio[0] is A
    assert (output.action, output.reason) == (GateAction.FORWARD, GateReason.CALLER_SPEECH)
    assert stats.forwarded_frames == 1


@pytest.mark.parametrize(
    ("audio_format", "silence"),
    [
        (AudioFormat(), bytes(320)),
        (AudioFormat(Encoding.MULAW), b"\xff" * 160),
        (AudioFormat(Encoding.ALAW), b"\xd5" * 160),
        (AudioFormat(Encoding.PCM16, 24_000), bytes(960)),
    ],
)
def test_a_held_frame_is_replaced_by_silence_of_its_format(
    audio_format, silence, output, stats
) -> None:
    """20 ms for 20 ms, in the bytes that are silence there."""
    outlet = Outlet(WithheldAudio.SILENCE, audio_format, 0.0, stats)
    hold(outlet, output, A)
    assert output.audio == [silence]
    assert output.action is GateAction.WITHHOLD
    assert (stats.withheld_frames, stats.silence_frames) == (1, 1)


def test_silence_that_is_not_due_is_not_counted(output, stats) -> None:
    """A provider that gets nothing in place of a frame was sent no silence."""
    outlet = Outlet(WithheldAudio.DROP, AudioFormat(), 0.0, stats)
    assert not outlet.send_silence(output)
    assert output.audio == []
    assert (stats.silence_frames, stats.surplus_frames) == (0, 0)


def test_silence_left_out_to_take_a_surplus_back_is_counted(outlet, stats) -> None:
    """Every withheld frame is silence sent or surplus taken back."""
    output = GateOutput(0.0, GateReason.AGENT_AUDIBLE)
    for number in range(200):
        output.now_ms = number * 10.0  # frames come twice as fast as time goes
        outlet.hold(A, GateReason.AGENT_AUDIBLE, output, level=0.0, is_echo=True)
    assert stats.surplus_frames > 0
    assert stats.silence_frames + stats.surplus_frames == 200
    assert len(output.audio) == stats.silence_frames


def test_released_frames_go_out_before_the_next_and_are_told(outlet, output, stats) -> None:
    """Newest ones, oldest first, as released and as audio, with one event that counts them."""
    hold(outlet, output, A, B, C)
    output.audio.clear()
    outlet.release(2, GateReason.BARGE_IN, output)
    outlet.forward(D, GateReason.BARGE_IN, output)
    assert output.audio == [B, C, D]
    assert output.released == (B, C)
    assert [(e.type, e.count) for e in output.events] == [(GateEventType.ONSET_RELEASED, 2)]
    assert stats.released_frames == 2


def test_echo_is_not_released(outlet, output, stats) -> None:
    """A release that finds nothing but echo lets nothing out and says nothing."""
    hold(outlet, output, A, B, is_echo=True)
    outlet.release(2, GateReason.BARGE_IN, output)
    assert output.released == ()
    assert output.events == []
    assert stats.released_frames == 0


def test_discarded_frames_are_told_and_gone(outlet, output, stats) -> None:
    """Discarding counts them once, and there is nothing left to release."""
    hold(outlet, output, A, B)
    outlet.discard(output)
    outlet.discard(output)
    outlet.release(5, GateReason.BARGE_IN, output)
    assert [(e.type, e.count) for e in output.events] == [(GateEventType.HELD_DISCARDED, 2)]
    assert stats.discarded_frames == 2
    assert output.released == ()


def test_forgotten_frames_are_gone_without_a_word(outlet, output, stats) -> None:
    """What nobody asks for any more was not judged echo, and is not counted as such."""
    hold(outlet, output, A, B)
    outlet.forget()
    outlet.discard(output)
    assert output.events == []
    assert stats.discarded_frames == 0


def test_a_frame_turned_down_is_said_to_be(outlet, output) -> None:
    """By how much stands with what was measured; of a frame held after it nothing does."""
    output.measurements = GateMeasurements(capture_rms=1.0)
    outlet.forward(A, GateReason.QUIETER_VOICE, output, attenuation_db=24.0)
    assert output.decision(GateState.OPEN).measurements == GateMeasurements(
        capture_rms=1.0, attenuation_db=24.0
    )
    hold(outlet, output, B)
    assert output.decision(GateState.OPEN).measurements == GateMeasurements(capture_rms=1.0)


def test_released_frames_can_be_changed_on_the_way_out(outlet, output) -> None:
    """Each of them, and only those that go out."""
    assert not outlet.is_holding
    hold(outlet, output, A, B, C)
    assert outlet.is_holding
    outlet.release(2, GateReason.QUIETER_VOICE, output, change=lambda frame: frame[::-1] + D[:2])
    assert output.released == (B[::-1] + D[:2], C[::-1] + D[:2])
    assert not outlet.is_holding
