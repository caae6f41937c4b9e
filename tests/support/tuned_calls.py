"""Calls, measures and trials for tests of what tunes on them, without any audio."""

from __future__ import annotations

__all__ = ["FakeTrials", "measures", "prepared", "row_source"]

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from support.recordings import manifest_row
from voxgate.lab.evaluate.intervals import Interval
from voxgate.lab.tune.call_labels import CallLabels
from voxgate.lab.tune.call_sources import CallProblem, ManifestCall
from voxgate.lab.tune.measures import CallMeasures
from voxgate.lab.tune.prepared_call import PreparedCall

Measure = Callable[[Mapping[str, float], int], CallMeasures]


def row_source(name: str = "one", *, capture: Path = Path("/gone.wav")) -> ManifestCall:
    """Return a row of a manifest."""
    row = manifest_row(capture, row_id=name)
    return ManifestCall("m.jsonl", row, has_labels=True)


def prepared(
    name: str = "one",
    *,
    provider: str = "openai_realtime",
    speech: tuple[Interval, ...] = (),
    unsure: tuple[Interval, ...] = (),
    agent: tuple[Interval, ...] = ((0.0, 3000.0),),
    is_given: bool = True,
    tags: Mapping[str, str] | None = None,
) -> PreparedCall:
    """Return a call of 10 s."""
    return PreparedCall(
        source=row_source(name),
        provider=provider,
        labels=CallLabels(speech=speech, unsure=unsure, is_given=is_given),
        agent_speaking=agent,
        duration_ms=10_000.0,
        tags=tags or {},
    )


def measures(*, false: int = 0, right: int = 2, lost_ms: float = 0.0) -> CallMeasures:
    """Return what a call came to that has enough of everything."""
    return CallMeasures(
        agent_turns=5,
        false_turns=false,
        interruptions=2,
        right=right,
        latencies_ms=(100.0,) * right,
        speech_ms=8000.0,
        lost_ms=lost_ms,
        echo_of_ms=9000.0,
        idle_ms=8000.0,
    )


class FakeTrials:
    """Trials whose outcomes are worked out from the setting and the number of the call."""

    def __init__(self, calls: Sequence[PreparedCall], measure: Measure) -> None:
        self.calls = tuple(calls)
        self.problems: dict[str, CallProblem] = {}
        self.done: list[str] = []
        self.tried: list[Mapping[str, float]] = []
        self._measure = measure

    def may_be(self, setting: Mapping[str, float]) -> bool:
        return -1.0 not in setting.values()

    def run(self, settings: Sequence[Mapping[str, float]], doing: str) -> None:
        self.done.append(doing)
        self.tried += settings

    def measures(self, setting: Mapping[str, float]) -> tuple[CallMeasures, ...]:
        return tuple(self._measure(setting, n) for n in range(len(self.calls)))
