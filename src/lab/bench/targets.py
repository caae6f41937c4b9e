"""What the echo-aware gate must hold, line by line, and whether it does.

Invariant: a line of which nothing was measured is neither met nor missed.
"""

from __future__ import annotations

__all__ = ["Bound", "Target", "cost_targets_of", "target_as_json", "targets_of"]

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..evaluate.evaluation import EvaluatedRow
from ..evaluate.judge import AudioShare, CallVerdict
from ..evaluate.summary import Share, figures_of
from ..evaluate.summary_json import timing_as_json
from ..evaluate.turns import TurnVerdict
from .cells import Cell, cells_of
from .estimates import percentile_interval, time_share_interval
from .groups import CLEAN, GROUPS, NOISY, ORDINARY, QUIET, Rows

_COST = "cost"
_CELL_INTERRUPTIONS, _CELL_TURNS = 30, 60
"""Trials from which a cell can be a hole: with fewer, two misses look like one."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a figure must be."""

    value: float
    is_upper: bool
    is_strict: bool = False
    """The value itself does not do."""

    def holds(self, figure: float) -> bool:
        """Tell whether a figure is within the bound."""
        if figure == self.value:
            return not self.is_strict
        return (figure < self.value) == self.is_upper

    def __str__(self) -> str:
        """Return the bound in words."""
        words = ("under", "at most") if self.is_upper else ("over", "at least")
        return f"{words[0] if self.is_strict else words[1]} {self.value:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One line of what must hold."""

    group: str
    """The calls that it is about."""
    name: str
    bound: Bound
    unit: str
    """``%``, ``ms``, ``us``, or nothing for a count."""
    figure: float | None
    """What was measured; None if nothing was."""
    interval: tuple[float, float] | None
    """The 95 % interval, where there is one."""
    counted: str
    """What the figure was counted of."""

    @property
    def is_met(self) -> bool | None:
        """Whether the figure is within the bound; None without a figure."""
        return None if self.figure is None else self.bound.holds(self.figure)


def targets_of(rows: Rows) -> list[Target]:
    """Return every line of what must hold, of one gate's calls; cost is reported apart."""
    ordinary = [row for row in rows if GROUPS[ORDINARY](row)]
    quiet = [row for row in rows if GROUPS[QUIET](row)]
    clean = [row for row in rows if GROUPS[CLEAN](row)]
    noisy = [row for row in rows if GROUPS[NOISY](row)]
    return [
        _turns(ORDINARY, ordinary, 1000),
        _false(ORDINARY, ordinary, 1.5),
        _right(ORDINARY, ordinary, 97.0),
        _latency(ORDINARY, ordinary, 50, 120.0),
        _latency(ORDINARY, ordinary, 95, 400.0),
        _pause_latency(ORDINARY, ordinary, 80.0),
        _needless(ORDINARY, ordinary, 3.0),
        _time_share("echo that reaches the provider", ordinary, 1.0, lambda v: v.echo_forwarded),
        _time_share(
            "caller speech lost in and after barge-ins",
            ordinary,
            1.5,
            lambda v: v.speech_lost_in_barge_ins,
        ),
        *_holes(ordinary),
        _false(QUIET, quiet, 0.5),
        _right(QUIET, quiet, 99.0),
        _latency(CLEAN, clean, 50, 80.0),
        _false(NOISY, noisy, 2.0),
        _right(NOISY, noisy, 96.0),
    ]


def cost_targets_of(rows: Rows) -> list[Target]:
    """Return what the time must hold; no two runs have it in common."""
    timing = timing_as_json(rows)
    bounds = {"agent audible": ("us_agent_audible_p50", 120.0)}
    bounds["agent silent"] = ("us_agent_silent_p50", 40.0)
    return [
        Target(
            group=_COST,
            name=f"time per 20 ms frame, {name}, p50",
            bound=Bound(limit, is_upper=True),
            unit="us",
            figure=timing[key],
            interval=None,
            counted=f"{len(rows)} calls",
        )
        for name, (key, limit) in bounds.items()
    ]


def target_as_json(target: Target) -> dict[str, Any]:
    """Return a target as it stands in ``bench.json``."""
    kind = "at_most" if target.bound.is_upper else "at_least"
    kind = {"at_most": "under", "at_least": "over"}[kind] if target.bound.is_strict else kind
    return {
        "group": target.group,
        "name": target.name,
        "unit": target.unit,
        kind: target.bound.value,
        "figure": None if target.figure is None else round(target.figure, 3),
        "interval_95": target.interval and [round(bound, 3) for bound in target.interval],
        "counted": target.counted,
        "met": target.is_met,
    }


def _turns(group: str, rows: Rows, limit: int) -> Target:
    count = len(_turns_of(rows))
    return Target(
        group=group,
        name="agent turns judged",
        bound=Bound(limit, is_upper=False),
        unit="",
        figure=count,
        interval=None,
        counted=f"{len(rows)} calls",
    )


def _false(group: str, rows: Rows, limit: float) -> Target:
    share = figures_of(rows).false_barge_ins.turns
    return _share(group, "false barge-ins", share, "agent turns", Bound(limit, is_upper=True))


def _right(group: str, rows: Rows, limit: float) -> Target:
    share, bound = figures_of(rows).recall, Bound(limit, is_upper=False)
    return _share(group, "right barge-ins", share, "interruptions", bound)


def _needless(group: str, rows: Rows, limit: float) -> Target:
    share = figures_of(rows).needless_pauses.turns
    return _share(group, "needless pauses", share, "agent turns", Bound(limit, is_upper=True))


def _share(group: str, name: str, share: Share, trials: str, bound: Bound) -> Target:
    return Target(
        group=group,
        name=name,
        bound=bound,
        unit="%",
        figure=share.percent,
        interval=share.wilson_95_percent,
        counted=f"{share.count} of {share.of} {trials}",
    )


def _latency(group: str, rows: Rows, percent: float, limit: float) -> Target:
    values = [turn.open_latency_ms for turn in _turns_of(rows)]
    return _percentile(group, f"onset to commitment, p{percent:g}", values, percent, limit)


def _pause_latency(group: str, rows: Rows, limit: float) -> Target:
    values = [turn.pause_latency_ms for turn in _turns_of(rows)]
    return _percentile(group, "onset to candidate, p50", values, 50, limit)


def _percentile(
    group: str, name: str, values: Sequence[float | None], percent: float, limit: float
) -> Target:
    known = [value for value in values if value is not None]
    return Target(
        group=group,
        name=name,
        bound=Bound(limit, is_upper=True),
        unit="ms",
        figure=float(np.percentile(known, percent)) if known else None,
        interval=percentile_interval(known, percent),
        counted=f"{len(known)} right barge-ins",
    )


def _time_share(
    name: str, rows: Rows, limit: float, share_of: Callable[[CallVerdict], AudioShare]
) -> Target:
    shares = [share_of(row.verdict) for row in rows]
    total = sum(shares, AudioShare())
    return Target(
        group=ORDINARY,
        name=name,
        bound=Bound(limit, is_upper=True),
        unit="%",
        figure=total.percent,
        interval=time_share_interval(shares),
        counted=f"{total.part_ms / 1000:.1f} of {total.of_ms / 1000:.0f} s",
    )


def _holes(rows: Rows) -> list[Target]:
    """Return whether any cell with enough trials is a hole: single conditions, and pairs."""
    right, false = (
        Bound(90.0, is_upper=False, is_strict=True),
        Bound(6.0, is_upper=True, is_strict=True),
    )
    targets = []
    for size, kind in ((1, "single condition"), (2, "pair of conditions")):
        cells = cells_of(rows, size)
        by_right = [cell for cell in cells if cell.right.of >= _CELL_INTERRUPTIONS]
        by_false = [cell for cell in cells if cell.false.of >= _CELL_TURNS]
        targets += [
            _worst(f"right barge-ins, worst {kind}", by_right, lambda cell: cell.right, right),
            _worst(f"false barge-ins, worst {kind}", by_false, lambda cell: cell.false, false),
        ]
    return targets


def _worst(
    name: str, cells: Sequence[Cell], share_of: Callable[[Cell], Share], bound: Bound
) -> Target:
    ranked = sorted(cells, key=lambda cell: share_of(cell).percent or 0.0, reverse=bound.is_upper)
    if not ranked:
        return Target(
            group=ORDINARY,
            name=name,
            bound=bound,
            unit="%",
            figure=None,
            interval=None,
            counted="no cell with enough trials",
        )
    shares = [share_of(cell) for cell in ranked]
    holding = sum(bound.holds(share.percent or 0.0) for share in shares)
    worst = shares[0]
    return Target(
        group=ORDINARY,
        name=name,
        bound=bound,
        unit="%",
        figure=worst.percent,
        interval=worst.wilson_95_percent,
        counted=f"{ranked[0].name}: {worst.count} of {worst.of}; {holding} of {len(shares)} hold",
    )


def _turns_of(rows: Sequence[EvaluatedRow]) -> list[TurnVerdict]:
    return [turn for row in rows for turn in row.verdict.turns]
