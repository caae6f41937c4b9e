"""What a setting came to on some calls, with intervals.

Shares of trials have Wilson intervals, as in ``voxgate evaluate``; what is a share of audio, or a
median, has a bootstrap interval over calls. Invariant: a figure of nothing is None.
"""

from __future__ import annotations

__all__ = ["Estimate", "SettingFigures", "figures_by_tag", "figures_of"]

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from ..evaluate.summary import Share
from .cost import Weights, cost_of
from .measures import CallMeasures, total
from .prepared_call import PreparedCall
from .resampling import median_interval, ratio_interval


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval by bootstrap over calls."""

    value: float
    interval: tuple[float, float] | None
    """None where fewer than five calls have any of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingFigures:
    """One setting on some calls."""

    calls: int
    false: Share
    """Agent turns with a false barge-in."""
    right: Share
    """Interruptions that were let in within a second."""
    latency_ms: Estimate | None
    """Median time from onset to open, of right ones."""
    lost_percent: Estimate | None
    """Of caller speech."""
    echo_percent: Estimate | None
    """Of agent turns without caller, what reached the provider."""
    noise_percent: Estimate | None
    """Of other audio without caller, what reached the provider."""
    cost: Estimate | None
    """Per call, in false barge-ins."""


def figures_of(measures: Sequence[CallMeasures], weights: Weights, *, seed: int) -> SettingFigures:
    """Return the figures of some calls.

    Args:
        measures: One of each call.
        weights: What mistakes cost.
        seed: Of the bootstrap.
    """
    of = total(measures)
    costs = [cost_of(each, weights) for each in measures]
    cost = _ratio(costs, [1.0] * len(costs), seed)
    return SettingFigures(
        calls=len(measures),
        false=Share(of.false_turns, of.agent_turns),
        right=Share(of.right, of.interruptions),
        latency_ms=_median([each.latencies_ms for each in measures], seed),
        lost_percent=_percent(
            [each.lost_ms for each in measures], [each.speech_ms for each in measures], seed
        ),
        echo_percent=_percent(
            [each.echo_ms for each in measures], [each.echo_of_ms for each in measures], seed
        ),
        noise_percent=_percent(
            [each.noise_ms for each in measures], [each.idle_ms for each in measures], seed
        ),
        cost=cost,
    )


def figures_by_tag(
    calls: Sequence[PreparedCall],
    measures: Sequence[CallMeasures],
    weights: Weights,
    *,
    seed: int,
) -> dict[str, dict[str, SettingFigures]]:
    """Return the figures of the calls with each value of each tag."""
    grouped: defaultdict[str, defaultdict[str, list[CallMeasures]]]
    grouped = defaultdict(lambda: defaultdict(list))
    for call, measured in zip(calls, measures, strict=True):
        for tag, value in call.tags.items():
            grouped[tag][value].append(measured)
    return {
        tag: {
            value: figures_of(grouped[tag][value], weights, seed=seed)
            for value in sorted(grouped[tag])
        }
        for tag in sorted(grouped)
    }


def _percent(parts: Sequence[float], wholes: Sequence[float], seed: int) -> Estimate | None:
    found = _ratio(parts, wholes, seed)
    if found is None:
        return None
    bounds = found.interval
    return Estimate(100.0 * found.value, bounds and (100.0 * bounds[0], 100.0 * bounds[1]))


def _ratio(parts: Sequence[float], wholes: Sequence[float], seed: int) -> Estimate | None:
    whole = sum(wholes)
    if whole <= 0.0:
        return None
    return Estimate(sum(parts) / whole, ratio_interval(parts, wholes, seed=seed))


def _median(by_call: Sequence[Sequence[float]], seed: int) -> Estimate | None:
    pooled = [value for values in by_call for value in values]
    if not pooled:
        return None
    return Estimate(float(median(pooled)), median_interval(by_call, seed=seed))
