"""The list of metrics in ``docs/metrics.md``, from the catalogue; as a script it is written.

Invariant: between the two marks of the page stands what the catalogue says, and nothing else is
changed.
"""

from __future__ import annotations

__all__ = ["BEGIN", "END", "metrics_markdown", "with_metrics"]

from itertools import groupby
from pathlib import Path

from voxgate.observe.metrics_catalog import METRICS, MetricKind, MetricSpec

PAGE = Path(__file__).resolve().parent.parent / "docs/metrics.md"
BEGIN = "<!-- metrics: written by tools/docs_metrics.py -->"
"""What the list begins behind."""
END = "<!-- end of metrics -->"
"""What it ends before."""

_HEAD = "| metric | type | labels | unit | meaning |\n|---|---|---|---|---|"


def metrics_markdown() -> str:
    """Return the list of metrics, a table for each group."""
    parts = []
    for group, specs in groupby(METRICS.values(), key=lambda spec: spec.group):
        parts += [f"### {group}", "", _HEAD, *map(_row, specs), ""]
    return "\n".join(parts)


def with_metrics(page: str) -> str:
    """Return a page with the list that the catalogue has now.

    Raises:
        ValueError: the marks are not there, or not in this order.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has not {BEGIN} and behind it {END}")
    return f"{before}{BEGIN}\n\n{metrics_markdown()}\n{END}{after}"


def _row(spec: MetricSpec) -> str:
    labels = ", ".join(f"`{label}`" for label in spec.labels)
    cells = (f"`{spec.full_name}`", spec.kind.value, labels, spec.unit, _meaning(spec))
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def _meaning(spec: MetricSpec) -> str:
    if spec.kind is not MetricKind.HISTOGRAM:
        return spec.help
    bounds = ", ".join(f"{bound:g}" for bound in spec.buckets)
    return f"{spec.help} Buckets: {bounds}."


if __name__ == "__main__":
    PAGE.write_text(with_metrics(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
