"""Decisions of the gate as they stand in the lines of a trace, with what was measured.

What has its default is left out. Invariant: a decision that was written is read back to the last
bit; what a later version measures is left out.
"""

from __future__ import annotations

__all__ = ["decision_from_tree", "decision_of", "decision_tree"]

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..core.gate_decision import (
    GateAction,
    GateEvent,
    GateEventType,
    GateMeasurements,
    GateReason,
    GateState,
)
from .plain_values import number_of, time_of, to_plain, whole_of
from .trace_values import RecordedDecision

_MEASUREMENTS = tuple((field.name, field.default) for field in fields(GateMeasurements))
_MEASURED = frozenset(name for name, _ in _MEASUREMENTS)


def decision_tree(decision: RecordedDecision) -> dict[str, Any]:
    """Return a decision as it stands in the line of its input."""
    tree: dict[str, Any] = {
        "action": decision.action.value,
        "state": decision.state.value,
        "reason": decision.reason.value,
    }
    if decision.n_chunks:
        tree["n_chunks"] = decision.n_chunks
        tree["audio_digest"] = decision.audio_digest
    if decision.n_released:
        tree["n_released"] = decision.n_released
    if decision.events:
        tree["events"] = [to_plain(event) for event in decision.events]
    measured = decision.measurements
    if measured is not None:
        values = tree["measurements"] = {}
        for name, default in _MEASUREMENTS:
            value = getattr(measured, name)
            if not _is_same(value, default):
                values[name] = value
    return tree


def _is_same(value: object, default: object) -> bool:
    """Return whether a value is its default, the sign of a zero included."""
    return value is default or (value == default and not str(value).startswith("-"))


def decision_from_tree(tree: Mapping[str, Any]) -> RecordedDecision:
    """Return the decision that stands in the line of an input.

    Raises:
        ValueError, TypeError, KeyError: that is none.
    """
    measured = tree.get("measurements")
    return RecordedDecision(
        action=GateAction(tree["action"]),
        state=GateState(tree["state"]),
        reason=GateReason(tree["reason"]),
        n_released=whole_of(tree.get("n_released", 0)),
        n_chunks=whole_of(tree.get("n_chunks", 0)),
        audio_digest=str(tree.get("audio_digest", "")),
        events=tuple(_event(each) for each in tree.get("events", ())),
        measurements=None if measured is None else _measurements(measured),
    )


def decision_of(tree: Mapping[str, Any]) -> RecordedDecision | None:
    """Return the decision in the line of an input; None where there is none.

    Raises:
        ValueError, TypeError, KeyError: that is none.
    """
    decided = tree.get("decision")
    return None if decided is None else decision_from_tree(decided)


def _event(tree: Mapping[str, Any]) -> GateEvent:
    return GateEvent(
        type=GateEventType(tree["type"]),
        t_ms=time_of(tree["t_ms"]),
        reason=GateReason(tree["reason"]),
        count=whole_of(tree["count"]),
        detail=str(tree["detail"]),
    )


def _measurements(tree: Mapping[str, Any]) -> GateMeasurements:
    return GateMeasurements(
        **{name: _measured(value) for name, value in tree.items() if name in _MEASURED}
    )


def _measured(value: Any) -> Any:
    return value if isinstance(value, bool) else number_of(value)
