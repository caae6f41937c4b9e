"""Finds a setting that costs less, and surely so, on the calls that it may look at.

In each round every key is turned alone; those that surely gain are turned together, the best first;
and the round begins anew from the cheapest of these, without the values that were surely worse. At
the end each key is turned back, and stays so unless what is left is surely worse than the best that
was found, or no surely better than the operator's: the fewer keys differ, the better a proposal is
understood.
Invariant: the result depends on the trials alone; equal costs are settled by the order of keys.
"""

from __future__ import annotations

__all__ = ["SearchResult", "search"]

from collections.abc import Sequence
from dataclasses import dataclass

from .cost import Weights, cost_of
from .resampling import Gain, is_worthwhile, paired_gain
from .trials import Trials
from .tuned_keys import Setting, TunedKey

_ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """What a search has found."""

    setting: Setting
    """Keys that differ from the operator's; empty: nothing is surely better."""
    likeliest: Setting
    """Where nothing is surely better: the one key that gained most all the same; may be empty."""
    settings_tried: int


def search(
    trials: Trials, keys: Sequence[TunedKey], weights: Weights, *, seed: int
) -> SearchResult:
    """Search keys on calls.

    Args:
        trials: Of the calls to search on.
        keys: To turn.
        weights: What mistakes cost.
        seed: Of the bootstrap.
    """
    return _Searcher(trials, keys, weights, seed).search()


class _Searcher:
    def __init__(
        self, trials: Trials, keys: Sequence[TunedKey], weights: Weights, seed: int
    ) -> None:
        self._trials = trials
        self._keys = keys
        self._weights = weights
        self._seed = seed
        self._tried: set[frozenset[tuple[str, float]]] = set()
        self._worse: set[tuple[str, float]] = set()
        """Keys with values that were surely worse in an earlier round: they are not tried again."""

    def search(self) -> SearchResult:
        """Search until nothing gains any more."""
        best: Setting = {}
        self._try([best], "current setting")
        likeliest = best
        for number in range(1, _ROUNDS + 1):
            turns = self._best_turns(best, number)
            if number == 1 and turns:
                likeliest = max(turns, key=lambda each: self._gain(best, each).mean)
            sure = [each for each in turns if self._is_better(best, each)]
            if not sure:
                break
            best = self._best_of_together(best, sure, number)
        best = self._without_needless(best)
        return SearchResult(
            setting=best,
            likeliest={} if best else likeliest,
            settings_tried=len(self._tried),
        )

    def _best_turns(self, best: Setting, number: int) -> list[Setting]:
        """Return, for each key that gains anything, the setting with its best value."""
        by_key = [self._turns_of(key, best) for key in self._keys]
        self._try([each for settings in by_key for each in settings], f"round {number}")
        for key, settings in zip(self._keys, by_key, strict=True):
            for each in settings:
                if self._gain(each, best).is_sure:
                    self._worse.add((key.name, each[key.name]))
        cheapest = [min(settings, key=self._cost) for settings in by_key if settings]
        return [each for each in cheapest if self._cost(each) < self._cost(best)]

    def _turns_of(self, key: TunedKey, best: Setting) -> list[Setting]:
        """Return the best setting with each value of a key that may be worth a trial."""
        settings = [
            {**best, key.name: value}
            for value in key.values
            if (key.name, value) not in self._worse
        ]
        return [each for each in settings if self._trials.may_be(each)]

    def _best_of_together(self, best: Setting, turns: list[Setting], number: int) -> Setting:
        """Return the cheapest of the turns, the two best, the three best, and so on."""
        together = [dict(best)]
        for each in sorted(turns, key=self._cost):
            together.append({**together[-1], **dict(each.items() - best.items())})
        allowed = [each for each in together[1:] if self._trials.may_be(each)]
        self._try(allowed, f"round {number}, together")
        surely = [each for each in allowed if self._is_better(best, each)]
        return min(surely, key=self._cost)

    def _without_needless(self, best: Setting) -> Setting:
        """Turn keys back, the least useful first, as long as that costs nothing surely.

        What is left is held against the best, not against the last: small losses would add up.
        """
        shortest = best
        while len(shortest) > 1:
            allowed = ({n: v for n, v in shortest.items() if n != out} for out in shortest)
            shorter = [each for each in allowed if self._trials.may_be(each)]
            self._try(shorter, "turning back")
            needless = [
                each
                for each in shorter
                if self._is_better({}, each) and not self._is_better(each, best)
            ]
            if not needless:
                break
            shortest = min(needless, key=self._cost)
        return shortest

    def _try(self, settings: Sequence[Setting], doing: str) -> None:
        count = len(settings)
        self._tried.update(frozenset(setting.items()) for setting in settings)
        self._trials.run(settings, f"{doing} ({count} setting{'s' * (count != 1)})")

    def _costs(self, setting: Setting) -> list[float]:
        return [cost_of(each, self._weights) for each in self._trials.measures(setting)]

    def _cost(self, setting: Setting) -> float:
        return sum(self._costs(setting))

    def _gain(self, before: Setting, after: Setting) -> Gain:
        return paired_gain(self._costs(before), self._costs(after), seed=self._seed)

    def _is_better(self, before: Setting, after: Setting) -> bool:
        return is_worthwhile(self._gain(before, after), self._costs(before))
