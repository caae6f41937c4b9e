"""Turns begin with lasting speech, over the agent with lasting evidence, and end with silence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.local_parts import speech
from voxgate.config.local_models import LocalTurnsConfig
from voxgate.core.gate_decision import PASS_THROUGH, GateDecision, GateMeasurements, GateReason
from voxgate.providers.local.caller_turns import CallerTurns, TurnBegan, TurnEnded

CONFIG = LocalTurnsConfig(silence_duration_ms=600, interruption_ms=300, max_turn_s=5.0)
SPEECH, SILENCE = speech(), speech(is_speech=False)


class Clock:
    """Feeds decisions, one a slot."""

    def __init__(self, config: LocalTurnsConfig = CONFIG) -> None:
        self.turns = CallerTurns(config)
        self.now_ms = 1000.0

    def feed(
        self, decision: GateDecision, count: int = 1, **known: bool
    ) -> list[TurnBegan | TurnEnded]:
        events = []
        for _ in range(count):
            self.now_ms += 20.0
            event = self.turns.process(decision, self.now_ms, **known)
            if event is not None:
                events.append(event)
        return events


def test_100_ms_of_speech_are_a_turn_from_their_first_frame() -> None:
    """And 600 ms of silence end it, as of the last speech."""
    line = Clock()
    assert line.feed(SPEECH, 4) == []
    assert line.feed(SPEECH) == [TurnBegan(1000.0)]
    assert line.turns.is_speaking
    assert line.feed(SPEECH, 20) == []
    assert line.feed(SILENCE, 29) == []
    assert line.feed(SILENCE) == [TurnEnded(1500.0, 500.0)]
    assert not line.turns.is_speaking


def test_short_sounds_far_apart_are_no_turn() -> None:
    """A cough, and another: each is forgotten after a gap."""
    line = Clock()
    for _ in range(10):
        assert line.feed(SPEECH, 4) == []
        assert line.feed(SILENCE, 13) == []


def test_time_without_frames_ends_a_turn() -> None:
    """A line with silence suppression delivers nothing."""
    line = Clock()
    line.feed(SPEECH, 5)
    assert line.turns.advance(line.now_ms + 599.0) is None
    assert line.turns.advance(line.now_ms + 600.0) == TurnEnded(1100.0, 100.0)
    assert line.turns.advance(line.now_ms + 9999.0) is None


def test_a_turn_without_a_pause_ends_at_its_bound() -> None:
    """A television is not listened to for ever; what goes on is the next turn."""
    line = Clock()
    events = line.feed(SPEECH, 260)
    assert [type(event) for event in events] == [TurnBegan, TurnEnded, TurnBegan]


def test_over_the_agent_evidence_has_to_last() -> None:
    """The gate commits early; the agent is interrupted from ``interruption_ms``."""
    line = Clock()
    assert line.feed(speech(over_agent_ms=280.0)) == []
    assert line.turns.is_suspected
    assert line.feed(speech(over_agent_ms=300.0)) == [TurnBegan(740.0, is_over_agent=True)]
    assert not line.turns.is_suspected
    assert line.feed(SILENCE, 30) == [TurnEnded(1040.0, 300.0)]


def test_the_agent_s_own_words_need_more_evidence() -> None:
    """They are its echo, or a caller who repeats them, and who then goes on."""
    line = Clock()
    assert line.feed(speech(over_agent_ms=880.0), is_own_words=True) == []
    assert len(line.feed(speech(over_agent_ms=900.0), is_own_words=True)) == 1


def test_once_the_agent_is_silent_short_words_count() -> None:
    """A "yes" at the end of its sentence is a turn."""
    line = Clock()
    assert line.feed(speech(over_agent_ms=80.0), is_agent_heard=False) == []
    assert len(line.feed(speech(over_agent_ms=100.0), is_agent_heard=False)) == 1


def test_a_suspicion_that_is_gone_is_no_turn() -> None:
    """The gate closed again: it was echo."""
    line = Clock()
    line.feed(speech(over_agent_ms=200.0))
    assert line.feed(SILENCE, 100) == []
    assert not line.turns.is_suspected


@pytest.mark.parametrize(
    ("logit", "confidence", "is_speech"),
    [(2.0, 0.0, True), (-2.0, 1.0, False), (None, 0.9, True), (None, 0.3, False)],
)
def test_what_no_guard_judged_goes_by_the_best_that_there_is(
    logit: float | None, confidence: float, *, is_speech: bool
) -> None:
    """The reference while the agent's echo rings out; else voice activity."""
    measured = GateMeasurements(near_end_logit=logit, vad_confidence=confidence)
    decision = replace(SILENCE, reason=GateReason.CALLER_TURN, measurements=measured)
    assert bool(Clock().feed(decision, 5)) is is_speech


def test_what_was_not_measured_is_no_speech() -> None:
    """A gate that judges nothing finds no turn."""
    assert Clock().feed(PASS_THROUGH, 100) == []


DECISIONS = st.sampled_from(
    [SPEECH, SILENCE, *(speech(over_agent_ms=float(ms)) for ms in (20, 280, 320, 1000))]
)


@given(st.lists(st.tuples(DECISIONS, st.integers(1, 40), st.booleans(), st.booleans())))
def test_beginnings_and_ends_alternate(
    steps: list[tuple[GateDecision, int, bool, bool]],
) -> None:
    """Whatever a gate says, and a turn never ends before it begins."""
    line = Clock()
    events = []
    for decision, count, is_agent_heard, is_own_words in steps:
        events += line.feed(
            decision, count, is_agent_heard=is_agent_heard, is_own_words=is_own_words
        )
    assert all(isinstance(event, TurnBegan) for event in events[::2])
    assert all(isinstance(event, TurnEnded) for event in events[1::2])
    times = [event.capture_ms for event in events]
    pairs = zip(times[::2], times[1::2], strict=False)
    assert all(began <= ended for began, ended in pairs)
