"""The thresholds that suit kinds of lines."""

from __future__ import annotations

from dataclasses import fields

import pytest

from voxgate.core import config
from voxgate.core.config import AudioGuardConfig
from voxgate.core.guard_profile import PROFILE_DEFAULTS, GuardProfile


@pytest.mark.parametrize("profile", GuardProfile)
def test_a_profile_is_a_valid_configuration(profile: GuardProfile) -> None:
    """It names keys that exist, within their ranges, and never itself."""
    names = {field.name for field in fields(AudioGuardConfig)} - {"profile"}
    assert PROFILE_DEFAULTS[profile].keys() <= names
    assert AudioGuardConfig.for_profile(profile).profile is profile


def test_the_default_profile_is_the_defaults() -> None:
    """What is measured on pstn lines is what everybody gets."""
    assert AudioGuardConfig.for_profile(GuardProfile.PSTN) == AudioGuardConfig()
    assert PROFILE_DEFAULTS[GuardProfile.PSTN] == {}


@pytest.mark.parametrize("profile", GuardProfile)
def test_a_profile_says_only_what_differs(profile: GuardProfile) -> None:
    """A key of a profile is a difference that was measured; so far there is none."""
    default = AudioGuardConfig()
    assert all(getattr(default, name) != value for name, value in PROFILE_DEFAULTS[profile].items())
    differs = AudioGuardConfig.for_profile(profile) != AudioGuardConfig(profile=profile)
    assert differs == bool(PROFILE_DEFAULTS[profile])


def test_a_profile_chooses_what_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its keys stand where none is given; a key that is given wins; the rest is as everywhere."""
    table = {**PROFILE_DEFAULTS, GuardProfile.MOBILE: {"sensitivity": 0.7, "hangover_ms": 600}}
    monkeypatch.setattr(config, "PROFILE_DEFAULTS", table)
    mobile = AudioGuardConfig.for_profile(GuardProfile.MOBILE)
    assert mobile == AudioGuardConfig(profile=GuardProfile.MOBILE, sensitivity=0.7, hangover_ms=600)
    turned = AudioGuardConfig.for_profile(GuardProfile.MOBILE, sensitivity=0.123)
    assert (turned.sensitivity, turned.hangover_ms) == (0.123, 600)
    assert AudioGuardConfig.for_profile(GuardProfile.PSTN) == AudioGuardConfig()
