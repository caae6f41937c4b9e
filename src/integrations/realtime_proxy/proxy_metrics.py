"""The proxy's metrics, as Prometheus reads them.

Invariant: labels come from closed sets; nothing tells of one session.
"""

from __future__ import annotations

__all__ = ["write_metrics"]

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from .session_counters import SessionCounters


class _Collected(Collector):
    def __init__(self, families: tuple[Metric, ...]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)


def write_metrics(
    counters: SessionCounters,
    running: Iterable[SessionCounters],
    *,
    ended: Mapping[str, int],
    refused: Mapping[str, int],
    accept: str,
) -> tuple[bytes, str]:
    """Return the page and its content type.

    Args:
        counters: Of the sessions that are over.
        running: Of each session that runs.
        ended: Sessions that are over, by who ended them.
        refused: Clients that were not served, by the code of the refusal.
        accept: The request's ``Accept``.
    """
    total, n_running = SessionCounters(), 0
    total.add(counters)
    for n_running, each in enumerate(running, start=1):  # noqa: B007 - their number is shown, too
        total.add(each)
    encode, content_type = choose_encoder(accept)
    families = (*_of_sessions(n_running, ended, refused), *_of_events(total))
    return encode(_Collected(families)), content_type


def _of_sessions(
    n_running: int, ended: Mapping[str, int], refused: Mapping[str, int]
) -> Iterator[Metric]:
    yield GaugeMetricFamily("voxgate_proxy_running_sessions", "Sessions that run.", value=n_running)
    over = CounterMetricFamily(
        "voxgate_proxy_ended_sessions", "Sessions that are over, by who ended them.", labels=["by"]
    )
    for by in ("client", "upstream", "proxy"):
        over.add_metric([by], ended.get(by, 0))
    yield over
    not_served = CounterMetricFamily(
        "voxgate_proxy_refused_sessions", "Clients that were not served.", labels=["reason"]
    )
    for reason, number in sorted(refused.items()):
        not_served.add_metric([str(reason)], number)
    yield not_served


def _of_events(counters: SessionCounters) -> Iterator[Metric]:
    """Yield a counter for each number of the sessions; times in seconds."""
    for each in fields(counters):
        name, value = each.name, getattr(counters, each.name)
        if name.endswith("_ms"):
            name, value = f"{name.removesuffix('_ms')}_seconds", value / 1000
        help_text = f"As {each.name} in the summary of a session, of all sessions."
        yield CounterMetricFamily(f"voxgate_proxy_{name}", help_text, value=value)
