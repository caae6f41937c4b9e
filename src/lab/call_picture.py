"""Draws simulated calls: what the caller heard, what the line delivered, what the gate did.

Invariant: drawn from the records alone, without a display; colours differ in lightness or come with
another line style, so that none has to be told by its hue.
"""

from __future__ import annotations

__all__ = ["draw_calls"]

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..core.audio import FRAME_MS
from ..core.gate_transitions import GateState
from ..core.units import FULL_SCALE_RMS, dbfs_to_rms
from .call_judge import Flags, active_slots, agent_cut_offs, forwarded_slots, spoken_slots
from .call_record import CallRecord, Frame


class _Stroke(NamedTuple):
    """How a vertical line is drawn."""

    colour: str
    dashes: Literal["solid", "dashed"]
    width: float


_WIDTH_INCHES, _CALL_INCHES, _LEGEND_INCHES, _DPI = 10.0, 3.5, 1.1, 150
_AGENT, _CALLER, _LINE = "#0072b2", "#e69f00", "#8c8c8c"  # of Okabe and Ito, as are most of these
_STATES = {
    GateState.OPEN: "#e3efe0",
    GateState.CLOSED: "#7b8794",
    GateState.CANDIDATE: "#f0e442",
    GateState.BARGE_IN: "#b0408f",
}
_RIGHT, _FALSE = _Stroke("#00694e", "solid", 1.8), _Stroke("#d51f00", "dashed", 1.2)
_BRIEF_SLOTS = 250 // FRAME_MS
"""Width to which candidate and barge-in are stretched: they last a few frames."""
_POINTS_A_SLOT = 4
_SLOT_S = FRAME_MS / 1000
_MAX_SHOWN = 0.62
"""Largest amplitude shown: speech at a telephone's levels fills it, clicks are cut off."""
_AUDIBLE_RMS = dbfs_to_rms(-60.0)
_ROWS = ("heard by provider", "caller speaks", "gate")


def draw_calls(records: Mapping[str, CallRecord], path: Path) -> None:
    """Draw the calls one above the other, on one scale of time, and write a PNG.

    Args:
        records: By the title of each.
        path: Where to write; its folder exists.

    Raises:
        OSError: it can't be written.
    """
    height_inches = _CALL_INCHES * len(records) + _LEGEND_INCHES
    figure = Figure(figsize=(_WIDTH_INCHES, height_inches), layout="constrained")
    FigureCanvasAgg(figure)
    heights = [2, 2, 1.5] * len(records)
    axes = figure.subplots(
        3 * len(records), 1, sharex=True, gridspec_kw={"height_ratios": heights, "hspace": 0}
    )
    for index, (title, record) in enumerate(records.items()):
        _draw_call(title, record, axes[3 * index : 3 * index + 3])
    longest = max(len(record.slots) for record in records.values())
    axes[0].set_xlim(0, max(1, longest) * _SLOT_S)
    axes[-1].set_xlabel("time in s; amplitudes as a share of full scale", fontsize=9)
    figure.legend(handles=_legend(), loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    figure.savefig(path, dpi=_DPI, format="png")


def _draw_call(title: str, record: CallRecord, axes: Iterable[Axes]) -> None:
    far_end, capture, gate = axes
    far_end.set_title(_headline(title, record), loc="left", fontsize=11, fontweight="bold")
    _draw_wave(far_end, [slot.far_end for slot in record.slots], _AGENT)
    far_end.set_ylabel("far-end\n(agent)", fontsize=9)
    _draw_wave(capture, [slot.capture for slot in record.slots], _LINE)
    _draw_wave(capture, [slot.near_end for slot in record.slots], _CALLER)
    capture.set_ylabel("capture", fontsize=9)
    _draw_gate(gate, record)
    _draw_cut_offs((far_end, capture, gate), record)
    for axis in (far_end, capture, gate):
        axis.tick_params(labelsize=8, labelbottom=axis is gate, bottom=axis is gate)


def _headline(title: str, record: CallRecord) -> str:
    n_right, n_false = map(len, agent_cut_offs(record))
    return (
        f"{title}: agent cut off {n_right} x by the caller, {n_false} x while the caller was silent"
    )


def _draw_wave(axis: Axes, frames: list[Frame], colour: str) -> None:
    """Draw the envelope: the extremes of each quarter of a frame; nothing where there is none."""
    axis.set_ylim(-_MAX_SHOWN, _MAX_SHOWN)
    axis.set_yticks([-0.5, 0, 0.5], ["-0.5", "0", "0.5"])
    if not frames:
        return
    pieces = np.concatenate(frames).reshape(len(frames) * _POINTS_A_SLOT, -1) / FULL_SCALE_RMS
    seconds = np.arange(len(pieces)) * _SLOT_S / _POINTS_A_SLOT
    low, high = pieces.min(axis=1), pieces.max(axis=1)
    axis.fill_between(seconds, low, high, where=high > low, color=colour, linewidth=0.4)


def _draw_gate(axis: Axes, record: CallRecord) -> None:
    """Draw what reached the provider, what the caller said, and the gate's state, as three rows."""
    speech, forwarded = spoken_slots(record), forwarded_slots(record)
    other = active_slots((slot.echo + slot.noise for slot in record.slots), _AUDIBLE_RMS)
    _draw_row(axis, 0, forwarded & speech, _CALLER)
    _draw_row(axis, 0, forwarded & other & ~speech, "black")
    _draw_row(axis, 1, speech, _CALLER)
    for state, colour in _STATES.items():
        flags = np.array([slot_state is state for slot_state in record.states], np.bool_)
        _draw_row(axis, 2, _stretched(flags, state), colour)
    reports_s = [_seconds(record, t_ms) for t_ms in record.provider_speech_ms]
    axis.plot(reports_s, [-0.62] * len(reports_s), "^", color="black", markersize=4)
    axis.set_ylim(-0.85, len(_ROWS) - 0.5)
    axis.set_yticks(range(len(_ROWS)), _ROWS)


def _draw_row(axis: Axes, row: int, flags: Flags, colour: str) -> None:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    bars = [(first * _SLOT_S, (end - first) * _SLOT_S) for first, end in edges.reshape(-1, 2)]
    axis.broken_barh(bars, (row - 0.36, 0.72), color=colour, linewidth=0)


def _stretched(flags: Flags, state: GateState) -> Flags:
    """Return a state's slots, brief ones stretched: a barge-in onwards, what leads to it back."""
    stretched = flags.copy()
    for slot in np.flatnonzero(flags):
        if state is GateState.CANDIDATE:
            stretched[max(0, slot + 1 - _BRIEF_SLOTS) : slot] = True
        elif state is GateState.BARGE_IN:
            stretched[slot : slot + _BRIEF_SLOTS] = True
    return stretched


def _draw_cut_offs(axes: Iterable[Axes], record: CallRecord) -> None:
    cut_offs = agent_cut_offs(record)
    for axis in axes:
        for times_ms, stroke in ((cut_offs.right_ms, _RIGHT), (cut_offs.false_ms, _FALSE)):
            colour, dashes, width = stroke
            for t_ms in times_ms:
                t_s = _seconds(record, t_ms)
                axis.axvline(t_s, color=colour, linestyle=dashes, linewidth=width)


def _seconds(record: CallRecord, t_ms: float) -> float:
    return (t_ms - record.slots[0].t_ms) / 1000 if record.slots else 0.0


def _legend() -> list[Artist]:
    states = [
        Patch(color=colour, label=f"gate {state.replace('_', ' ')}")
        for state, colour in _STATES.items()
    ]
    return [
        Patch(color=_AGENT, label="agent, as the caller hears it"),
        Patch(color=_CALLER, label="caller"),
        Patch(color=_LINE, label="echo and noise on the line"),
        Patch(color="black", label="echo and noise at the provider"),
        _line(_RIGHT, "agent cut off by the caller"),
        _line(_FALSE, "agent cut off, caller silent"),
        Line2D([], [], color="black", marker="^", linestyle="", label="provider reports speech"),
        Line2D([], [], linestyle="", label=""),  # the states have a column of their own
        *states,
    ]


def _line(stroke: _Stroke, label: str) -> Line2D:
    colour, dashes, width = stroke
    return Line2D([], [], color=colour, linestyle=dashes, linewidth=width, label=label)
