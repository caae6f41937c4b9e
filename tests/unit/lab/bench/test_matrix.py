"""The matrix of conditions."""

from __future__ import annotations

from collections import Counter

import pytest

from voxgate.lab.bench.matrix import CLEAN_LEVELS, FACTORS, NO_ECHO, draw_scenarios, profile_of
from voxgate.lab.scenarios.backgrounds import BACKGROUND_KINDS
from voxgate.lab.scenarios.line import CODECS


@pytest.mark.parametrize("factor", FACTORS, ids=lambda factor: factor.name)
def test_shares_of_a_factor_add_up(factor: object) -> None:
    """To the whole: every call has a level of each factor."""
    assert sum(share for share, _ in factor.levels.values()) == pytest.approx(1.0)  # type: ignore[attr-defined]


def test_each_level_occurs_as_often_as_its_share() -> None:
    """To the call, for factors that every call has."""
    scenarios = draw_scenarios(50, 1, has_measured=True)
    for factor in FACTORS:
        if not factor.is_of_echo:
            counts = Counter(scenario.levels[factor.name] for scenario in scenarios)
            for level, (share, _) in factor.levels.items():
                assert abs(counts[level] - 50 * share) < 1


def test_the_seed_decides_and_calls_differ() -> None:
    """The same twice; another mix for another seed; no two calls with the same chance."""
    scenarios = draw_scenarios(30, 1, has_measured=True)
    assert scenarios == draw_scenarios(30, 1, has_measured=True)
    assert scenarios != draw_scenarios(30, 2, has_measured=True)
    assert len({scenario.seed for scenario in scenarios}) == 30


def test_a_call_without_echo_has_no_conditions_of_echo() -> None:
    """Its delay or loudspeaker would be counted where there is none."""
    for scenario in draw_scenarios(40, 1, has_measured=True):
        of_echo = {scenario.levels[factor.name] for factor in FACTORS if factor.is_of_echo}
        assert (of_echo == {NO_ECHO}) == (scenario.levels["path"] == NO_ECHO)


def test_without_measured_rooms_synthetic_ones_serve() -> None:
    """No call asks for a response that is not there."""
    paths = {s.levels["path"] for s in draw_scenarios(40, 1, has_measured=False)}
    assert "room, measured" not in paths
    assert "room" in paths


def test_a_profile_is_as_narrow_as_its_levels() -> None:
    """What the label says is what is drawn."""
    for scenario in draw_scenarios(60, 1, has_measured=True):
        profile, levels = profile_of(scenario, "all"), scenario.levels
        assert profile.split == "all"
        assert profile.codecs == (levels["codec"],)
        assert profile.codecs[0] in CODECS
        assert profile.backgrounds == (levels["background"],)
        assert profile.backgrounds[0] in BACKGROUND_KINDS
        assert "{:.0f} to {:.0f}".format(*profile.caller_dbfs) == levels["caller_dbfs"]
        assert (profile.clear_prob > 0) == (levels["line"] == "clears")
        if levels["path"] != NO_ECHO:
            echo = profile.echo
            low_db, high_db = sorted((echo.minimum_erl_db, echo.maximum_erl_db or 0.0))
            assert f"{low_db:.0f} to {high_db:.0f}" == levels["return_loss_db"]
            delays = f"{echo.minimum_delay_ms:.0f} to {echo.maximum_delay_ms:.0f}"
            assert delays == levels["delay_ms"]


def test_calls_on_a_clean_line_are_made_sure_of() -> None:
    """Four tenths of those without echo, at least; by chance it would be one in nine."""
    levels = [scenario.levels for scenario in draw_scenarios(400, 3, has_measured=True)]
    silent = [of for of in levels if of["path"] == NO_ECHO]
    clean = [of for of in silent if all(of[name] == level for name, level in CLEAN_LEVELS.items())]
    assert len(silent) == 60
    assert len(clean) >= 24
    assert len(clean) < 40
