"""The thresholds that suit kinds of lines."""

from __future__ import annotations

from dataclasses import fields

import pytest

from voxgate.core.config import AudioGuardConfig
from voxgate.core.guard_profile import PROFILE_DEFAULTS, GuardProfile


@pytest.mark.parametrize("profile", GuardProfile)
def test_a_profile_is_a_valid_configuration(profile: GuardProfile) -> None:
    """It names keys that exist, within their ranges, and never itself."""
    names = {field.name for field in fields(AudioGuardConfig)} - {"profile"}
    assert PROFILE_DEFAULTS[profile].keys() <= names
    config = AudioGuardConfig.for_profile(profile)
    assert config.profile is profile


def test_the_default_profile_is_the_defaults() -> None:
    """What is measured on pstn lines is what everybody gets."""
    assert AudioGuardConfig.for_profile(GuardProfile.PSTN) == AudioGuardConfig()
    assert PROFILE_DEFAULTS[GuardProfile.PSTN] == {}


@pytest.mark.parametrize("profile", GuardProfile)
def test_a_profile_says_only_what_differs(profile: GuardProfile) -> None:
    """A key of a profile is a difference that was measured."""
    default = AudioGuardConfig()
    assert all(getattr(default, name) != value for name, value in PROFILE_DEFAULTS[profile].items())
    kept = [name for name in PROFILE_DEFAULTS[profile] if name != "sensitivity"]
    turned = AudioGuardConfig.for_profile(profile, sensitivity=0.123)
    assert turned.sensitivity == 0.123
    assert all(getattr(turned, name) == PROFILE_DEFAULTS[profile][name] for name in kept)
