"""An agent that does what the gate says."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import frames_of, white_noise
from voxgate.core.gate_decision import GateEvent, GateEventType, GateReason
from voxgate.lab.bench.agent_playout import AgentPlayout, PlayedFrame

_T = GateEventType
FAR_END = frames_of(white_noise(4000, seed=3))
FIRST, SECOND = (3200, 8000), (16_080, 20_000)
"""Slots 20 to 50, and 100 (from its middle on) to 125."""


def agent(*, stops_at_commitment: bool = False) -> AgentPlayout:
    return AgentPlayout([FIRST, SECOND], FAR_END, stops_at_commitment=stops_at_commitment)


def played(
    playout: AgentPlayout, said: dict[int, GateEventType] | None = None, slots: int = 200
) -> list[PlayedFrame]:
    """Play a call, in which the gate says something after some slots."""
    frames = []
    for slot in range(slots):
        frames.append(playout.play())
        if said and slot in said:
            event = GateEvent(type=said[slot], t_ms=20.0 * slot, reason=GateReason.CANDIDATE)
            playout.follow([event])
    return frames


def sources(frames: list[PlayedFrame]) -> dict[int, int]:
    return {slot: frame.source for slot, frame in enumerate(frames) if frame.source is not None}


def test_an_agent_that_is_told_nothing_plays_what_was_planned() -> None:
    """To the byte, in turns as exact as the plan's."""
    playout = agent()
    frames = played(playout)
    assert [frame.audio for frame in frames] == FAR_END
    assert sources(frames) == {slot: slot for slot in [*range(20, 50), *range(100, 125)]}
    assert all(frame.is_agent_audio == (frame.source is not None) for frame in frames)
    assert playout.turns(4000.0) == ((400.0, 1000.0), (2010.0, 2500.0))


def test_a_pause_stops_the_next_slot_and_ends_where_it_began() -> None:
    """After a fade of 5 ms there is silence; nothing of the turn is lost, and it ends later."""
    playout = agent()
    frames = played(playout, {29: _T.CANDIDATE_STARTED, 37: _T.CANDIDATE_DROPPED})
    assert sources(frames)[29] == 29
    faded = np.frombuffer(frames[30].audio, "<i2")
    assert frames[30].is_agent_audio
    assert faded[:20].any()
    assert not faded[40:].any()
    assert [frames[slot].audio for slot in range(31, 38)] == [bytes(320)] * 7
    assert not any(frames[slot].is_agent_audio for slot in range(31, 38))
    assert [sources(frames)[slot] for slot in range(38, 58)] == list(range(30, 50))
    assert frames[40].audio == FAR_END[32]
    assert playout.turns(4000.0)[0] == (400.0, 1160.0)


def test_a_commitment_keeps_the_agent_paused_until_it_is_settled() -> None:
    """What was never confirmed lets the turn go on; an interruption ends it there and then."""
    said = {29: _T.CANDIDATE_STARTED, 32: _T.BARGE_IN_COMMITTED}
    resumed = agent()
    assert sources(played(resumed, {**said, 89: _T.RESUMED}))[90] == 30
    stopped = agent()
    frames = played(stopped, {**said, 49: _T.INTERRUPTED})
    assert set(sources(frames)) == {*range(20, 30), *range(100, 125)}
    assert stopped.turns(4000.0)[0] == (400.0, 1000.0)


def test_a_commitment_may_be_the_end_of_the_turn() -> None:
    """Of gates that do not pause. The next turn comes as planned."""
    playout = agent(stops_at_commitment=True)
    frames = played(playout, {29: _T.BARGE_IN_COMMITTED})
    assert set(sources(frames)) == {*range(20, 30), *range(100, 125)}
    assert frames[30].is_agent_audio
    assert frames[31].audio == bytes(320)
    assert playout.turns(4000.0) == ((400.0, 600.0), (2010.0, 2500.0))


def test_a_turn_after_one_that_was_late_leaves_a_pause() -> None:
    """700 ms, as between any two turns."""
    playout = agent()
    frames = played(playout, {40: _T.CANDIDATE_STARTED, 80: _T.CANDIDATE_DROPPED})
    late = sources(frames)
    assert late[89] == 49
    assert min(slot for slot, source in late.items() if source >= 100) == 90 + 35
    assert playout.turns(4000.0)[1] == (2010.0 + 25 * 20, 2500.0 + 25 * 20)


@pytest.mark.parametrize("slots", [10, 30])
def test_a_turn_that_goes_on_at_the_end_ends_with_the_call(slots: int) -> None:
    """One that has not begun by then is none."""
    playout = agent()
    played(playout, slots=slots)
    assert playout.turns(slots * 20.0) == (((400.0, 600.0),) if slots == 30 else ())
