"""Finding a setting that surely costs less."""

from __future__ import annotations

from collections.abc import Mapping

from support.tuned_calls import FakeTrials, measures, prepared
from voxgate.lab.tune.cost import Weights, cost_of
from voxgate.lab.tune.measures import CallMeasures
from voxgate.lab.tune.resampling import is_worthwhile, paired_gain
from voxgate.lab.tune.search import SearchResult, search
from voxgate.lab.tune.tuned_keys import KeyGroup, TunedKey

CALLS = [prepared(f"call-{n}") for n in range(12)]


def key(name: str, *values: float) -> TunedKey:
    return TunedKey((name,), values, KeyGroup.GUARD, "higher does more")


KEYS = (key("a", 1, 2, 3), key("b", 1, 2), key("c", 1, 2))


def run(measure) -> tuple[SearchResult, FakeTrials]:
    trials = FakeTrials(CALLS, measure)
    found = search(trials, KEYS, Weights(), seed=1)  # type: ignore[arg-type]
    return found, trials


def trials_cost(measure, setting: Mapping[str, float], number: int) -> float:
    return cost_of(measure(setting, number), Weights())


def lost(ms: float, number: int) -> CallMeasures:
    return measures(lost_ms=ms + 10.0 * number)


def test_keys_that_gain_are_turned_together() -> None:
    """Each to its best value; a key without effect stays."""

    def measure(setting: Mapping[str, float], number: int) -> CallMeasures:
        gain = 500.0 * (3 - abs(setting.get("a", 0) - 2)) + 400.0 * setting.get("b", 0)
        return lost(6000.0 - gain, number)

    found, _ = run(measure)
    assert found.setting == {"a": 2, "b": 2}
    assert found.likeliest == {}


def test_a_key_that_only_seemed_to_help_is_turned_back() -> None:
    """Two keys that do the same: one is enough."""

    def measure(setting: Mapping[str, float], number: int) -> CallMeasures:
        is_better = "a" in setting or "b" in setting
        return lost(1000.0 - len(setting) if is_better else 5000.0, number)

    found, trials = run(measure)
    assert len(found.setting) == 1
    assert found.setting.keys() <= {"a", "b"}
    assert "turning back (2 settings)" in trials.done


def test_small_losses_do_not_add_up_when_keys_are_turned_back() -> None:
    """Each of three keys alone is missed by nobody surely; all three are."""
    worth = {"a": 150.0, "b": 150.0, "c": 150.0}

    def measure(setting: Mapping[str, float], number: int) -> CallMeasures:
        gain = sum(
            worth[name] * (1.0 if (number + n) % 3 else -0.9)
            for n, name in enumerate(worth)
            if name in setting
        )
        return measures(lost_ms=5000.0 - (3000.0 if setting else 0.0) - gain)

    found, trials = run(measure)
    assert found.setting
    full = max(trials.tried, key=len)
    before = [trials_cost(measure, full, n) for n in range(len(CALLS))]
    after = [trials_cost(measure, found.setting, n) for n in range(len(CALLS))]
    assert not is_worthwhile(paired_gain(after, before, seed=1), after)


def test_what_helps_one_call_is_not_taken() -> None:
    """It is only the likeliest."""

    def measure(setting: Mapping[str, float], number: int) -> CallMeasures:
        is_better = setting.get("a") == 3 and number == 5
        return lost(0.0 if is_better else 5000.0, number)

    found, trials = run(measure)
    assert found.setting == {}
    assert found.likeliest == {"a": 3}
    assert found.settings_tried == 8
    assert [doing.partition(" (")[0] for doing in trials.done] == ["current setting", "round 1"]


def test_where_nothing_helps_there_is_no_likeliest() -> None:
    """Every setting is as good or worse."""
    found, _ = run(lambda setting, number: lost(1000.0 + 10.0 * len(setting), number))
    assert (found.setting, found.likeliest) == ({}, {})


def test_values_that_were_surely_worse_are_not_tried_again() -> None:
    """A second round costs less than the first."""

    def measure(setting: Mapping[str, float], number: int) -> CallMeasures:
        if setting.get("c", 0):
            return lost(9000.0, number)
        return lost(5000.0 - 1000.0 * setting.get("a", 0), number)

    _, trials = run(measure)
    rounds = [doing for doing in trials.done if doing.startswith("round")]
    assert rounds[0] == "round 1 (7 settings)"
    assert any(doing.startswith("round 2 (5 settings)") for doing in rounds)


def test_settings_that_may_not_be_are_not_tried() -> None:
    """The configuration would be refused."""
    trials = FakeTrials(CALLS, lambda setting, number: lost(1000.0 * setting.get("a", 2), number))
    found = search(trials, (key("a", -1.0, 1),), Weights(), seed=1)  # type: ignore[arg-type]
    assert found.setting == {"a": 1}
    assert all(setting.get("a") != -1.0 for setting in trials.tried)
