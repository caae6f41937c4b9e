"""The flips of the guard as tables for a person, and as JSON.

Invariant: a share of nothing is a dash, and null.
"""

from __future__ import annotations

__all__ = ["invariance_as_json", "invariance_tables"]

from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.table import Table

from .invariance import VARIANTS, CellInvariance, Flips, Variant, VariantGroup

_NONE = "-"


def invariance_tables(
    cells: Sequence[CellInvariance], variants: Sequence[Variant] = VARIANTS
) -> list[Table]:
    """Return a table by variant, all cells together, and one by cell and group of variants."""
    return [_by_variant(cells, variants), _by_cell(cells, variants)]


def invariance_as_json(cells: Sequence[CellInvariance]) -> list[dict[str, Any]]:
    """Return every figure of every cell."""
    return [
        {
            "cell": of.cell.name,
            "scenes": of.scenes,
            "variants": {name: _flips_as_json(flips) for name, flips in of.flips.items()},
        }
        for of in cells
    ]


def _by_variant(cells: Sequence[CellInvariance], variants: Sequence[Variant]) -> Table:
    table = _empty(
        "Slots decided otherwise, by what was changed (of these, edges moved by a frame)"
    )
    table.add_column("heard again with", no_wrap=True)
    for column in ("forwarded", "edges", "speech", "edges"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("most, forwarded")
    for variant in variants:
        found = [(of.cell.name, of.flips[variant.name]) for of in cells if variant.name in of.flips]
        total = _sum_of(flips for _, flips in found)
        most = max(found, key=lambda item: item[1].forwarded / max(1, item[1].slots), default=None)
        table.add_row(
            variant.name,
            _percent(total.forwarded, total.slots),
            _percent(total.forwarded_edges, total.slots),
            _percent(total.speech, total.slots),
            _percent(total.speech_edges, total.slots),
            _NONE if most is None or not most[1].forwarded else _most(*most),
        )
    return table


def _by_cell(cells: Sequence[CellInvariance], variants: Sequence[Variant]) -> Table:
    table = _empty("Slots decided otherwise, by sound: forwarded / speech")
    table.add_column("cell", no_wrap=True)
    table.add_column("scenes", justify="right")
    for group in VariantGroup:
        table.add_column(group, justify="right", no_wrap=True)
    for of in cells:
        shares = []
        for group in VariantGroup:
            names = [variant.name for variant in variants if variant.group is group]
            total = _sum_of(of.flips[name] for name in names if name in of.flips)
            forwarded, speech = (_percent(n, total.slots) for n in (total.forwarded, total.speech))
            shares.append(f"{forwarded} / {speech}")
        table.add_row(of.cell.name, str(of.scenes), *shares)
    return table


def _most(name: str, flips: Flips) -> str:
    return f"{name}: {_percent(flips.forwarded, flips.slots)}"


def _sum_of(parts: Iterable[Flips]) -> Flips:
    total = Flips()
    for flips in parts:
        total += flips
    return total


def _empty(title: str) -> Table:
    return Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)


def _flips_as_json(flips: Flips) -> dict[str, float | int | None]:
    counts = {
        "forwarded_percent": flips.forwarded,
        "forwarded_edges_percent": flips.forwarded_edges,
        "speech_percent": flips.speech,
        "speech_edges_percent": flips.speech_edges,
    }
    shares = {name: _share(count, flips.slots) for name, count in counts.items()}
    return {"slots": flips.slots, **shares}


def _percent(part: int, whole: int) -> str:
    share = _share(part, whole)
    return _NONE if share is None else f"{share:.2f} %"


def _share(part: int, whole: int) -> float | None:
    return 100.0 * part / whole if whole else None
