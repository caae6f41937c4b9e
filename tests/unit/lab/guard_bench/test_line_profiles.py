"""Lines of the guard's profiles."""

from __future__ import annotations

import numpy as np
import pytest

from support.sound_banks import SPLIT, small_bank
from voxgate.core.guard_profile import GuardProfile
from voxgate.lab.guard_bench.line_profiles import LINE_PROFILES, draw_line
from voxgate.lab.guard_scenes import GuardScene
from voxgate.lab.guard_scenes.everyday import EVERYDAY_KINDS
from voxgate.lab.guard_scenes.scenes import SCENE_KINDS
from voxgate.lab.scenarios.line import CODECS

PROFILES = pytest.mark.parametrize("profile", GuardProfile)


def lines_of(profile: GuardProfile, count: int = 8) -> list[GuardScene]:
    bank, of = small_bank(), LINE_PROFILES[profile]
    return [draw_line(bank, of, seed, SPLIT, duration_s=3.0) for seed in range(count)]


def test_every_profile_has_lines() -> None:
    """And no name of a sound or a codec is misspelt."""
    assert set(LINE_PROFILES) == set(GuardProfile)
    for of in LINE_PROFILES.values():
        assert set(of.sounds) <= {*SCENE_KINDS, *EVERYDAY_KINDS}
        assert set(of.codecs) <= set(CODECS)


@PROFILES
def test_lines_are_whole_and_of_the_profile(profile: GuardProfile) -> None:
    """Their sounds are those of the profile, with callers and without."""
    lines = lines_of(profile)
    assert {line.tags["kind"] for line in lines} <= set(LINE_PROFILES[profile].sounds)
    assert {bool(line.caller_speech) for line in lines} == {True, False}
    for line in lines:
        assert line.capture.dtype == np.int16
        assert len(line.capture) == 24_000
        assert line.is_asked.all()


@PROFILES
def test_the_same_seed_gives_the_same_line(profile: GuardProfile) -> None:
    """To the sample; another seed another one."""
    one, again = lines_of(profile, 2), lines_of(profile, 2)
    assert np.array_equal(one[0].capture, again[0].capture)
    assert not np.array_equal(one[0].capture, one[1].capture)


def test_everyday_noise_is_as_far_below_the_caller_as_drawn() -> None:
    """Typing in a call centre is 15 to 20 dB below."""
    for line in lines_of(GuardProfile.CALLCENTER, 16):
        if line.tags["kind"] != "typing" or not line.caller_speech:
            continue
        assert 15.0 <= float(line.tags["snr_db"]) <= 20.0
        break
    else:
        pytest.fail("no caller over typing among 16 lines")


def test_a_room_smears_speech_and_keeps_its_level() -> None:
    """The line's level is the caller's, as drawn, and speech goes on after its end."""
    lines = [line for line in lines_of(GuardProfile.SPEAKERPHONE, 12) if line.caller_speech]
    for line in lines:
        start, end = line.caller_speech[0]
        spoken = line.capture[start:end].astype(np.float64)
        level_dbfs = 20 * np.log10(np.sqrt(np.mean(spoken**2)) / 32768)
        assert abs(level_dbfs - float(line.tags["caller_dbfs"])) < 12.0
