"""A tuning as tables for a person.

Invariant: a share stands beside what it was counted of, a figure of nothing is a dash.
"""

from __future__ import annotations

__all__ = ["changes_table", "comparison_table", "tag_tables"]

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from rich import box
from rich.markup import escape
from rich.table import Table

from ..evaluate.summary import Share
from .figures import Estimate, SettingFigures
from .tuning import Comparison, KeyChange, Tuning

_NONE = "-"
_SHOWN_VALUES = 12
"""Values of a tag that a table shows; JSON has all."""


def changes_table(changes: tuple[KeyChange, ...]) -> Table:
    """Return the keys that differ, and what each does."""
    table = _table("key", "current", "proposed", "what it does")
    for change in changes:
        values = (f"{change.current:g}", f"{change.proposed:g}")
        table.add_row(change.key.name, *values, change.key.meaning)
    return table


def comparison_table(tuning: Tuning) -> Table:
    """Return current against proposed, on the calls searched and on those held out.

    Where no other setting was compared, its columns are left out.
    """
    has_proposal = _has_proposal(tuning)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("figure, with 95 % interval")
    columns: list[SettingFigures | None] = []
    for title, comparison in (("searched", tuning.search), ("held out", tuning.held_out)):
        calls = 0 if comparison is None else comparison.current.calls
        for which in ("current", "proposed") if has_proposal else ("current",):
            table.add_column(f"{which}, {calls} {title}", justify="right")
            columns.append(None if comparison is None else getattr(comparison, which))
    for name, cell in _ROWS:
        table.add_row(name, *(_NONE if each is None else cell(each) for each in columns))
    return table


def tag_tables(tuning: Tuning) -> Iterator[Table]:
    """Yield a table for each tag with more than one value."""
    parts = [part for part in (tuning.search, tuning.held_out) if part is not None]
    tags = dict.fromkeys(tag for part in parts for tag in part.current_by_tag)
    for tag in tags:
        values = dict.fromkeys(v for p in parts for v in p.current_by_tag.get(tag, {}))
        if len(values) > 1:
            yield _tag_table(tag, sorted(values), tuning)


def _has_proposal(tuning: Tuning) -> bool:
    parts = (tuning.search, tuning.held_out)
    return any(part is not None and part.proposed is not None for part in parts)


def _tag_table(tag: str, values: list[str], tuning: Tuning) -> Table:
    has_proposal = _has_proposal(tuning)
    shown = "current -> proposed" if has_proposal else "current"
    table = _table(escape(tag), "part", "calls", *(f"{name}: {shown}" for name in _BRIEF))
    for value in islice(values, _SHOWN_VALUES):
        for title, part in (("searched", tuning.search), ("held out", tuning.held_out)):
            if part is not None and value in part.current_by_tag.get(tag, {}):
                table.add_row(
                    escape(value), title, *_cells(part, tag, value, has_proposal=has_proposal)
                )
    if len(values) > _SHOWN_VALUES:
        table.caption = f"and {len(values) - _SHOWN_VALUES} more; --json has them all"
    return table


def _cells(part: Comparison, tag: str, value: str, *, has_proposal: bool) -> Iterator[str]:
    before = part.current_by_tag[tag][value]
    after = part.proposed_by_tag.get(tag, {}).get(value)
    yield str(before.calls)
    for cell in _BRIEF.values():
        change = f" -> {_NONE if after is None else cell(after)}" if has_proposal else ""
        yield f"{cell(before)}{change}"


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first)
    for name in others:
        table.add_column(name)
    return table


def _share(share: Share) -> str:
    interval = share.wilson_95_percent
    if interval is None or share.percent is None:
        return _NONE
    bounds = f"{interval[0]:.1f}-{interval[1]:.1f}"
    return f"{share.count} of {share.of}: {share.percent:.1f} % ({bounds})"


def _brief(share: Share) -> str:
    interval = share.wilson_95_percent
    if interval is None or share.percent is None:
        return _NONE
    return f"{share.percent:.1f} % ({interval[0]:.0f}-{interval[1]:.0f})"


def _estimate(estimate: Estimate | None, unit: str, digits: int = 1) -> str:
    if estimate is None:
        return _NONE
    text = f"{estimate.value:.{digits}f}{unit}"
    if estimate.interval is None:
        return text
    low, high = (f"{bound:.{digits}f}" for bound in estimate.interval)
    return f"{text} ({low}-{high})"


_ROWS: tuple[tuple[str, Callable[[SettingFigures], str]], ...] = (
    ("false barge-ins, of agent turns", lambda of: _share(of.false)),
    ("right barge-ins, of interruptions", lambda of: _share(of.right)),
    ("onset to open, median", lambda of: _estimate(of.latency_ms, " ms", 0)),
    ("caller speech lost", lambda of: _estimate(of.lost_percent, " %")),
    ("echo let through", lambda of: _estimate(of.echo_percent, " %")),
    ("other sound let through", lambda of: _estimate(of.noise_percent, " %")),
    ("cost a call", lambda of: _estimate(of.cost, "", 2)),
)

_BRIEF: Mapping[str, Callable[[SettingFigures], str]] = {
    "false": lambda of: _brief(of.false),
    "right": lambda of: _brief(of.right),
    "lost": lambda of: _estimate(of.lost_percent, " %"),
}
