"""Everything that a gate says has words for people."""

from __future__ import annotations

from voxgate.core.gate_decision import GateEventType, GateReason, GateState
from voxgate.lab.report.words import EVENT_WORDS, REASON_WORDS, STATE_WORDS


def test_nothing_is_without_words() -> None:
    """A state, event or reason that is added later is told too."""
    assert set(STATE_WORDS) == set(GateState)
    assert set(EVENT_WORDS) == set(GateEventType)
    assert set(REASON_WORDS) == set(GateReason)


def test_names_tell_events_apart() -> None:
    """And each is explained in a sentence."""
    assert len({words.name for words in EVENT_WORDS.values()}) == len(EVENT_WORDS)
    assert all(words.meaning.endswith(".") for words in EVENT_WORDS.values())
