"""How far a long command has come, on stderr.

Invariant: what is on stdout, and which items come in which order, is the same as without.
"""

from __future__ import annotations

__all__ = ["with_progress"]

import sys
from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")

_LINE_EVERY_S = 30.0
"""Time between two lines where there is no terminal: logs are read, not watched."""


def with_progress(
    items: Iterable[Item],
    total: int,
    doing: str,
    *,
    timer_s: Callable[[], float] = monotonic,
) -> Iterator[Item]:
    """Yield the items, and say on stderr how many have come.

    Args:
        items: As they come.
        total: How many there will be.
        doing: What is being done, such as ``evaluating``.
        timer_s: Tells when a line is due.
    """
    if sys.stderr.isatty():
        console = Console(stderr=True)
        yield from track(items, total=total, description=doing, console=console, transient=True)
        return
    said_s = timer_s()
    for count, item in enumerate(items, 1):
        if timer_s() - said_s >= _LINE_EVERY_S:
            said_s = timer_s()
            click.echo(f"{doing}: {count} of {total}", err=True)
        yield item
