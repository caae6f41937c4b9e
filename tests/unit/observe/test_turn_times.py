"""How long a provider takes to answer."""

from __future__ import annotations

import pytest

from support.scripted_call import decision
from voxgate.observe.turn_times import TurnTimes
from voxgate.providers.base import (
    AgentAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    ProviderReady,
    ResponseStarted,
)

_AUDIO = AgentAudio("item", b"\0\0")


def test_a_turn_counts_from_its_end_to_the_first_audio() -> None:
    """By the time that the provider gives for the end; what comes after the first counts not."""
    times = TurnTimes()
    assert times.receive(1000.0, CallerSpeechStarted(decision())) is None
    assert times.receive(1600.0, CallerSpeechStopped(capture_ms=1500.0)) is None
    assert times.receive(1700.0, ResponseStarted("r")) is None
    assert times.receive(2100.0, _AUDIO) == 600.0
    assert times.receive(2200.0, _AUDIO) is None
    assert (times.turns, times.p50_ms, times.max_ms) == (1, 600.0, 600.0)


def test_a_provider_that_gives_no_time_is_taken_at_its_word() -> None:
    """The turn has ended when it says so."""
    times = TurnTimes()
    times.receive(1600.0, CallerSpeechStopped())
    assert times.receive(2000.0, _AUDIO) == 400.0


@pytest.mark.parametrize("capture_ms", [9000.0, 5000.0])
def test_no_turn_takes_less_than_nothing(capture_ms: float) -> None:
    """A provider's clock may run ahead of ours."""
    times = TurnTimes()
    times.receive(5000.0, CallerSpeechStopped(capture_ms=capture_ms))
    assert times.receive(5000.0, _AUDIO) == 0.0


def test_a_greeting_is_no_turn() -> None:
    """Nobody has said anything before it."""
    times = TurnTimes()
    times.receive(0.0, ProviderReady())
    assert times.receive(500.0, _AUDIO) is None
    assert (times.turns, times.p50_ms, times.max_ms) == (0, None, 0.0)


def test_a_caller_who_speaks_on_has_not_been_answered() -> None:
    """Only the last end of the turn counts; audio before it belongs to what was said before."""
    times = TurnTimes()
    times.receive(1000.0, CallerSpeechStopped())
    times.receive(1200.0, CallerSpeechStarted(decision()))
    assert times.receive(1300.0, _AUDIO) is None
    times.receive(2000.0, CallerSpeechStopped())
    assert times.receive(2250.0, _AUDIO) == 250.0


def test_a_provider_that_takes_over_answers_for_its_own_turns() -> None:
    """What it says first is an answer to nothing that it has heard."""
    times = TurnTimes()
    times.receive(1000.0, CallerSpeechStopped())
    times.lose_provider()
    assert times.receive(9000.0, _AUDIO) is None
    times.receive(10_000.0, CallerSpeechStopped())
    assert times.receive(10_300.0, _AUDIO) == 300.0


def test_median_and_maximum_are_of_all_turns() -> None:
    """Of an even number the median lies between both in the middle."""
    times = TurnTimes()
    for took_ms in (300.0, 100.0, 900.0, 500.0):
        times.receive(1000.0, CallerSpeechStopped())
        times.receive(1000.0 + took_ms, _AUDIO)
    assert (times.turns, times.p50_ms, times.max_ms) == (4, 400.0, 900.0)
