"""The search for thresholds: words first, noise no worse, nothing by chance."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from support.sound_banks import SPLIT, small_bank
from voxgate.core.config import AudioGuardConfig, GatingConfig
from voxgate.core.guard_profile import GuardProfile
from voxgate.lab.guard_bench.profile_search import (
    GRID,
    Outcome,
    SearchPlan,
    draw_lines,
    judge_setting,
    search,
)

N_LINES = 20
DEFAULT_MS = 100.0


class Judge:
    """Judges settings by what each value of a key is worth."""

    def __init__(self, lost: Mapping[tuple[str, float], float], noise: float = 0.0) -> None:
        self._lost = lost
        self._noise = noise
        self.tried: list[Mapping[str, float]] = []

    def __call__(self, setting: Mapping[str, float]) -> Outcome:
        self.tried.append(setting)
        lost = 5.0 + sum(self._lost.get(item, 0.0) for item in setting.items())
        return Outcome(
            setting=dict(setting),
            speech_lost_percent=lost,
            idle_forwarded_percent=1.0 + (self._noise if setting else 0.0),
            lost_ms=(lost * 20.0,) * N_LINES,
        )


def test_keys_that_gain_are_turned_together() -> None:
    """Each key gets its best value; the reference is the configuration as it was."""
    judge = Judge({("sensitivity", 0.6): -1.0, ("sensitivity", 0.7): -2.0, ("preroll_ms", 400): -1})
    reference, best = search(judge)
    assert reference.setting == {}
    assert best.setting == {"sensitivity": 0.7, "preroll_ms": 400}
    assert best.speech_lost_percent == 2.0


def test_nothing_is_turned_for_nothing() -> None:
    """Neither by what gains nothing nor by less than the smallest gain; one round shows it."""
    judge = Judge({("sensitivity", 0.6): -0.05})
    reference, best = search(judge)
    assert best is reference
    assert len(judge.tried) == 1 + sum(len(values) - 1 for values in GRID.values())


def test_a_setting_that_lets_more_noise_through_is_not_taken() -> None:
    """However much speech it keeps."""
    _, best = search(Judge({("sensitivity", 0.8): -4.0}, noise=0.5))
    assert best.setting == {}


def test_a_gain_on_one_line_alone_is_chance() -> None:
    """Another draw of lines would not gain."""

    def judge(setting: Mapping[str, float]) -> Outcome:
        rest = (DEFAULT_MS,) * (N_LINES - 1)
        return Outcome(
            setting=dict(setting),
            speech_lost_percent=4.0 if setting else 5.0,
            idle_forwarded_percent=1.0,
            lost_ms=(0.0 if setting else DEFAULT_MS * N_LINES, *rest),
        )

    _, best = search(judge)
    assert best.setting == {}


def test_what_was_judged_is_told() -> None:
    """Each setting once, the reference first."""
    told: list[Outcome] = []
    judge = Judge({})
    search(judge, {"preroll_ms": (200, 400)}, on_judged=told.append)
    assert (
        [outcome.setting for outcome in told]
        == judge.tried
        == [
            {},
            {"preroll_ms": 200},
            {"preroll_ms": 400},
        ]
    )


@pytest.mark.parametrize("key", GRID)
def test_the_grid_is_of_valid_settings(key: str) -> None:
    """Every value can be configured."""
    for value in GRID[key]:
        assert getattr(AudioGuardConfig(**{key: value}), key) == value


def test_a_setting_is_judged_on_real_lines() -> None:
    """More readiness to hear speech never loses more of it on clear lines; both are counted."""
    plan = SearchPlan(profile=GuardProfile.PSTN, split=SPLIT, lines=3, duration_s=4.0)
    lines = draw_lines(small_bank(), plan)
    strict, usual = (
        judge_setting(lines, setting, GatingConfig())
        for setting in ({"sensitivity": 0.0, "speech_threshold_factor": 20.0}, {})
    )
    assert len(usual.lost_ms) == 3
    assert 0.0 <= usual.speech_lost_percent <= strict.speech_lost_percent <= 100.0
    assert strict.setting == {"sensitivity": 0.0, "speech_threshold_factor": 20.0}
