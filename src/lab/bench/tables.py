"""The report of a bench as tables for a person.

Invariant: a figure is shown with its Wilson interval, and a figure of nothing as a dash.
"""

from __future__ import annotations

__all__ = [
    "condition_table",
    "group_tables",
    "table_of_targets",
    "targets_table",
    "timing_table",
    "worst_tables",
]

from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from ..evaluate.judge import AudioShare
from ..evaluate.summary import Delays, Figures, Latency, Share
from ..evaluate.summary_json import timing_as_json
from .cells import Cell, worst_cells
from .gates import GATES
from .groups import Rows, groups_of
from .targets import Target, cost_targets_of, targets_of

_NONE = "-"
_GROUP_COLUMNS = (
    "false",
    "right",
    "open p50 / p95",
    "pause p50",
    "pauses",
    "delay",
    "lost",
    "lost, let in",
    "echo",
)
_MET = {True: "met", False: "NOT MET", None: _NONE}


def targets_table(rows: Rows, gate: str) -> Table:
    """Return what must hold of one gate, line by line, and whether it does."""
    return table_of_targets(f"targets: {GATES[gate].title}", targets_of(rows))


def table_of_targets(title: str, targets: Sequence[Target]) -> Table:
    """Return what must hold, line by line, and whether it does."""
    table = _table(title, "what")
    for column in ("must be", "is", "95 % interval"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("counted")
    group = None
    for target in targets:
        if target.group != group:
            group = target.group
            table.add_row(f"{group}:")
        table.add_row(*_target_cells(target))
    return table


def _target_cells(target: Target) -> tuple[str, ...]:
    unit = f" {target.unit}" if target.unit else ""
    digits = 1 if target.unit == "%" else 0
    bounds = target.interval
    return (
        f"  {target.name}",
        f"{target.bound}{unit}",
        _NONE if target.figure is None else f"{target.figure:.{digits}f}{unit}",
        _NONE if bounds is None else f"{bounds[0]:.{digits}f} to {bounds[1]:.{digits}f}{unit}",
        _MET[target.is_met],
        target.counted,
    )


def timing_table(rows: Mapping[str, Rows]) -> Table:
    """Return what each gate takes for a frame: no two runs have it in common."""
    table = _table("time per 20 ms frame in us, medians", "gate")
    for column in ("all", "agent audible", "agent silent", "must be"):
        table.add_column(column, justify="right", no_wrap=True)
    for gate, of in rows.items():
        timing = timing_as_json(of).values()
        cells = [_NONE if value is None else f"{value:.0f}" for value in timing]
        bounds = ", ".join(
            f"{target.bound}: {_MET[target.is_met]}"
            for target in cost_targets_of(of)
            if target.figure is not None
        )
        table.add_row(GATES[gate].title, *cells, bounds or _NONE)
    return table


def group_tables(rows: Mapping[str, Rows]) -> list[Table]:
    """Return a table for each group of calls, the gates one a line."""
    figures = {gate: groups_of(of) for gate, of in rows.items()}
    groups = list(next(iter(figures.values()), {}))
    return [
        _group_table(group, {gate: of[group] for gate, of in figures.items()}) for group in groups
    ]


def _group_table(group: str, figures: Mapping[str, Figures]) -> Table:
    first = next(iter(figures.values()))
    title = f"{group}: {first.agent_turns} agent turns, {first.recall.of} interruptions"
    table = _table(title, "gate")
    for column in _GROUP_COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for gate, of in figures.items():
        table.add_row(
            GATES[gate].title,
            brief(of.false_barge_ins.turns),
            brief(of.recall),
            _latency(of.open_latency),
            _NONE if of.pause_latency.p50_ms is None else f"{of.pause_latency.p50_ms:.0f} ms",
            _percent(of.needless_pauses.turns.percent),
            _delay(of.needless_delays),
            _audio(of.speech_lost_over_agent),
            _audio(of.speech_lost_in_barge_ins),
            _audio(of.echo_forwarded),
        )
    return table


def condition_table(by_tag: Mapping[str, Mapping[str, Figures]], gate: str) -> Table:
    """Return one gate's figures by condition."""
    table = _table(f"{GATES[gate].title}, by condition", "condition")
    for column in ("turns", "false", "right", "open p50 / p95"):
        table.add_column(column, justify="right", no_wrap=True)
    for tag, by_value in by_tag.items():
        for value, of in by_value.items():
            table.add_row(
                f"{tag}: {value}",
                str(of.agent_turns),
                brief(of.false_barge_ins.turns),
                brief(of.recall),
                _latency(of.open_latency),
            )
        table.add_section()
    return table


def worst_tables(rows: Rows, gate: str) -> list[Table]:
    """Return where one gate fares worst: by right barge-ins, and by false ones."""
    title = GATES[gate].title
    return [
        _worst(f"{title}: fewest right barge-ins", worst_cells(rows, by_right=True)),
        _worst(f"{title}: most false barge-ins", worst_cells(rows, by_right=False)),
    ]


def _worst(title: str, cells: Sequence[Cell]) -> Table:
    table = _table(title, "cell")
    table.add_column("right", justify="right", no_wrap=True)
    table.add_column("false", justify="right", no_wrap=True)
    for cell in cells:
        right, false = cell.right, cell.false
        table.add_row(
            cell.name,
            f"{brief(right)} {right.count}/{right.of}",
            f"{brief(false)} {false.count}/{false.of}",
        )
    return table


def _table(title: str, first: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    table.add_column(first)
    return table


def brief(share: Share) -> str:
    """Return a share with its Wilson interval, in %."""
    interval = share.wilson_95_percent
    if interval is None or share.percent is None:
        return _NONE
    return f"{share.percent:.1f} ({interval[0]:.1f}-{interval[1]:.1f})"


def _percent(percent: float | None) -> str:
    return _NONE if percent is None else f"{percent:.1f} %"


def _audio(share: AudioShare) -> str:
    return _percent(share.percent)


def _delay(delays: Delays) -> str:
    rate = delays.per_agent_minute_ms
    return _NONE if rate is None else f"{rate:.0f} ms"


def _latency(latency: Latency) -> str:
    if latency.p50_ms is None or latency.p95_ms is None:
        return _NONE
    return f"{latency.p50_ms:.0f} / {latency.p95_ms:.0f} ms"
