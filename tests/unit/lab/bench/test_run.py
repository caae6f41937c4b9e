"""Running the calls of a bench."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest

from support.sound_banks import SPLIT, small_bank
from voxgate.core.config import GatingConfig
from voxgate.lab import process_pool
from voxgate.lab.bench import run
from voxgate.lab.bench.matrix import Scenario, draw_scenarios
from voxgate.lab.bench.run import LostTrial, run_trials
from voxgate.lab.bench.trial import Trial, TrialSetting
from voxgate.lab.scenarios.bank import Bank

N_CALLS = 3


@pytest.fixture
def setting() -> TrialSetting:
    return TrialSetting(split=SPLIT, duration_s=6.0, gates=("off",), config=GatingConfig())


@pytest.fixture
def scenarios() -> list[Scenario]:
    drawn = draw_scenarios(N_CALLS, 2, has_measured=True)
    return [
        Scenario(number=s.number, seed=s.seed, levels={**s.levels, "codec": "alaw"}) for s in drawn
    ]


def verdicts(trials: Iterable[Trial | LostTrial]) -> list[object]:
    """Return what came of each call, none of which is lost."""
    found: list[object] = []
    for trial in trials:
        assert isinstance(trial, Trial)
        found.append(trial.rows["off"].verdict)
    return found


def test_trials_come_in_the_order_of_the_scenarios(
    setting: TrialSetting, scenarios: list[Scenario]
) -> None:
    """One each."""
    trials = list(run_trials(scenarios, bank=small_bank(), setting=setting, jobs=1))
    assert [trial.scenario for trial in trials] == scenarios


def test_the_number_of_processes_does_not_show(
    setting: TrialSetting, scenarios: list[Scenario]
) -> None:
    """Two processes come to what one comes to."""
    alone = run_trials(scenarios[:2], bank=small_bank(), setting=setting, jobs=1)
    together = run_trials(scenarios[:2], bank=small_bank(), setting=setting, jobs=2)
    assert verdicts(alone) == verdicts(together)


def test_one_process_makes_no_pool(
    setting: TrialSetting, scenarios: list[Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a single call on many cores."""
    monkeypatch.setattr(process_pool, "ProcessPoolExecutor", None)
    assert len(list(run_trials(scenarios[:1], bank=small_bank(), setting=setting, jobs=8))) == 1


def test_workers_of_a_cluster_come_to_the_same(
    setting: TrialSetting, scenarios: list[Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each gets the clips once, and no folder of ours."""

    def on_workers(
        function: Callable[..., Trial],
        items: list[Scenario],
        *,
        address: str,
        shared: dict[str, Bank],
        lost: object,
    ) -> Iterator[Trial]:
        assert address == "tcp://s:8786"
        assert shared["bank"] is bank
        return (function(item, **shared) for item in items)

    bank = small_bank()
    monkeypatch.setattr(run, "map_on_cluster", on_workers)
    there = run_trials(scenarios, bank=bank, setting=setting, jobs=1, dask="tcp://s:8786")
    here = run_trials(scenarios, bank=bank, setting=setting, jobs=1)
    assert verdicts(there) == verdicts(here)


def test_a_call_whose_process_died_is_lost(
    setting: TrialSetting, scenarios: list[Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason; the others are not."""

    def die(
        function: object, items: list[Scenario], *, jobs: int, lost: Callable[..., object]
    ) -> list[object]:
        return [lost(items[0], "out of memory")]

    monkeypatch.setattr(run, "map_in_processes", die)
    (outcome,) = run_trials(scenarios, bank=small_bank(), setting=setting, jobs=2)
    assert outcome == LostTrial(scenarios[0], "out of memory")
