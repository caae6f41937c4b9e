"""The numbers behind the metrics: plain, without a lock, for one thread.

The library's own counters take a lock each time, which is too slow for what happens a hundred times
a second on every call. Invariant: only metrics of the catalogue, with its labels, get in.
"""

from __future__ import annotations

__all__ = ["Buckets", "MetricValues"]

from bisect import bisect_left
from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from .metrics_catalog import METRICS, MetricKind, MetricSpec


class Buckets:
    """One histogram with its labels.

    Args:
        bounds: Upper bounds of the buckets, which belong to them, ascending.
    """

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def add_to(self, family: HistogramMetricFamily, labels: tuple[str, ...]) -> None:
        """Add what was counted to a family of samples."""
        total = 0
        cumulated: list[tuple[str, float]] = []
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            total += count
            cumulated.append(("+Inf" if bound == float("inf") else repr(bound), float(total)))
        family.add_metric(labels, buckets=cumulated, sum_value=self._sum)


class MetricValues:
    """The values of all metrics of the catalogue.

    A metric without labels is there from the start, others from their first value.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, dict[tuple[str, ...], float]] = {}
        self._histograms: dict[str, dict[tuple[str, ...], Buckets]] = {}
        for name, spec in METRICS.items():
            if spec.kind is MetricKind.HISTOGRAM:
                self._histograms[name] = {}
                if not spec.labels:
                    self.buckets(name)
            else:
                self._numbers[name] = {} if spec.labels else {(): 0.0}

    def count(self, name: str, *labels: str, by: float = 1.0) -> None:
        """Add to a counter; by 0 it is shown from now on.

        Raises:
            KeyError: there is no such counter or gauge.
            ValueError: these are not its labels.
        """
        numbers = self._numbers[name]
        if labels not in numbers:
            _check(name, labels)
        numbers[labels] = numbers.get(labels, 0.0) + by

    def set(self, name: str, *labels: str, value: float) -> None:
        """Set a gauge, or a counter that counts elsewhere.

        Raises:
            KeyError: there is no such counter or gauge.
            ValueError: these are not its labels.
        """
        _check(name, labels)
        self._numbers[name][labels] = value

    def forget(self, name: str) -> None:
        """Forget what was set of a gauge: what is not set anew is not shown."""
        self._numbers[name].clear()

    def observe(self, name: str, value: float, *labels: str) -> None:
        """Count a value of a histogram.

        Raises:
            KeyError: there is no such histogram.
            ValueError: these are not its labels.
        """
        self.buckets(name, *labels).observe(value)

    def buckets(self, name: str, *labels: str) -> Buckets:
        """Return one histogram with its labels, which is shown from now on.

        Raises:
            KeyError: there is no such histogram.
            ValueError: these are not its labels.
        """
        known = self._histograms[name]
        if labels not in known:
            _check(name, labels)
            known[labels] = Buckets(METRICS[name].buckets)
        return known[labels]

    def families(self) -> Iterator[Metric]:
        """Yield a copy of everything, in the order of the catalogue."""
        for name, spec in METRICS.items():
            if spec.kind is MetricKind.HISTOGRAM:
                yield _histogram(spec, self._histograms[name])
            else:
                yield _numbers(spec, self._numbers[name])


def _check(name: str, labels: tuple[str, ...]) -> None:
    if len(labels) != len(METRICS[name].labels):
        raise ValueError(f"{name}: {labels} is not for {METRICS[name].labels}")


def _histogram(spec: MetricSpec, values: dict[tuple[str, ...], Buckets]) -> Metric:
    family = HistogramMetricFamily(spec.full_name, spec.help, labels=spec.labels, unit=spec.unit)
    for labels, buckets in values.items():
        buckets.add_to(family, labels)
    return family


def _numbers(spec: MetricSpec, values: dict[tuple[str, ...], float]) -> Metric:
    kind = CounterMetricFamily if spec.kind is MetricKind.COUNTER else GaugeMetricFamily
    family: Metric = kind(spec.full_name, spec.help, labels=spec.labels, unit=spec.unit)
    for labels, value in values.items():
        family.add_metric(labels, value)  # type: ignore[attr-defined]
    return family
