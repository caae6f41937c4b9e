"""Backgrounds."""

from __future__ import annotations

import numpy as np
import pytest

from support.sound_banks import SPLIT, small_bank
from voxgate.lab.scenarios.backgrounds import BACKGROUND_KINDS, excerpt, make_background, pick_clip
from voxgate.lab.scenarios.signals import FRAME_SAMPLES, scale_to_dbfs


@pytest.mark.parametrize("kind", BACKGROUND_KINDS)
def test_a_background_is_as_long_and_as_loud_as_asked(kind: str) -> None:
    """0 dBFS while active, but for `none`, which is silence; the generator decides the rest."""
    made = make_background(small_bank(), np.random.default_rng(1), kind, 8000, SPLIT)
    again = make_background(small_bank(), np.random.default_rng(1), kind, 8000, SPLIT)
    assert made.shape == (8000,)
    assert np.array_equal(made, again)
    if kind == "none":
        assert not np.any(made)
    else:
        assert np.allclose(made, scale_to_dbfs(made, 0.0), rtol=1e-3)
        assert np.mean(made**2) > 0.01


def test_a_short_clip_is_looped() -> None:
    """An excerpt is never shorter than asked."""
    bank = small_bank()
    clip = bank.select("noise", SPLIT)[0]
    part = excerpt(bank, clip, np.random.default_rng(1), clip.length + FRAME_SAMPLES)
    assert np.array_equal(part[:FRAME_SAMPLES], part[clip.length :])


def test_a_kind_that_is_missing_is_named() -> None:
    """A bank without music can't make music."""
    with pytest.raises(ValueError, match="no music for train"):
        pick_clip(small_bank(), np.random.default_rng(1), "music", "train")
