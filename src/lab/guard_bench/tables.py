"""The guard's figures as tables for a person, and as JSON.

Invariant: a figure of nothing is a dash, and null.
"""

from __future__ import annotations

__all__ = ["cell_tables", "cells_as_json", "turn_tables", "turns_as_json", "worst_table"]

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from ..evaluate.judge import AudioShare
from .measure import CellFigures
from .provider_turns import Hearing, TurnFigures
from .server_turns import HeardTurns, TurnVerdict

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


def turn_tables(turns: Sequence[TurnFigures]) -> list[Table]:
    """Return what the embedded server heard of callers, and of lines without one."""
    return [
        _turn_table([of for of in turns if of.cell.has_caller], "Turns at the embedded server"),
        _idle_table([of for of in turns if not of.cell.has_caller]),
    ]


def turns_as_json(turns: Sequence[TurnFigures]) -> list[dict[str, Any]]:
    """Return every figure of every cell's turns."""
    return [
        {
            "cell": of.cell.name,
            "scenes": of.scenes,
            "onsets": len(of.added_delays_ms),
            "added_delay_p50_ms": _quantiles(of.added_delays_ms)[0],
            "added_delay_p95_ms": _quantiles(of.added_delays_ms)[1],
            **{hearing.value: _heard_as_json(heard) for hearing, heard in of.heard.items()},
        }
        for of in turns
    ]


def _heard_as_json(heard: HeardTurns) -> dict[str, Any]:
    p50_ms, p95_ms = _quantiles(heard.stop_delays_ms)
    return {
        **{verdict.value: count for verdict, count in heard.turns.items()},
        "split": heard.split,
        "false_starts": heard.false_starts,
        "false_starts_per_minute": heard.false_starts_per_minute,
        "stop_delay_p50_ms": p50_ms,
        "stop_delay_p95_ms": p95_ms,
        "sound_sent_percent": AudioShare(heard.sound_ms, heard.line_ms).percent,
        "audio_sent_percent": AudioShare(heard.sent_ms, heard.line_ms).percent,
    }


def _turn_table(turns: Sequence[TurnFigures], title: str) -> Table:
    table = _empty(title)
    for column in ("cell", "line"):
        table.add_column(column, no_wrap=True)
    columns = ("turns", "in time", "late/open/unheard", "split", "stop p50 / p95", "false/min")
    for column in (*columns, "later p50 / p95", "sound", "sent"):
        table.add_column(column, justify="right", no_wrap=True)
    for of in turns:
        for hearing, heard in of.heard.items():
            added = of.added_delays_ms if hearing is Hearing.GATED else []
            table.add_row(
                of.cell.name.removeprefix("speech, ") if hearing is Hearing.UNGATED else "",
                hearing.value,
                *_turn_cells(heard),
                _between(heard.stop_delays_ms),
                *_idle_cells(heard)[:1],
                _between(added),
                *_idle_cells(heard)[1:],
            )
    return table


def _idle_table(turns: Sequence[TurnFigures]) -> Table:
    table = _empty("Nobody speaks: turns that the embedded server began")
    for column in ("cell", "line"):
        table.add_column(column, no_wrap=True)
    for column in ("false / min", "sound", "sent"):
        table.add_column(column, justify="right", no_wrap=True)
    for of in turns:
        for hearing, heard in of.heard.items():
            name = of.cell.name if hearing is Hearing.UNGATED else ""
            table.add_row(name, hearing.value, *_idle_cells(heard))
    return table


def _turn_cells(heard: HeardTurns) -> tuple[str, ...]:
    late = (TurnVerdict.LATE, TurnVerdict.OPEN, TurnVerdict.UNHEARD)
    in_time = AudioShare(float(heard.turns[TurnVerdict.IN_TIME]), float(heard.judged))
    counts = " / ".join(str(heard.turns[verdict]) for verdict in late)
    return (str(heard.judged), _percent(in_time), counts, str(heard.split))


def _idle_cells(heard: HeardTurns) -> tuple[str, ...]:
    rate = heard.false_starts_per_minute
    return (
        _NONE if rate is None else f"{rate:.1f}",
        _percent(AudioShare(heard.sound_ms, heard.line_ms)),
        _percent(AudioShare(heard.sent_ms, heard.line_ms)),
    )


def _between(values: Sequence[float]) -> str:
    p50_ms, p95_ms = _quantiles(values)
    return _NONE if p50_ms is None else f"{p50_ms:.0f} / {p95_ms:.0f} ms"


def _table(cells: Sequence[CellFigures], title: str) -> Table:
    table = _empty(title)
    table.add_column("cell", no_wrap=True)
    for column in ("scenes", "speech lost", "idle forwarded", "not sent", "onset p50 / p95", "us"):
        table.add_column(column, justify="right", no_wrap=True)
    for of in cells:
        table.add_row(
            of.cell.name,
            str(of.scenes),
            _percent(of.speech_lost),
            _percent(of.idle_forwarded),
            _percent(of.not_sent),
            _between(of.onset_delays_ms),
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
