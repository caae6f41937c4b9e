"""Draws simulated calls: what the caller heard, what the line delivered, what the gate did.

Invariant: drawn from the records alone, without a display; colours differ in lightness or come with
another line style, so that none has to be told by its hue.
"""

from __future__ import annotations

__all__ = ["draw_calls"]

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
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


_WIDTH_INCHES, _DPI = 10.0, 150
_TITLE_INCHES, _ROWS_INCHES, _GAP_INCHES = 0.34, (0.74, 0.74, 0.56), 0.04
"""Heights of what a call consists of: its title, its three rows, and what parts them."""
_LEGEND_INCHES = 1.3
"""Height of all that stands below the last call: the scale of time, its name, the legend."""
_LEFT, _RIGHT_EDGE = 0.115, 0.985
"""Where the rows begin and end, as shares of the width."""
_AGENT, _CALLER, _LINE = "#0072b2", "#e69f00", "#8c8c8c"  # of Okabe and Ito, as are most of these
_NEVER = "#8c8c8c"
_STATES = {
    GateState.OPEN: "#e3efe0",
    GateState.CLOSED: "#7b8794",
    GateState.CANDIDATE: "#f0e442",
    GateState.BARGE_IN: "#b0408f",
}
_RIGHT, _FALSE = _Stroke("#00694e", "solid", 1.8), _Stroke("#d51f00", "dashed", 1.2)
_BRIEF_SLOTS = 250 // FRAME_MS
"""Width to which candidate and barge-in are stretched: they last a few frames."""
_WORD_PAUSE_SLOTS = 300 // FRAME_MS
"""Pauses of the caller up to here are drawn as speech: those between and within words."""
_POINTS_A_SLOT = 4
_SLOT_S = FRAME_MS / 1000
_MAX_SHOWN = 0.5
"""Largest amplitude shown, of full scale: speech at a telephone's levels fills it."""
_AUDIBLE_RMS = dbfs_to_rms(-60.0)
_LANES = ("provider hears", "gate")


def draw_calls(records: Mapping[str, CallRecord], path: Path) -> None:
    """Draw the calls one above the other, on one scale of time, and write a PNG.

    Args:
        records: By the title of each.
        path: Where to write; its folder exists.

    Raises:
        OSError: it can't be written.
    """
    height_inches = _call_inches() * len(records) + _LEGEND_INCHES
    figure = Figure(figsize=(_WIDTH_INCHES, height_inches))
    FigureCanvasAgg(figure)
    longest = max(len(record.slots) for record in records.values())
    axes: list[Axes] = []
    for index, (title, record) in enumerate(records.items()):
        axes = list(_add_rows(figure, height_inches - index * _call_inches()))
        _draw_call(title, record, axes)
        for axis in axes:
            axis.set_xlim(0, max(1, longest) * _SLOT_S)
    axes[-1].tick_params(labelbottom=True, bottom=True)
    axes[-1].set_xlabel("time in s", fontsize=9)
    figure.legend(handles=_legend(), loc="lower center", ncols=3, fontsize=9, frameon=False)
    figure.savefig(path, dpi=_DPI, format="png")


def _call_inches() -> float:
    return _TITLE_INCHES + sum(_ROWS_INCHES) + _GAP_INCHES * len(_ROWS_INCHES)


def _add_rows(figure: Figure, top_inches: float) -> Iterator[Axes]:
    """Yield the rows of a call, from above; ``top_inches`` is that of its title."""
    height_inches = figure.get_figheight()
    at_inches = top_inches - _TITLE_INCHES
    for row_inches in _ROWS_INCHES:
        at_inches -= row_inches
        box = (_LEFT, at_inches / height_inches, _RIGHT_EDGE - _LEFT, row_inches / height_inches)
        axis = figure.add_axes(box)
        axis.tick_params(labelsize=9, labelbottom=False, bottom=False, left=False)
        yield axis
        at_inches -= _GAP_INCHES


def _draw_call(title: str, record: CallRecord, axes: list[Axes]) -> None:
    far_end, capture, gate = axes
    _draw_title(far_end, title, record)
    _draw_wave(far_end, [slot.far_end for slot in record.slots], _AGENT)
    far_end.set_yticks([0], ["agent\n(far-end)"])
    _draw_wave(capture, [slot.capture for slot in record.slots], _LINE)
    _draw_wave(capture, [slot.near_end for slot in record.slots], _CALLER)
    capture.set_yticks([0], ["capture"])
    _draw_gate(gate, record)
    _draw_cut_offs(axes, record)


def _draw_title(axis: Axes, title: str, record: CallRecord) -> None:
    """Write which call it is, and how often the agent was cut off."""
    n_right, n_false = map(len, agent_cut_offs(record))
    false_colour = _FALSE.colour if n_false else _NEVER
    right_colour = _RIGHT.colour if n_right else _NEVER
    _write_above(axis, title, "left", "black")
    _write_above(axis, f"{n_false} x cut off, caller silent", "center", false_colour)
    _write_above(axis, f"{n_right} x cut off by the caller", "right", right_colour)


def _write_above(
    axis: Axes, text: str, place: Literal["left", "center", "right"], colour: str
) -> None:
    axis.set_title(text, loc=place, color=colour, fontsize=11, fontweight="bold", pad=4)


def _draw_wave(axis: Axes, frames: list[Frame], colour: str) -> None:
    """Draw the envelope: the extremes of each quarter of a frame; nothing where there is none."""
    axis.set_ylim(-_MAX_SHOWN, _MAX_SHOWN)
    if not frames:
        return
    pieces = np.concatenate(frames).reshape(len(frames) * _POINTS_A_SLOT, -1) / FULL_SCALE_RMS
    seconds = np.arange(len(pieces)) * _SLOT_S / _POINTS_A_SLOT
    low, high = pieces.min(axis=1), pieces.max(axis=1)
    axis.fill_between(seconds, low, high, where=high > low, color=colour, linewidth=0.4)


def _draw_gate(axis: Axes, record: CallRecord) -> None:
    """Draw what reached the provider, and the gate's state above it."""
    speech, forwarded = _without_pauses(spoken_slots(record)), forwarded_slots(record)
    other = active_slots((slot.echo + slot.noise for slot in record.slots), _AUDIBLE_RMS)
    _draw_lane(axis, 0, forwarded & other & ~speech, "black")
    _draw_lane(axis, 0, forwarded & speech, _CALLER)
    for state, colour in _STATES.items():
        flags = np.array([slot_state is state for slot_state in record.states], np.bool_)
        _draw_lane(axis, 1, _stretched(flags, state), colour)
    reports_s = [_seconds(record, t_ms) for t_ms in record.provider_speech_ms]
    axis.plot(reports_s, [-0.66] * len(reports_s), "^", color="black", markersize=5)
    axis.set_ylim(-0.95, len(_LANES) - 0.5)
    axis.set_yticks(range(len(_LANES)), _LANES)


def _draw_lane(axis: Axes, lane: int, flags: Flags, colour: str) -> None:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    bars = [(first * _SLOT_S, (end - first) * _SLOT_S) for first, end in edges.reshape(-1, 2)]
    axis.broken_barh(bars, (lane - 0.4, 0.8), color=colour, linewidth=0)


def _without_pauses(speech: Flags) -> Flags:
    """Return the slots of speech, with short pauses filled."""
    filled = speech.copy()
    spoken = np.flatnonzero(speech)
    for last, following in pairwise(spoken):
        if following - last <= _WORD_PAUSE_SLOTS:
            filled[last:following] = True
    return filled


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
        Patch(color=_LINE, label="echo and babble on the line"),
        Patch(color="black", label="echo and babble at the provider"),
        _line(_FALSE, "agent cut off, caller silent"),
        _line(_RIGHT, "agent cut off by the caller"),
        Line2D([], [], color="black", marker="^", linestyle="", label="provider reports speech"),
        Line2D([], [], linestyle="", label=""),  # the states have a column of their own
        *states,
    ]


def _line(stroke: _Stroke, label: str) -> Line2D:
    colour, dashes, width = stroke
    return Line2D([], [], color=colour, linestyle=dashes, linewidth=width, label=label)
