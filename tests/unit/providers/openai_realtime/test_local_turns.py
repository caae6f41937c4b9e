"""The caller's turns by the word of the gate."""

from __future__ import annotations

import dataclasses

import pytest

from support.scripted_gate import decision_of
from voxgate.core.gate_decision import GateDecision, GateEvent, GateMeasurements, GateReason
from voxgate.core.gate_transitions import GateEventType
from voxgate.providers.openai_realtime.local_turns import (
    LocalTurns,
    TurnBegan,
    TurnEnded,
    TurnEvent,
)

SPEECH, HANGOVER, NOISE = (
    GateReason.CALLER_SPEECH,
    GateReason.HANGOVER,
    GateReason.LINE_NOISE,
)


def decision(reason: GateReason, confidence: float | None = None) -> GateDecision:
    measured = None if confidence is None else GateMeasurements(vad_confidence=confidence)
    return dataclasses.replace(decision_of(b""), reason=reason, measurements=measured)


class Line:
    """A line of 20 ms frames."""

    def __init__(self, silence_duration_ms: float = 500.0) -> None:
        self.turns = LocalTurns(silence_duration_ms=silence_duration_ms)
        self.now_ms = 0.0

    def say(
        self, reason: GateReason, duration_ms: float, confidence: float | None = None
    ) -> list[TurnEvent]:
        return self.decide(decision(reason, confidence), duration_ms)

    def decide(self, said: GateDecision, duration_ms: float = 20.0) -> list[TurnEvent]:
        events = []
        for _ in range(int(duration_ms / 20)):
            self.now_ms += 20.0
            events.append(self.turns.process(said, self.now_ms))
        return [event for event in events if event is not None]

    def wait(self, duration_ms: float) -> list[TurnEvent]:
        events = []
        for _ in range(int(duration_ms / 20)):
            self.now_ms += 20.0
            events.append(self.turns.advance(self.now_ms))
        return [event for event in events if event is not None]


def test_a_turn_is_speech_and_then_silence() -> None:
    """Begin and end on the call's clock; what the gate lets pass after speech is silence."""
    line = Line()
    assert line.say(NOISE, 200) == []
    assert line.say(SPEECH, 1000) == [TurnBegan(200.0)]
    assert line.turns.is_speaking
    assert line.say(HANGOVER, 480) == []
    assert line.say(HANGOVER, 20) == [TurnEnded(1200.0)]
    assert not line.turns.is_speaking
    assert line.say(NOISE, 5000) == []


def test_pauses_shorter_than_the_silence_do_not_end_a_turn() -> None:
    """The operator says how long a thought may take."""
    line = Line(silence_duration_ms=800.0)
    line.say(SPEECH, 400)
    assert line.say(HANGOVER, 780) == []
    assert line.say(SPEECH, 200) == []

    assert line.say(NOISE, 800) == [TurnEnded(1380.0)]


def test_a_click_is_no_turn_and_clicks_do_not_add_up() -> None:
    """100 ms of speech are; the pause between its sounds is a consonant's, not a breath's."""
    line = Line()
    for _ in range(20):
        assert line.say(SPEECH, 40) == []
        assert line.say(NOISE, 300) == []

    assert line.say(SPEECH, 60) == []
    assert line.say(HANGOVER, 120) == []
    assert len(line.say(SPEECH, 40)) == 1


def test_time_without_frames_ends_a_turn() -> None:
    """A line with silence suppression delivers nothing when the caller has stopped."""
    line = Line()
    line.say(SPEECH, 300)

    assert line.wait(480) == []
    assert line.wait(40) == [TurnEnded(300.0)]
    assert line.wait(5000) == []


def test_a_barge_in_that_the_gate_commits_is_a_turn_at_once() -> None:
    """The gate has waited for its evidence already; its onset was captured before."""
    event = GateEvent(type=GateEventType.BARGE_IN_COMMITTED, t_ms=0.0, reason=GateReason.BARGE_IN)
    committed = dataclasses.replace(
        decision(GateReason.BARGE_IN), events=(event,), released=(b"x",) * 7
    )
    line = Line()
    line.say(GateReason.AGENT_AUDIBLE, 1000)

    assert line.decide(committed) == [TurnBegan(1020.0 - 160.0)]
    assert line.say(GateReason.AGENT_AUDIBLE, 500) == [TurnEnded(1020.0)]


@pytest.mark.parametrize(
    "reason",
    [
        GateReason.AGENT_AUDIBLE,
        GateReason.CANDIDATE,
        GateReason.LINE_MUSIC,
        GateReason.LINE_TONE,
        GateReason.LINE_NOISE,
        GateReason.LINE_SILENCE,
        GateReason.IDLE_FILL,
    ],
)
def test_what_the_gate_keeps_back_begins_no_turn(reason: GateReason) -> None:
    """However voiced it is: echo, music and ringing are."""
    assert Line().say(reason, 3000, confidence=1.0) == []


@pytest.mark.parametrize(("confidence", "n_events"), [(0.6, 1), (0.59, 0), (None, 0)])
def test_without_a_guard_voice_activity_decides(confidence: float | None, n_events: int) -> None:
    """Where the audio guard is off, the gate lets everything through."""
    assert len(Line().say(GateReason.AGENT_SILENT, 400, confidence)) == n_events
