"""The whole of it: calls to labels, search on some, check on the others, proposal or none.

Invariant: the held-out calls have no part in the search; a proposal was surely better on them. The
same calls, configuration and seed give the same tuning, whoever does the work.
"""

from __future__ import annotations

__all__ = ["Comparison", "KeyChange", "Tuning", "TuningPlan", "Verdict", "tune_calls"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from math import ceil

from ...config import AppConfig
from ...core.config import GatingMode
from .call_sources import CallProblem
from .cost import Weights, cost_of
from .figures import SettingFigures, figures_by_tag, figures_of
from .measures import CallMeasures
from .prepared_call import PreparedCall
from .resampling import Gain, calls_needed, is_worthwhile, paired_gain
from .search import SearchResult, search
from .sufficiency import HELD_OUT_SHARE, Shortage, shortages_of, split_calls
from .trials import Trials, Watch
from .tuned_keys import Setting, TunedKey, keys_for, value_of
from .workforce import Workforce

_WITHOUT_REFERENCE = (GatingMode.HALF_DUPLEX, GatingMode.VAD)


class Verdict(StrEnum):
    """What a tuning came to."""

    PROPOSED = "proposed"
    """A setting that was surely better on the held-out calls."""
    NOTHING_BETTER = "nothing_better"
    """No key, turned alone, was surely better on the calls searched."""
    NOT_SURE = "not_sure"
    """Better on the calls searched, and not surely so on the held-out ones."""
    TOO_FEW = "too_few"
    """There is too little to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningPlan:
    """What is to be tuned, and how."""

    config: AppConfig
    kind: str
    """Of the provider whose calls these are."""
    weights: Weights = field(default_factory=Weights)
    seed: int = 1
    only: tuple[str, ...] = ()
    """Dotted keys to turn; empty: all that the mode goes by."""

    @property
    def mode(self) -> GatingMode:
        """Of the kind's policy."""
        return self.config.gating_config.providers[self.kind].mode

    def with_reference(self) -> AppConfig:
        """Return the configuration in mode ``echo_aware``."""
        gating = self.config.gating
        providers = {
            kind: replace(policy, mode=GatingMode.ECHO_AWARE) if kind == self.kind else policy
            for kind, policy in gating.providers.items()
        }
        return replace(self.config, gating=replace(gating, providers=providers))

    @property
    def keys(self) -> tuple[TunedKey, ...]:
        """The keys that may be turned, each with the values that it does not have already."""
        return tuple(
            replace(key, values=tuple(v for v in key.values if v != value_of(self.config, key)))
            for key in keys_for(self.mode, self.kind)
            if not self.only or key.name in self.only
        )


@dataclass(frozen=True, slots=True)
class KeyChange:
    """One key of a proposal."""

    key: TunedKey
    current: float
    proposed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The current and another setting on the same calls."""

    current: SettingFigures
    proposed: SettingFigures | None
    """None where there is no other."""
    gain: Gain | None
    is_better: bool
    """The gain is sure, and no trifle."""
    worse: tuple[str, ...]
    """Figures that are surely worse, whatever is gained in all: of ``false``, ``missed``,
    ``pause``, ``lost``, ``echo`` and ``noise``."""
    current_by_tag: Mapping[str, Mapping[str, SettingFigures]]
    proposed_by_tag: Mapping[str, Mapping[str, SettingFigures]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What came of it."""

    verdict: Verdict
    changes: tuple[KeyChange, ...]
    """Of the setting that was compared; a proposal only if the verdict says so."""
    keys: tuple[TunedKey, ...]
    """That were searched."""
    settings_tried: int
    search: Comparison | None
    held_out: Comparison | None
    """None without calls."""
    shortages: tuple[Shortage, ...]
    calls_needed: int | None
    """Where nothing is proposed and more calls like these might show a gain: how many."""
    problems: tuple[CallProblem, ...]
    """Calls that failed on the way."""
    saved_by_reference: Gain | None = None
    """In another mode: what ``echo_aware`` would save over this, where that is sure."""


def tune_calls(
    calls: Sequence[PreparedCall],
    plan: TuningPlan,
    workforce: Workforce,
    watch: Watch = lambda outcomes, _, __: outcomes,
) -> Tuning:
    """Search on some of the calls, and check on the others.

    Args:
        calls: Of providers of the plan's kind.
        plan: What to tune.
        workforce: Who runs the gates.
        watch: Shows progress.
    """
    parts = split_calls(calls, plan.seed)
    searched = Trials(parts.search, plan.config, workforce, watch)
    checked = Trials(parts.held_out, plan.config, workforce, watch)
    for trials in (searched, checked):
        trials.run([{}], "current setting")
    shortages = shortages_of(searched.measures({}), checked.measures({}))
    keys = _judgeable(plan.keys, shortages)
    found = SearchResult(setting={}, likeliest={}, settings_tried=1)
    if keys:
        found = search(searched, keys, plan.weights, seed=plan.seed)
    compared = found.setting or found.likeliest
    checked.run([compared] if compared else [], "held-out calls")
    tuning = _concluded(found, plan, searched, checked, shortages)
    if plan.mode not in _WITHOUT_REFERENCE or tuning.verdict is Verdict.TOO_FEW:
        return tuning
    reference = Trials(parts.held_out, plan.with_reference(), workforce, watch)
    saved = _saved_by_reference(checked, compared, plan, reference)
    return replace(tuning, saved_by_reference=saved)


def _judgeable(keys: Sequence[TunedKey], shortages: Sequence[Shortage]) -> tuple[TunedKey, ...]:
    """Return the keys that there are calls enough for."""
    short = {shortage.group for shortage in shortages}
    return () if None in short else tuple(key for key in keys if key.group not in short)


def _concluded(
    found: SearchResult,
    plan: TuningPlan,
    searched: Trials,
    checked: Trials,
    shortages: tuple[Shortage, ...],
) -> Tuning:
    keys = _judgeable(plan.keys, shortages)
    compared = found.setting or found.likeliest
    on_search, on_held_out = (_compared(each, compared, plan) for each in (searched, checked))
    verdict = _verdict(found, on_held_out, has_keys=bool(keys))
    needed = _calls_needed(compared, plan, checked) if verdict is not Verdict.PROPOSED else None
    return Tuning(
        verdict=verdict,
        changes=_changes(compared, keys, plan),
        keys=keys,
        settings_tried=found.settings_tried,
        search=on_search,
        held_out=on_held_out,
        shortages=shortages,
        calls_needed=needed,
        problems=(*searched.problems.values(), *checked.problems.values()),
    )


def _verdict(found: SearchResult, held_out: Comparison | None, *, has_keys: bool) -> Verdict:
    if not has_keys or held_out is None:
        return Verdict.TOO_FEW
    if not found.setting:
        return Verdict.NOTHING_BETTER
    return Verdict.PROPOSED if held_out.is_better else Verdict.NOT_SURE


def _compared(trials: Trials, compared: Setting, plan: TuningPlan) -> Comparison | None:
    calls, current = trials.calls, trials.measures({})
    if not calls:
        return None
    proposed = trials.measures(compared) if compared else None
    gain, is_better, worse = None, False, tuple[str, ...]()
    if proposed is not None:
        costs = [[cost_of(m, plan.weights) for m in each] for each in (current, proposed)]
        gain = paired_gain(*costs, seed=plan.seed)
        is_better = is_worthwhile(gain, costs[0])
        worse = _worse(current, proposed, plan.seed)
    figures = partial(figures_of, weights=plan.weights, seed=plan.seed)
    by_tag = partial(figures_by_tag, calls, weights=plan.weights, seed=plan.seed)
    return Comparison(
        current=figures(current),
        proposed=None if proposed is None else figures(proposed),
        gain=gain,
        is_better=is_better,
        worse=worse,
        current_by_tag=by_tag(current),
        proposed_by_tag={} if proposed is None else by_tag(proposed),
    )


_PARTS: Mapping[str, Callable[[CallMeasures], float]] = {
    "false": lambda of: of.false_turns,
    "missed": lambda of: of.interruptions - of.right,
    "pause": lambda of: of.pause_ms,
    "lost": lambda of: of.lost_ms,
    "echo": lambda of: of.echo_ms,
    "noise": lambda of: of.noise_ms,
}


def _worse(
    current: Sequence[CallMeasures], proposed: Sequence[CallMeasures], seed: int
) -> tuple[str, ...]:
    return tuple(
        name
        for name, part in _PARTS.items()
        if paired_gain([*map(part, proposed)], [*map(part, current)], seed=seed).is_sure
    )


def _saved_by_reference(
    checked: Trials, compared: Setting, plan: TuningPlan, reference: Trials
) -> Gain | None:
    """Return what mode ``echo_aware`` would save over the better of the two settings; or None."""
    reference.run([{}], "mode echo_aware")
    if len(reference.calls) != len(checked.calls) or not checked.calls:
        return None
    settings = [{}, compared] if compared else [{}]
    costs = [[cost_of(m, plan.weights) for m in checked.measures(each)] for each in settings]
    by_reference = [cost_of(m, plan.weights) for m in reference.measures({})]
    gain = paired_gain(min(costs, key=sum), by_reference, seed=plan.seed)
    return gain if gain.is_sure else None


def _calls_needed(compared: Setting, plan: TuningPlan, checked: Trials) -> int | None:
    """Return how many calls in all would show what the held-out ones seem to gain."""
    if not compared:
        return None
    costs = [
        [cost_of(measured, plan.weights) for measured in checked.measures(setting)]
        for setting in ({}, compared)
    ]
    held_out = calls_needed(*costs)
    return None if held_out is None else ceil(held_out / HELD_OUT_SHARE)


def _changes(
    compared: Setting, keys: Sequence[TunedKey], plan: TuningPlan
) -> tuple[KeyChange, ...]:
    return tuple(
        KeyChange(key, value_of(plan.config, key), compared[key.name])
        for key in keys
        if key.name in compared
    )
