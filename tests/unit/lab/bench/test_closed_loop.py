"""A call that goes on as the gate decides."""

from __future__ import annotations

import numpy as np

from support.signals import frames_of
from support.simulated_lines import simulated_line
from voxgate.core.gate_decision import GateEvent, GateEventType, GateReason
from voxgate.lab.bench.closed_loop import ClosedCall
from voxgate.lab.evaluate.recording import Slot

TURNS = [(3200, 16_000)]
"""Slots 20 to 100."""


def closed_call() -> ClosedCall:
    line = simulated_line(TURNS)
    planned = line.render()
    far_end = frames_of(planned.far_end)
    return ClosedCall(line, planned, far_end, stops_at_commitment=False)


def run(call: ClosedCall, said: dict[int, GateEventType]) -> list[Slot]:
    slots = []
    for number, slot in enumerate(call.slots()):
        slots.append(slot)
        if number in said:
            event = GateEvent(type=said[number], t_ms=20.0 * number, reason=GateReason.CANDIDATE)
            call.follow([event])
    return slots


def test_under_a_gate_that_says_nothing_it_is_the_planned_call() -> None:
    """To the sample, slot by slot, each frame an object of its own."""
    planned = simulated_line(TURNS).render()
    call = closed_call()
    slots = run(call, {})
    assert [slot.capture for slot in slots] == frames_of(planned.capture)
    assert [slot.far_end for slot in slots] == frames_of(planned.far_end)
    assert [n for n, slot in enumerate(slots) if slot.is_agent_audio] == list(range(20, 100))
    assert call.agent_speaking == ((400.0, 2000.0),)
    assert call.duration_ms == 6000.0
    assert len({id(slot.capture) for slot in slots}) == len(slots)


def test_a_pause_is_heard_in_far_end_and_capture() -> None:
    """The echo fades after its delay of 100 ms, and comes back as late as the agent."""
    call = closed_call()
    slots = run(call, {59: GateEventType.CANDIDATE_STARTED, 69: GateEventType.CANDIDATE_DROPPED})
    assert not any(slot.is_agent_audio for slot in slots[61:70])
    levels = [np.std(np.frombuffer(slot.capture, "<i2")) for slot in slots]
    assert levels[64] > 400
    assert max(levels[72:75]) < 300
    assert levels[76] > 400
    assert call.agent_speaking == ((400.0, 2200.0),)
