"""The answer to a scrape: metrics as text, in the form that the scraper asks for.

Invariant: the numbers are those of one moment, whatever happens while they are written out.
"""

from __future__ import annotations

__all__ = ["MetricsPage", "write_page"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """What ``/metrics`` answers with."""

    body: bytes
    content_type: str


class _Collected(Collector):
    """Families that were collected before, as the library wants to be given them."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def write_page(families: Sequence[Metric], accept: str = "") -> MetricsPage:
    """Write metrics out; pure, so that any thread can do it.

    Args:
        families: Of one moment.
        accept: The request's ``Accept``: OpenMetrics where it asks for that, else Prometheus text.
    """
    encode, content_type = choose_encoder(accept)
    return MetricsPage(encode(_Collected(families)), content_type)
