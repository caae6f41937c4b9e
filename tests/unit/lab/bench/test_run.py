"""Running the calls of a bench."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.sound_banks import SPLIT, small_bank
from voxgate.core.config import GatingConfig
from voxgate.lab import process_pool
from voxgate.lab.bench.matrix import Scenario, draw_scenarios
from voxgate.lab.bench.run import run_trials
from voxgate.lab.bench.trial import Trial, TrialSetting
from voxgate.lab.scenarios.bank import save_bank

N_CALLS = 3


@pytest.fixture
def setting(tmp_path: Path) -> TrialSetting:
    save_bank(small_bank(), tmp_path)
    return TrialSetting(
        bank=tmp_path, split=SPLIT, duration_s=6.0, gates=("off",), config=GatingConfig()
    )


@pytest.fixture
def scenarios() -> list[Scenario]:
    drawn = draw_scenarios(N_CALLS, 2, has_measured=True)
    return [
        Scenario(number=s.number, seed=s.seed, levels={**s.levels, "codec": "alaw"}) for s in drawn
    ]


def verdicts(trials: list[Trial]) -> list[object]:
    return [trial.rows["off"].verdict for trial in trials]


def test_trials_come_in_the_order_of_the_scenarios(
    setting: TrialSetting, scenarios: list[Scenario]
) -> None:
    """One each."""
    trials = list(run_trials(scenarios, setting=setting, jobs=1))
    assert [trial.scenario for trial in trials] == scenarios


def test_the_number_of_processes_does_not_show(
    setting: TrialSetting, scenarios: list[Scenario]
) -> None:
    """Two processes come to what one comes to."""
    alone = list(run_trials(scenarios[:2], setting=setting, jobs=1))
    together = list(run_trials(scenarios[:2], setting=setting, jobs=2))
    assert verdicts(alone) == verdicts(together)


def test_one_process_makes_no_pool(
    setting: TrialSetting, scenarios: list[Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a single call on many cores."""
    monkeypatch.setattr(process_pool, "ProcessPoolExecutor", None)
    assert len(list(run_trials(scenarios[:1], setting=setting, jobs=8))) == 1
