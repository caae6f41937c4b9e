"""The caller's turn, told by the time since the caller was last heard."""

from __future__ import annotations

import pytest

from voxgate.core.caller_turn import CallerTurn


def silent(turn: CallerTurn, duration_ms: int) -> None:
    for _ in range(duration_ms // 20):
        turn.observe(is_caller=False)


@pytest.mark.parametrize("end_ms", [100, 700])
def test_at_first_the_caller_has_no_turn(end_ms) -> None:
    """A call begins with nobody talking, also where turns end sooner than talking does."""
    turn = CallerTurn(end_ms)
    assert not turn.is_talking
    assert turn.has_ended


def test_talking_outlasts_a_closure_within_a_word() -> None:
    """The caller counts as talking for 200 ms after the last speech."""
    turn = CallerTurn(700)
    turn.observe(is_caller=True)
    silent(turn, 200)
    assert turn.is_talking
    silent(turn, 20)
    assert not turn.is_talking


def test_a_turn_ends_after_its_silence() -> None:
    """Neither talking nor over in between; over when the silence is as long as asked for."""
    turn = CallerTurn(700)
    turn.observe(is_caller=True)
    silent(turn, 680)
    assert not turn.has_ended
    silent(turn, 20)
    assert turn.has_ended


def test_speech_prolongs_a_turn() -> None:
    """Every word begins the silence anew."""
    turn = CallerTurn(700)
    turn.observe(is_caller=True)
    silent(turn, 600)
    turn.observe(is_caller=True)
    silent(turn, 600)
    assert not turn.has_ended


def test_a_turn_that_the_agent_talked_into_ends_sooner() -> None:
    """After 300 ms, or after the silence asked for where that is less."""
    turn = CallerTurn(700)
    turn.is_over_agent = turn.has_reference = True
    turn.observe(is_caller=True)
    silent(turn, 280)
    assert not turn.has_ended
    silent(turn, 20)
    assert turn.has_ended


def test_without_a_reference_the_agent_ends_no_turn_sooner() -> None:
    """Nothing tells the caller's pause from the agent then."""
    turn = CallerTurn(700)
    turn.is_over_agent = True
    turn.observe(is_caller=True)
    silent(turn, 680)
    assert not turn.has_ended


@pytest.mark.parametrize(
    ("logit", "is_voice", "level", "expected"),
    [
        (-3.0, False, 0.0, True),
        (-3.1, True, 9000.0, False),
        (None, True, 360.0, True),
        (None, True, 300.0, False),
        (None, False, 9000.0, False),
    ],
)
def test_a_turn_goes_on_over_the_agent_by_the_reference_or_else_the_callers_level(
    logit, is_voice, level, expected
) -> None:
    """A reference that doubts is enough; without one it takes a voice within 9 dB of the caller."""
    turn = CallerTurn(700)
    for _ in range(200):
        turn.hear_level(1000.0)
    assert not turn.goes_on(level, logit=logit, is_voice=is_voice)
    turn.is_over_agent = True
    assert turn.goes_on(level, logit=logit, is_voice=is_voice) is expected
