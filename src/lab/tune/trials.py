"""Tries settings on calls, many at once, and remembers what came of each.

Invariant: a setting is tried once on a call; a call that fails in one trial counts in none.
"""

from __future__ import annotations

__all__ = ["TrialItem", "Trials", "run_trial"]

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...config import AppConfig
from ...core.config import GatingConfig
from ..evaluate.runner import make_gate, run_gate
from .call_sources import CallProblem
from .loaded_call import load_call
from .measures import CallMeasures, measure_call
from .prepared_call import PreparedCall
from .tuned_keys import Setting, applied
from .workforce import Workforce

SettingKey = frozenset[tuple[str, float]]
Outcome = tuple[CallMeasures, ...] | CallProblem
Watch = Callable[[Iterator[Outcome], int, str], Iterator[Outcome]]
"""Passes outcomes on, and shows how many of how many have come, and for what."""


@dataclass(frozen=True, slots=True)
class TrialItem:
    """One call, and the gates to run it through."""

    call: PreparedCall
    configs: tuple[GatingConfig, ...]


def run_trial(item: TrialItem) -> Outcome:
    """Run a call through gates of its own, and measure each; or say why it could not be."""
    loaded = load_call(item.call.source)
    if isinstance(loaded, CallProblem):
        return loaded
    try:
        return tuple(
            measure_call(
                run_gate(
                    loaded.recording,
                    provider=item.call.provider,
                    gate=make_gate(config),
                    caller_speech=item.call.labels.speech,
                ),
                item.call.labels,
                agent_speaking=item.call.agent_speaking,
                duration_ms=item.call.duration_ms,
            )
            for config in item.configs
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, the other calls are judged
        return CallProblem(item.call.name, f"could not be judged: {error!r}")


class Trials:
    """What settings come to on a fixed set of calls.

    Args:
        calls: The calls.
        config: The operator's configuration, which settings change.
        workforce: Who runs the gates.
        watch: Shows progress.
    """

    def __init__(
        self,
        calls: Sequence[PreparedCall],
        config: AppConfig,
        workforce: Workforce,
        watch: Watch = lambda outcomes, _, __: outcomes,
    ) -> None:
        self._calls = tuple(calls)
        self._config = config
        self._workforce = workforce
        self._watch = watch
        self._known: dict[SettingKey, tuple[CallMeasures | None, ...]] = {}
        self.problems: dict[str, CallProblem] = {}
        """Calls that failed, by name."""

    @property
    def calls(self) -> tuple[PreparedCall, ...]:
        """The calls that have not failed."""
        return tuple(call for call in self._calls if call.name not in self.problems)

    def may_be(self, setting: Setting) -> bool:
        """Say whether a configuration may have a setting."""
        return applied(self._config, setting) is not None

    def run(self, settings: Sequence[Setting], doing: str) -> None:
        """Try settings that are not known yet.

        Args:
            settings: Ones that may be.
            doing: What for, in a few words.
        """
        new: dict[SettingKey, GatingConfig] = {}
        for setting in settings:
            config = applied(self._config, setting)
            if _key(setting) not in self._known and config is not None:
                new[_key(setting)] = config.gating_config
        if not new:
            return
        items = [TrialItem(call, tuple(new.values())) for call in self._calls]
        outcomes = self._workforce.map(run_trial, items, lost=_lost)
        columns: list[Sequence[CallMeasures | None]] = []
        for item, outcome in zip(items, self._watch(outcomes, len(items), doing), strict=True):
            if isinstance(outcome, CallProblem):
                self.problems.setdefault(item.call.name, outcome)
                columns.append([None] * len(new))
            else:
                columns.append(outcome)
        for number, key in enumerate(new):
            self._known[key] = tuple(column[number] for column in columns)

    def measures(self, setting: Setting) -> tuple[CallMeasures, ...]:
        """Return what a setting that was tried came to on each call that has not failed."""
        known = self._known[_key(setting)]
        return tuple(
            measured
            for call, measured in zip(self._calls, known, strict=True)
            if measured is not None and call.name not in self.problems
        )


def _key(setting: Mapping[str, float]) -> SettingKey:
    return frozenset(setting.items())


def _lost(item: TrialItem, reason: str) -> Outcome:
    return CallProblem(item.call.name, f"is lost: {reason}")
