"""Pauses of playout, told from events."""

from __future__ import annotations

import pytest

from voxgate.core.gate_decision import GateEvent, GateEventType, GateReason
from voxgate.lab.evaluate.pauses import PlayoutPause, playout_pauses

_T = GateEventType
_STARTED, _DROPPED, _COMMITTED = _T.CANDIDATE_STARTED, _T.CANDIDATE_DROPPED, _T.BARGE_IN_COMMITTED


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], []),
        ([(_STARTED, 100), (_COMMITTED, 180)], [(100, 180, 2000)]),
        ([(_COMMITTED, 180)], [(180, 180, 2000)]),
        ([(_STARTED, 100), (_DROPPED, 300)], [(100, None, 300)]),
        ([(_STARTED, 100)], [(100, None, 2000)]),
        ([(_DROPPED, 100)], []),
        (
            [(_STARTED, 100), (_DROPPED, 300), (_STARTED, 400), (_COMMITTED, 480)],
            [(100, None, 300), (400, 480, 2000)],
        ),
        (
            [(_STARTED, 100), (_COMMITTED, 180), (_COMMITTED, 900)],
            [(100, 180, None), (900, 900, 2000)],
        ),
        (
            [(_STARTED, 100), (_T.ONSET_RELEASED, 120), (_COMMITTED, 180), (_T.RESUMED, 999)],
            [(100, 180, 999)],
        ),
        ([(_COMMITTED, 180), (_T.INTERRUPTED, 600), (_T.GATE_OPENED, 900)], [(180, 180, None)]),
        ([(_STARTED, 100), (_T.GATE_OPENED, 240)], [(100, None, 240)]),
    ],
)
def test_a_pause_begins_with_its_candidate(
    events: list[tuple[GateEventType, float]],
    expected: list[tuple[float, float | None, float | None]],
) -> None:
    """Or with the commitment where there was none; one in force at the end lasts until then."""
    told = (
        GateEvent(type=event_type, t_ms=t_ms, reason=GateReason.CANDIDATE)
        for event_type, t_ms in events
    )
    pauses = playout_pauses(told, end_ms=2000)
    assert pauses == tuple(PlayoutPause(*times) for times in expected)


def test_a_pause_delays_the_agent_if_playout_goes_on() -> None:
    """One that ends in an interruption takes the rest of the turn instead."""
    assert PlayoutPause(100, None, 340).delay_ms == 240
    assert PlayoutPause(100, 180).delay_ms == 0
