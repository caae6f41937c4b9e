"""The guard's figures as tables for a person, and as JSON.

Invariant: a figure of nothing is a dash, and null.
"""

from __future__ import annotations

__all__ = ["cell_tables", "cells_as_json", "worst_table"]

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from ..evaluate.judge import AudioShare
from .measure import CellFigures

_NONE = "-"
_WORST_SHOWN = 3


def cell_tables(cells: Sequence[CellFigures]) -> list[Table]:
    """Return a table of callers over other sounds, and one of those sounds alone."""
    return [
        _table([of for of in cells if of.cell.has_caller], "The caller speaks"),
        _table([of for of in cells if not of.cell.has_caller], "Nobody speaks"),
    ]


def worst_table(cells: Sequence[CellFigures]) -> Table:
    """Return the sounds of each cell over which, or of which, most went wrong."""
    table = _empty("Worst sounds: speech lost over them, or what was let through of them")
    table.add_column("cell", no_wrap=True)
    for place in range(_WORST_SHOWN):
        table.add_column(f"{place + 1}.")
    for of in cells:
        worst = [f"{name} {_percent(share)}" for name, share in of.worst[:_WORST_SHOWN]]
        if worst:
            table.add_row(of.cell.name, *worst)
    return table


def cells_as_json(cells: Sequence[CellFigures]) -> list[dict[str, Any]]:
    """Return every figure of every cell."""
    return [_cell_as_json(of) for of in cells]


def _table(cells: Sequence[CellFigures], title: str) -> Table:
    table = _empty(title)
    table.add_column("cell", no_wrap=True)
    for column in ("scenes", "speech lost", "idle forwarded", "not sent", "onset p50 / p95", "us"):
        table.add_column(column, justify="right", no_wrap=True)
    for of in cells:
        p50_ms, p95_ms = _quantiles(of.onset_delays_ms)
        table.add_row(
            of.cell.name,
            str(of.scenes),
            _percent(of.speech_lost),
            _percent(of.idle_forwarded),
            _percent(of.not_sent),
            _NONE if p50_ms is None else f"{p50_ms:.0f} / {p95_ms:.0f} ms",
            f"{np.mean(of.us_per_frame):.0f}" if of.us_per_frame else _NONE,
        )
    return table


def _empty(title: str) -> Table:
    return Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)


def _cell_as_json(of: CellFigures) -> dict[str, Any]:
    p50_ms, p95_ms = _quantiles(of.onset_delays_ms)
    return {
        "cell": of.cell.name,
        "scenes": of.scenes,
        "speech_lost_percent": of.speech_lost.percent,
        "idle_forwarded_percent": of.idle_forwarded.percent,
        "not_sent_percent": of.not_sent.percent,
        "onsets": len(of.onset_delays_ms),
        "onset_delay_p50_ms": p50_ms,
        "onset_delay_p95_ms": p95_ms,
        "worst": {name: share.percent for name, share in of.worst},
        "timing": {"us_per_frame_mean": float(np.mean(of.us_per_frame or [0.0]))},
    }


def _percent(share: AudioShare) -> str:
    return _NONE if share.percent is None else f"{share.percent:.1f} %"


def _quantiles(values: Sequence[float]) -> tuple[float | None, float | None]:
    if not values:
        return None, None
    p50, p95 = np.percentile(np.asarray(values), [50, 95])
    return float(p50), float(p95)
