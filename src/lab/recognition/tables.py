"""The report of a recognition bench as tables for a person.

Invariant: what is shown is what the JSON report holds, rounded.
"""

from __future__ import annotations

__all__ = ["rate_table"]

from collections.abc import Mapping

from rich import box
from rich.table import Table

from .forwarding import WAYS
from .report import RAW, StopFigures
from .word_errors import ErrorRate


def rate_table(
    stop_ms: float | None, figures: StopFigures, clean: Mapping[str, ErrorRate]
) -> Table:
    """Return the word error rates for one time at which the agent stops.

    Args:
        stop_ms: After the caller's onset; None: the agent goes on.
        figures: By way.
        clean: Without echo, by return loss.
    """
    when = "goes on" if stop_ms is None else f"stops {stop_ms:g} ms after the caller's onset"
    title = f"Word error rate in %, the agent {when}; by return loss in dB"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    table.add_column("forwarded")
    for name in clean:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("all less raw (95 %)", justify="right", no_wrap=True)
    table.add_row("no echo at all", *(f"{rate.percent:.1f}" for rate in clean.values()), "")
    for way, of in figures.items():
        rates = (f"{rate.percent:.1f}" for rate in of.rates.values())
        less_raw = "" if way == RAW else _with_interval(of.over_raw["all"])
        table.add_row(WAYS[way].title, *rates, less_raw)
    return table


def _with_interval(rate: ErrorRate) -> str:
    return f"{rate.percent:+.1f} ({rate.low_percent:+.1f} to {rate.high_percent:+.1f})"
