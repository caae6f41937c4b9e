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
    turn.ends_early = True
    turn.observe(is_caller=True)
    silent(turn, 280)
    assert not turn.has_ended
    silent(turn, 20)
    assert turn.has_ended
