"""Hand-made records of simulated calls: which sound is in which slots, and what the gate said."""

from __future__ import annotations

__all__ = ["LOUD", "SILENT", "Spans", "gate_event", "record_of"]

from collections.abc import Iterable

import numpy as np

from voxgate.core.gate_decision import GateEvent, GateEventType, GateReason, GateState
from voxgate.lab.call_record import CallRecord, Frame, GateEventRecord, PhoneSlot

Spans = Iterable[tuple[int, int]]
"""Slots [first, after last)."""

SILENT: Frame = np.zeros(160, np.int16)
"""A frame of nothing."""
LOUD: Frame = np.tile(np.array([2000, -2000], np.int16), 80)
"""A frame at -24 dBFS."""


def record_of(
    n_slots: int,
    *,
    agent: Spans = (),
    caller: Spans = (),
    echo: Spans = (),
    noise: Spans = (),
    forwarded: Spans = (),
    states: Iterable[GateState] | None = None,
    start_ms: float = 1000.0,
) -> CallRecord:
    """Return a record in which each sound is loud in its slots and silent in all others."""
    sounds = {"far_end": agent, "near_end": caller, "echo": echo, "noise": noise}
    frames = {name: _frames(n_slots, spans) for name, spans in sounds.items()}
    record = CallRecord(is_complete=True, end_reason="caller_hangup")
    for n in range(n_slots):
        slot = {name: each[n] for name, each in frames.items()}
        capture = slot["near_end"] + slot["echo"] + slot["noise"]
        record.slots.append(PhoneSlot(t_ms=start_ms + 20.0 * n, capture=capture, **slot))
    record.states.extend([GateState.OPEN] * n_slots if states is None else states)
    record.forwarded.update(n for first, end in forwarded for n in range(first, end))
    return record


def gate_event(
    event_type: GateEventType, t_ms: float, *, agent_left_ms: float = 1000.0
) -> GateEventRecord:
    """Return an event while the agent had so much to say."""
    event = GateEvent(type=event_type, t_ms=t_ms, reason=GateReason.PROVIDER_SPEECH)
    return GateEventRecord(event, agent_left_ms)


def _frames(n_slots: int, spans: Spans) -> list[Frame]:
    loud = {n for first, end in spans for n in range(first, end)}
    return [LOUD if n in loud else SILENT for n in range(n_slots)]
