"""The answer to a scrape: metrics as text, in the form that the scraper asks for.

Invariant: the numbers are those of one moment, whatever happens while they are written out.
"""

from __future__ import annotations

__all__ = ["Collected", "MetricsPage", "write_page"]

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """What ``/metrics`` answers with."""

    body: bytes
    content_type: str


class Collected(Collector):
    """What the library takes families from, whenever it asks for them.

    Args:
        collect: Returns them.
    """

    def __init__(self, collect: Callable[[], Iterator[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterator[Metric]:
        """Return the families."""
        return self._collect()

    def describe(self) -> Iterator[Metric]:
        """Return nothing: what there is need not be asked for its names."""
        return iter(())


def write_page(families: Sequence[Metric], accept: str = "") -> MetricsPage:
    """Write metrics out; pure, so that any thread can do it.

    Args:
        families: Of one moment.
        accept: The request's ``Accept``: OpenMetrics where it asks for that, else Prometheus text.
    """
    encode, content_type = choose_encoder(accept)
    return MetricsPage(encode(Collected(lambda: iter(families))), content_type)
