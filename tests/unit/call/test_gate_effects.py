"""What becomes of playout."""

from __future__ import annotations

import pytest

from support.scripted_call import gate_event
from voxgate.call.gate_effects import PlayoutEffect, effect_of, is_paused_after
from voxgate.core.gate_decision import GateEventType

PAUSING = (GateEventType.CANDIDATE_STARTED, GateEventType.BARGE_IN_COMMITTED)
ENDING = (
    GateEventType.CANDIDATE_DROPPED,
    GateEventType.RESUMED,
    GateEventType.GATE_OPENED,
    GateEventType.INTERRUPTED,
)


@pytest.mark.parametrize("event_type", GateEventType)
def test_each_kind_of_event_does_one_thing_or_nothing(event_type: GateEventType) -> None:
    """The caller's evidence pauses, its end resumes, an interruption flushes."""
    effect = effect_of(gate_event(event_type))
    if event_type in PAUSING:
        assert effect is PlayoutEffect.PAUSE
    elif event_type is GateEventType.INTERRUPTED:
        assert effect is PlayoutEffect.FLUSH
    elif event_type in ENDING:
        assert effect is PlayoutEffect.RESUME
    else:
        assert effect is None


def test_the_last_word_counts() -> None:
    """What has no effect is no word."""
    assert not is_paused_after([])
    for pausing in PAUSING:
        events = [gate_event(pausing), gate_event(GateEventType.HELD_DISCARDED)]
        assert is_paused_after(events)
        for ending in ENDING:
            assert not is_paused_after([*events, gate_event(ending)])
            assert is_paused_after([gate_event(ending), *events])
