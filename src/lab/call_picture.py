"""Draws simulated calls: what the caller heard, what the line delivered, what the gate did.

Invariant: drawn from the record alone, without a display.
"""

from __future__ import annotations

__all__ = ["draw_calls"]

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..core.audio import FRAME_MS
from ..core.gate_transitions import GateState
from .call_judge import Spans, active_slots, agent_cut_offs
from .call_record import CallRecord, Frame

_AGENT, _CALLER, _LINE, _HEARD = "#4878a8", "#d9822b", "#8a8a8a", "#222222"
_RIGHT, _FALSE = "#2a8a4a", "#b3202c"
_STATE_COLOURS = {
    GateState.OPEN: "#dcefdc",
    GateState.CLOSED: "#d5dae3",
    GateState.CANDIDATE: "#ffe08a",
    GateState.BARGE_IN: "#f5b26b",
}
_POINTS_A_SLOT = 4
_SLOT_S = FRAME_MS / 1000


def draw_calls(records: Mapping[str, CallRecord], path: Path) -> None:
    """Draw the calls one above the other and write a PNG.

    Args:
        records: By the title of each.
        path: Where to write; parents are made.
    """
    figure = Figure(figsize=(15, 4.3 * len(records)), layout="constrained")
    FigureCanvasAgg(figure)
    heights = [2, 2, 1] * len(records)
    axes = figure.subplots(3 * len(records), 1, gridspec_kw={"height_ratios": heights})
    for index, (title, record) in enumerate(records.items()):
        _draw_call(title, record, axes[3 * index : 3 * index + 3])
    figure.legend(handles=_legend(), loc="outside lower center", ncols=5, fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _draw_call(title: str, record: CallRecord, axes: list[Axes]) -> None:
    far_end, capture, gate = axes
    start_ms = record.slots[0].t_ms
    _draw_wave(far_end, [slot.far_end for slot in record.slots], _AGENT)
    far_end.set_title(title, loc="left", fontsize=12, fontweight="bold")
    far_end.set_ylabel("far-end\n(agent)")
    _draw_wave(capture, [slot.capture for slot in record.slots], _LINE)
    _draw_wave(capture, [slot.near_end for slot in record.slots], _CALLER)
    capture.set_ylabel("capture")
    _draw_gate(gate, record)
    cut_offs = agent_cut_offs(record)
    for times_ms, colour in ((cut_offs.right_ms, _RIGHT), (cut_offs.false_ms, _FALSE)):
        for t_ms in times_ms:
            for axis in axes:
                axis.axvline((t_ms - start_ms) / 1000, color=colour, linewidth=1.4)
    for axis in axes:
        axis.set_xlim(0, len(record.slots) * _SLOT_S)
        axis.tick_params(labelsize=8)
    for axis in (far_end, capture):
        axis.set_xticklabels([])
        axis.set_yticks([])
    gate.set_xlabel("seconds", fontsize=8)


def _draw_wave(axis: Axes, frames: list[Frame], colour: str) -> None:
    """Draw the envelope: the extremes of each quarter of a frame."""
    pieces = np.concatenate(frames).reshape(len(frames) * _POINTS_A_SLOT, -1)
    seconds = np.arange(len(pieces)) * _SLOT_S / _POINTS_A_SLOT
    axis.fill_between(seconds, pieces.min(axis=1), pieces.max(axis=1), color=colour, linewidth=0.4)
    axis.set_ylim(-16000, 16000)


def _draw_gate(axis: Axes, record: CallRecord) -> None:
    """Draw the gate's state, what was said, and what reached the provider, as three bands."""
    for state, colour in _STATE_COLOURS.items():
        flags = np.array([slot_state is state for slot_state in record.states], np.bool_)
        _draw_band(axis, _spans(flags), 0.0, 3.0, colour)
    n_slots = len(record.slots)
    speech = active_slots([slot.near_end for slot in record.slots], 100.0)
    forwarded = np.zeros(n_slots, np.bool_)
    forwarded[[n for n in record.forwarded if n < n_slots]] = True
    sound = active_slots([slot.capture for slot in record.slots], 30.0)
    _draw_band(axis, _spans(speech), 1.65, 0.7, _CALLER)
    _draw_band(axis, _spans(forwarded & sound), 0.65, 0.7, _HEARD)
    axis.set_ylim(0, 3)
    axis.set_yticks([1.0, 2.0], ["to provider", "caller speaks"])


def _draw_band(axis: Axes, spans: Spans, bottom: float, height: float, colour: str) -> None:
    bars = [(first * _SLOT_S, (end - first) * _SLOT_S) for first, end in spans]
    axis.broken_barh(bars, (bottom, height), color=colour, linewidth=0)


def _spans(flags: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Spans:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def _legend() -> list[Patch]:
    names = {
        _AGENT: "agent, as the caller hears it",
        _CALLER: "caller",
        _LINE: "echo and noise",
        _HEARD: "sound that reached the provider",
        _RIGHT: "agent cut off by the caller",
        _FALSE: "agent cut off, caller silent",
    }
    patches = [Patch(color=colour, label=name) for colour, name in names.items()]
    return patches + [
        Patch(color=colour, label=f"gate {state.replace('_', ' ')}")
        for state, colour in _STATE_COLOURS.items()
    ]
