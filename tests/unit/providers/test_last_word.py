"""When an agent's last word was heard."""

from __future__ import annotations

import pytest

from voxgate.providers.last_word import LAST_WORD_MAX_MS, LastWord


def heard_at(*active: bool, wait_ms: float = 1000.0, from_ms: float = 0.0) -> float | None:
    """Return when it was heard, asked every 20 ms, with the agent active slot by slot."""
    last_word = LastWord(wait_ms=wait_ms)
    for slot, is_active in enumerate([*active, *[False] * 300]):
        if last_word.is_heard(from_ms + 20.0 * slot, is_agent_active=is_active):
            return 20.0 * slot
    return None


@pytest.mark.parametrize("from_ms", [0.0, 7e6])
def test_it_is_heard_400_ms_after_the_last_slot(from_ms: float) -> None:
    """The telephone has a buffer of its own; whenever the call began."""
    assert heard_at(*[True] * 100, from_ms=from_ms) == 99 * 20 + 400


@pytest.mark.parametrize("wait_ms", [1000.0, 3000.0])
def test_an_agent_that_says_nothing_is_waited_for_as_long_as_told(wait_ms: float) -> None:
    """It may begin within that time, and is then heard out."""
    assert heard_at(wait_ms=wait_ms) == wait_ms
    assert heard_at(*[False] * 45, *[True] * 50, wait_ms=wait_ms) == 94 * 20 + 400


def test_a_pause_between_two_sentences_is_not_its_end() -> None:
    """300 ms are a breath."""
    assert heard_at(*[True] * 10, *[False] * 15, *[True] * 10) == 34 * 20 + 400


def test_an_agent_that_talks_on_is_not_waited_for_for_ever() -> None:
    """30 s are no farewell."""
    assert heard_at(*[True] * 3000) == LAST_WORD_MAX_MS == 30_000
