"""What a report draws over time, as numbers and paths of vector graphics.

All lanes share one scale: the call's length is :data:`WIDTH` wide, each lane 100 high, the greatest
value on top. Invariant: bounded in size, however long the call.
"""

from __future__ import annotations

__all__ = ["WIDTH", "Bar", "Lanes", "draw_lanes"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .call_data import STATES, CallData, Sent
from .envelope import envelope, peaks, runs

WIDTH = 4800
"""Columns of a lane: of a call of a minute 12 ms each."""
_LINE_COLUMNS = 2400
"""Columns of a line that is drawn through values of whole frames."""
_MAX_BARS = 4000
"""Bars of a lane; where there are more, stretches are looked at this often."""
_LEAST_SCALE = 0.05
"""Largest amplitude shown of a quiet call, as a share of full scale: noise stays small."""
_MAX_LOGIT = 8.0
_FLOOR_DBFS, _TOP_DBFS = -80.0, 0.0

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A stretch of a lane."""

    x: float
    width: float
    name: str
    """What it stands for: a state, or ``forwarded``, ``released``, ``withheld``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """Everything that is drawn of a call; a path is empty where there is nothing to draw."""

    far_end: str
    capture: str
    sent: tuple[Bar, ...]
    """What became of the capture."""
    states: tuple[Bar, ...]
    """Where the gate stood."""
    near_end_logit: str
    speech_logit: str
    capture_level: str
    near_end_level: str
    noise_floor: str
    max_logit: float = _MAX_LOGIT
    floor_dbfs: float = _FLOOR_DBFS


def draw_lanes(data: CallData) -> Lanes:
    """Return the lanes of a call."""
    far_end, capture = _waves(data)
    slots = data.slots
    return Lanes(
        far_end=far_end,
        capture=capture,
        sent=_bars(_joined(slots.sent), ("", "withheld", "released", "forwarded")),
        states=_bars(slots.state, tuple(state.value for state in STATES)),
        near_end_logit=_line(slots.near_end_logit, -_MAX_LOGIT, _MAX_LOGIT),
        speech_logit=_line(slots.speech_logit, -_MAX_LOGIT, _MAX_LOGIT),
        capture_level=_area(slots.capture_dbfs, _FLOOR_DBFS, _TOP_DBFS),
        near_end_level=_line(slots.near_end_dbfs, _FLOOR_DBFS, _TOP_DBFS),
        noise_floor=_line(slots.floor_dbfs, _FLOOR_DBFS, _TOP_DBFS),
    )


def _waves(data: CallData) -> tuple[str, str]:
    """Return both sides of the line, on one scale of amplitude."""
    tracks = data.tracks
    if tracks is None:
        return "", ""
    n_columns = max(
        1, round(WIDTH * len(tracks.capture) / tracks.rate_hz * 1000 / data.duration_ms)
    )
    n_columns = min(n_columns, WIDTH)
    first = (tracks.origin_ms - data.header.started_ms) / data.duration_ms * WIDTH
    sides = [envelope(side, n_columns) for side in (tracks.far_end, tracks.capture)]
    scale = max(_LEAST_SCALE, *(float(max(-low.min(), high.max())) for low, high in sides))
    far_end, capture = (_wave(low / scale, high / scale, max(0.0, first)) for low, high in sides)
    return far_end, capture


def _wave(low: Floats, high: Floats, first: float) -> str:
    """Return the outline of a wave from shares of the lane's half height; silence is a line."""
    top = np.round(50 - 49 * high, 1) - 0.3
    bottom = np.round(50 - 49 * low, 1) + 0.3
    kept = _corners(top, bottom)
    places = np.round(kept + first, 1)
    over = [f"{x:g} {y:.1f}" for x, y in zip(places, top[kept], strict=True)]
    under = [f"{x:g} {y:.1f}" for x, y in zip(places, bottom[kept], strict=True)]
    return f"M{'L'.join(over)}L{'L'.join(reversed(under))}Z"


def _corners(*lines: Floats) -> NDArray[np.intp]:
    """Return the columns at which any of the lines bends: the others need not be drawn."""
    bends = np.zeros(len(lines[0]), np.bool_)
    bends[[0, -1]] = True
    for line in lines:
        changes = np.diff(line) != 0
        bends[1:] |= changes
        bends[:-1] |= changes
    return np.flatnonzero(bends)


def _line(values: Floats, lowest: float, highest: float) -> str:
    """Return a line through the values that are known; it is lifted where none is."""
    return "".join(f"M{'L'.join(piece)}" for piece in _pieces(values, lowest, highest))


def _area(values: Floats, lowest: float, highest: float) -> str:
    """Return what lies below that line."""
    outlines = []
    for piece in _pieces(values, lowest, highest):
        first, last = piece[0].partition(" ")[0], piece[-1].partition(" ")[0]
        outlines.append(f"M{first} 100L{'L'.join(piece)}L{last} 100Z")
    return "".join(outlines)


def _pieces(values: Floats, lowest: float, highest: float) -> Iterator[list[str]]:
    """Yield the points of each stretch of known values, as ``x y``."""
    n_columns = min(_LINE_COLUMNS, len(values))
    heights = 100 * (highest - np.clip(peaks(values, n_columns), lowest, highest))
    heights = np.round(heights / (highest - lowest), 1)
    known = ~np.isnan(heights)
    for run in runs(known.astype(np.int8)):
        if run.code:
            columns = range(run.first, run.end)
            places = [round((column + 0.5) * WIDTH / n_columns, 1) for column in columns]
            points = zip(places, heights[run.first : run.end].tolist(), strict=True)
            yield [f"{x:g} {y:g}" for x, y in points]


def _joined(sent: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return what became of the capture, with holes of one slot filled: a frame came late."""
    filled = sent.copy()
    holes = np.flatnonzero(sent == Sent.NOTHING)
    inner = holes[(holes > 0) & (holes < len(sent) - 1)]
    lone = inner[(sent[inner - 1] != Sent.NOTHING) & (sent[inner + 1] != Sent.NOTHING)]
    filled[lone] = sent[lone - 1]
    return filled


def _bars(codes: NDArray[np.int8], names: Sequence[str]) -> tuple[Bar, ...]:
    """Return the stretches of codes that have a name."""
    step = -(-len(codes) // _MAX_BARS) if len(runs(codes)) > _MAX_BARS else 1
    coarse = codes[::step]
    scale = WIDTH / max(1, len(coarse))
    return tuple(
        Bar(
            x=round(run.first * scale, 1),
            width=round((run.end - run.first) * scale, 1),
            name=names[run.code],
        )
        for run in runs(coarse)
        if run.code >= 0 and names[run.code]
    )
