"""When the caller's turn has ended."""

from __future__ import annotations

import pytest

from voxgate import GateAction, GateDecision, GateMeasurements, GateReason, GateState
from voxgate.integrations.turn_end import TurnEnd, is_caller_speech


def decision(reason: GateReason, measurements: GateMeasurements | None = None) -> GateDecision:
    return GateDecision(
        action=GateAction.FORWARD,
        state=GateState.OPEN,
        reason=reason,
        measurements=measurements,
    )


def observe(turn: TurnEnd, duration_ms: int, *, is_speech: bool) -> list[int]:
    """Count audio in 20 ms; return after how many ms a turn ended."""
    return [at + 20 for at in range(0, duration_ms, 20) if turn.observe(20.0, is_speech=is_speech)]


def test_a_turn_ends_once_after_the_silence_that_was_chosen() -> None:
    turn = TurnEnd(silence_ms=500.0)
    assert observe(turn, 400, is_speech=True) == []
    assert turn.is_in_turn
    assert observe(turn, 2000, is_speech=False) == [500]
    assert not turn.is_in_turn


def test_a_pause_between_words_ends_nothing() -> None:
    turn = TurnEnd(silence_ms=500.0)
    observe(turn, 400, is_speech=True)
    assert observe(turn, 480, is_speech=False) == []
    assert observe(turn, 100, is_speech=True) == []
    assert observe(turn, 480, is_speech=False) == []
    assert turn.is_in_turn


def test_a_click_is_no_turn() -> None:
    turn = TurnEnd()
    observe(turn, 80, is_speech=True)
    assert not turn.is_in_turn
    assert observe(turn, 2000, is_speech=False) == []


def test_clicks_far_apart_add_up_to_no_turn() -> None:
    turn = TurnEnd()
    for _ in range(5):
        observe(turn, 60, is_speech=True)
        assert observe(turn, 600, is_speech=False) == []


def test_a_turn_that_the_verdict_began_needs_no_speech_to_end() -> None:
    turn = TurnEnd(silence_ms=500.0)
    observe(turn, 2000, is_speech=False)
    turn.begin()
    assert turn.is_in_turn
    assert observe(turn, 1000, is_speech=False) == [500]


def test_a_silence_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="silence_ms"):
        TurnEnd(silence_ms=0.0)


@pytest.mark.parametrize(
    ("reason", "measurements", "is_speech"),
    [
        (GateReason.CALLER_SPEECH, None, True),
        (GateReason.HANGOVER, GateMeasurements(vad_confidence=1.0), False),
        (GateReason.LINE_SILENCE, None, False),
        (GateReason.AGENT_AUDIBLE, GateMeasurements(near_end_logit=5.0), False),
        (GateReason.BARGE_IN, GateMeasurements(near_end_logit=1.0), True),
        (GateReason.CALLER_TURN, GateMeasurements(near_end_logit=-1.0, vad_confidence=1.0), False),
        (GateReason.CALLER_TURN, GateMeasurements(vad_confidence=0.9), True),
        (GateReason.CALLER_TURN, GateMeasurements(vad_confidence=0.1), False),
        (GateReason.CALLER_TURN, None, False),
    ],
)
def test_speech_is_what_the_gate_takes_for_the_callers(
    reason: GateReason,
    measurements: GateMeasurements | None,
    is_speech: bool,
) -> None:
    assert is_caller_speech(decision(reason, measurements)) is is_speech
