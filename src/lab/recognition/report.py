"""The figures of a recognition bench, and the report as JSON.

Invariant: every rate has its 95 % interval, and every way is held against ``raw`` on the same
utterances.
"""

from __future__ import annotations

__all__ = ["RAW", "StopFigures", "WayFigures", "clean_rate", "figures_by_stop", "report_as_json"]

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .trial import Interrupted
from .word_errors import ErrorRate, WordErrors, rate_difference, total_rate

RAW = "raw"
"""The way that the others are held against."""
_ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class WayFigures:
    """How one way to forward fares; each mapping by return loss in dB, and ``all`` of them."""

    rates: Mapping[str, ErrorRate]
    over_raw: Mapping[str, ErrorRate]
    """Its rate less that of ``raw``: below zero it is better."""


StopFigures = Mapping[str, WayFigures]
"""Figures by way, for one time at which the agent stops."""


def clean_rate(trials: Sequence[Interrupted]) -> dict[str, ErrorRate]:
    """Return the word error rate without any echo, by the return loss of the same calls."""
    return {name: total_rate(t.without_echo for t in of) for name, of in _groups(trials).items()}


def figures_by_stop(trials: Sequence[Interrupted]) -> dict[float | None, StopFigures]:
    """Return the figures of all ways, by when the agent stopped."""
    stops = trials[0].errors if trials else {}
    return {
        stop: {way: _figures(trials, stop, way) for way in ways} for stop, ways in stops.items()
    }


def _figures(trials: Sequence[Interrupted], stop: float | None, way: str) -> WayFigures:
    rates, over_raw = {}, {}
    for name, of in _groups(trials).items():
        errors = _errors(of, stop, way)
        rates[name] = total_rate(errors)
        over_raw[name] = rate_difference(errors, _errors(of, stop, RAW))
    return WayFigures(rates=rates, over_raw=over_raw)


def _errors(trials: Sequence[Interrupted], stop: float | None, way: str) -> list[WordErrors]:
    return [trial.errors[stop][way] for trial in trials]


def _groups(trials: Sequence[Interrupted]) -> dict[str, list[Interrupted]]:
    """Return the trials by return loss, the smallest first, and all of them."""
    groups: dict[str, list[Interrupted]] = {}
    for trial in sorted(trials, key=lambda trial: trial.scenario.erl_db):
        groups.setdefault(f"{trial.scenario.erl_db:g}", []).append(trial)
    return {**groups, _ALL: list(trials)}


def report_as_json(trials: Sequence[Interrupted], *, setting: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything as JSON has it; ``never`` stands for an agent that goes on."""
    return {
        "setting": dict(setting),
        "without_echo": {name: asdict(rate) for name, rate in clean_rate(trials).items()},
        "by_stop_ms": {
            "never" if stop is None else f"{stop:g}": {
                way: asdict(of) for way, of in figures.items()
            }
            for stop, figures in figures_by_stop(trials).items()
        },
    }
