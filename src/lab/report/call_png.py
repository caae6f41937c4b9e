"""A recorded call as one picture, for a ticket or a mail.

Invariant: drawn from the recording alone, without a display; what a colour tells is told by place
or by a name too.
"""

from __future__ import annotations

__all__ = ["draw_report"]

import math
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from ...core.audio import FRAME_MS
from ...core.gate_decision import GateEventType, GateState
from ...recordings import CallTracks, RecordedCall
from ..call_time import call_time
from ..shown_text import shown_text
from .call_data import STATES, CallData, Sent, gather_call
from .envelope import envelope, runs
from .spectrogram import spectrogram
from .words import EVENT_WORDS

_WIDTH_INCHES, _DPI = 12.0, 130
_COLUMNS = 3000
"""Points of a wave: about two for each pixel."""
_AGENT, _SENT, _HELD, _GUARD, _FLOOR = "#1f6fb5", "#c2570c", "#aab2bc", "#2c7a4b", "#8a5cc2"
_STATE_COLOURS = {
    GateState.OPEN: "#cfe8cf",
    GateState.CLOSED: "#7b8794",
    GateState.CANDIDATE: "#e3c800",
    GateState.BARGE_IN: "#b0408f",
}
_SENT_COLOURS = {Sent.FORWARDED: _SENT, Sent.RELEASED: _FLOOR, Sent.WITHHELD: "#d7dce2"}
_NAMED = {
    GateEventType.BARGE_IN_COMMITTED,
    GateEventType.CANDIDATE_DROPPED,
    GateEventType.INTERRUPTED,
    GateEventType.RESUMED,
}
"""Events that are written into the picture."""
_NAME_SHARE = 0.012
"""Of the picture's width that a name takes."""
_MAX_LOGIT = 8.0
_NAME = 40
"""Characters of a name in the title: a UUID has 36."""

Row = tuple[float, str, Callable[[Axes, CallData], None]]
"""Height, name, and who draws it."""


def draw_report(recorded: RecordedCall, path: Path) -> None:
    """Draw a recorded call and write a PNG.

    Raises:
        RecordingError: the call can't be read.
        OSError: the picture can't be written.
    """
    data = gather_call(recorded)
    rows = _rows(data)
    heights = [row[0] for row in rows]
    figure = Figure(figsize=(_WIDTH_INCHES, sum(heights) + 1.5), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(len(rows), 1, height_ratios=heights)
    shared: Axes | None = None
    for n, (_, name, draw) in enumerate(rows):
        axis = figure.add_subplot(grid[n], sharex=shared)
        shared = shared or axis
        draw(axis, data)
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        axis.tick_params(labelsize=8, labelbottom=n == len(rows) - 1)
    if shared is not None:
        shared.set_xlim(0, data.duration_ms / 1000)
        _name_events(shared, figure.axes, data)
    figure.axes[-1].set_xlabel("time in s", fontsize=9)
    figure.suptitle(_title(data), fontsize=11, parse_math=False)
    figure.legend(handles=_legend(), loc="outside lower center", ncols=6, fontsize=8, frameon=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure.savefig(path, dpi=_DPI, format="png")


def _rows(data: CallData) -> list[Row]:
    rows: list[Row] = []
    if data.tracks is not None:
        rows += [(1.0, "agent\n(far end)", _draw_far_end), (1.0, "capture", _draw_capture)]
    rows += [
        (0.35, "gate", _draw_states),
        (1.0, "log odds", _draw_logits),
        (0.8, "dBFS", _draw_levels),
    ]
    if data.tracks is not None:
        rows.append((1.1, "capture,\nkHz", _draw_spectrogram))
    return [*rows, (0.35, "provider\ngets", _draw_sent)]


def _title(data: CallData) -> str:
    header = data.header
    return (
        f"call {shown_text(header.call_id, longest=_NAME)}, "
        f"{header.started_at:%Y-%m-%d %H:%M:%S} UTC, {call_time(data.duration_ms, digits=1)}, "
        f"{shown_text(header.line, longest=_NAME)}, {shown_text(header.provider, longest=_NAME)}"
    )


def _begin_s(data: CallData, tracks: CallTracks) -> float:
    return (tracks.origin_ms - data.header.started_ms) / 1000


def _wave(data: CallData, samples: NDArray[np.int16]) -> tuple[NDArray[np.float64], ...]:
    """Return times in s, and the lowest and highest sample at each."""
    tracks = data.tracks
    if tracks is None:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    low, high = envelope(samples, _COLUMNS)
    seconds = len(samples) / tracks.rate_hz
    times = _begin_s(data, tracks) + (np.arange(_COLUMNS) + 0.5) * seconds / _COLUMNS
    return times, low.astype(np.float64), high.astype(np.float64)


def _draw_far_end(axis: Axes, data: CallData) -> None:
    if data.tracks is not None:
        times, low, high = _wave(data, data.tracks.far_end)
        axis.fill_between(times, low, high, color=_AGENT, linewidth=0)
    _hide_amplitude(axis, data)


def _draw_capture(axis: Axes, data: CallData) -> None:
    if data.tracks is not None:
        times, low, high = _wave(data, data.tracks.capture)
        slots = np.clip((times * 1000 / FRAME_MS).astype(int), 0, len(data.slots) - 1)
        is_sent = data.slots.sent[slots] >= Sent.RELEASED
        axis.fill_between(times, low, high, color=_HELD, linewidth=0)
        axis.fill_between(times, low, high, where=is_sent, color=_SENT, linewidth=0)
    _hide_amplitude(axis, data)


def _hide_amplitude(axis: Axes, data: CallData) -> None:
    """Scale both sides of the line alike."""
    tracks = data.tracks
    peak = 0.0
    if tracks is not None and len(tracks.capture):
        loudest = (np.abs(side.astype(np.int32)).max() for side in (tracks.far_end, tracks.capture))
        peak = max(float(each) for each in loudest) / 32768
    axis.set_ylim(-max(0.05, peak), max(0.05, peak))
    axis.set_yticks([])


def _draw_states(axis: Axes, data: CallData) -> None:
    colours = {code: _STATE_COLOURS[state] for code, state in enumerate(STATES)}
    _draw_bars(axis, data.slots.state, colours)


def _draw_sent(axis: Axes, data: CallData) -> None:
    _draw_bars(axis, data.slots.sent, {int(sent): each for sent, each in _SENT_COLOURS.items()})


def _draw_bars(axis: Axes, codes: NDArray[np.int8], colours: Mapping[int, str]) -> None:
    """Draw the stretches of each code in its colour; others are left out."""
    for code, colour in colours.items():
        bars = [
            (run.first * FRAME_MS / 1000, (run.end - run.first) * FRAME_MS / 1000)
            for run in runs(codes)
            if run.code == code
        ]
        axis.broken_barh(bars, (0.0, 1.0), color=colour, linewidth=0)
    axis.set_ylim(0, 1)
    axis.set_yticks([])


def _times(data: CallData) -> NDArray[np.float64]:
    return (np.arange(len(data.slots)) + 0.5) * FRAME_MS / 1000


def _draw_logits(axis: Axes, data: CallData) -> None:
    times = _times(data)
    axis.axhline(0, color="#55606d", linewidth=0.6, linestyle=":")
    axis.plot(times, data.slots.speech_logit, color=_GUARD, linewidth=0.9)
    axis.plot(times, data.slots.near_end_logit, color=_SENT, linewidth=0.9)
    axis.set_ylim(-_MAX_LOGIT, _MAX_LOGIT)


def _draw_levels(axis: Axes, data: CallData) -> None:
    times = _times(data)
    axis.fill_between(times, -80, data.slots.capture_dbfs, color=_HELD, alpha=0.6, linewidth=0)
    axis.plot(times, data.slots.near_end_dbfs, color=_SENT, linewidth=0.9)
    axis.plot(times, data.slots.floor_dbfs, color=_FLOOR, linewidth=1.1, linestyle="--")
    axis.set_ylim(-80, 0)


def _draw_spectrogram(axis: Axes, data: CallData) -> None:
    tracks = data.tracks
    if tracks is None:
        return
    begin_s, seconds = _begin_s(data, tracks), len(tracks.capture) / tracks.rate_hz
    extent = (begin_s, begin_s + seconds, 0.0, tracks.rate_hz / 2000)
    levels = spectrogram(tracks.capture, tracks.rate_hz)
    axis.imshow(levels, cmap="magma", vmin=0, vmax=1, origin="lower", aspect="auto", extent=extent)
    axis.set_facecolor("#000004")


def _name_events(top: Axes, axes: list[Axes], data: CallData) -> None:
    """Write what was decided above the picture, and draw a line through it."""
    named = [moment for moment in data.moments if moment.event.type in _NAMED]
    times = [moment.t_ms / 1000 for moment in named]
    for axis in axes:
        whole = axis.get_xaxis_transform()
        axis.vlines(times, 0, 1, transform=whole, color="#d00f4b", linewidth=0.6, alpha=0.8)
    written_ms = -math.inf
    for moment in sorted(named, key=lambda moment: moment.t_ms):
        if moment.t_ms - written_ms < _NAME_SHARE * data.duration_ms:
            continue  # there is no room for its name
        written_ms = moment.t_ms
        top.annotate(
            EVENT_WORDS[moment.event.type].name,
            (moment.t_ms / 1000, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(1, 3),
            textcoords="offset points",
            rotation=40,
            fontsize=7,
            color="#a00c3a",
        )


def _legend() -> list[Patch]:
    names = {
        _AGENT: "agent",
        _SENT: "caller, let through",
        _HELD: "kept back",
        _FLOOR: "released later; noise floor",
        _GUARD: "speech, agent silent",
        **{colour: f"gate {state.replace('_', '-')}" for state, colour in _STATE_COLOURS.items()},
    }
    return [Patch(color=colour, label=name) for colour, name in names.items()]
