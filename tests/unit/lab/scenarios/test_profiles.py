"""How wide the conditions are drawn."""

from __future__ import annotations

from voxgate.lab.scenarios.backgrounds import BACKGROUND_KINDS
from voxgate.lab.scenarios.line import CODECS
from voxgate.lab.scenarios.profiles import JUDGE_PROFILE, TRAIN_PROFILE


def test_profiles_name_what_exists() -> None:
    """A background or codec that nobody makes would end a long run at some call."""
    for profile in (TRAIN_PROFILE, JUDGE_PROFILE):
        assert set(profile.backgrounds) <= set(BACKGROUND_KINDS)
        assert set(profile.codecs) <= set(CODECS)


def test_training_is_wider_than_judging() -> None:
    """What is judged lies within what was trained on."""
    train, judge = TRAIN_PROFILE, JUDGE_PROFILE
    assert train.echo.minimum_erl_db < judge.echo.minimum_erl_db
    assert train.echo.maximum_delay_ms > judge.echo.maximum_delay_ms
    assert train.caller_dbfs[0] < judge.caller_dbfs[0]
    assert train.caller_dbfs[1] > judge.caller_dbfs[1]
    assert train.split != judge.split
