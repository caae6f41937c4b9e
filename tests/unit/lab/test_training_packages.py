"""The packages to train on."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from voxgate.lab.corpus_packages import PACKAGES
from voxgate.lab.training_packages import TRAINING_PACKAGES


def test_no_voices_are_fetched_to_train_on() -> None:
    """They are kept for judging, but for those that every corpus has."""
    assert {package.kind for package in TRAINING_PACKAGES} == {"music", "noise"}
    assert not any(package.speaker or package.language for package in TRAINING_PACKAGES)


def test_the_training_set_only_adds_to_the_corpus() -> None:
    """Its packages are others, and a corpus is complete without them."""
    names = {package.name for package in TRAINING_PACKAGES}
    assert not names & {package.name for package in PACKAGES}
    assert not any(package.is_required for package in TRAINING_PACKAGES)


def test_every_part_of_a_package_is_told_from_its_others() -> None:
    """By kind, as the manifest tells them; each has a licence."""
    keys = Counter((part.name, part.kind) for part in TRAINING_PACKAGES)
    assert set(keys.values()) == {1}
    assert all(part.licence for part in TRAINING_PACKAGES)


@pytest.mark.parametrize(
    ("name", "path", "kind"),
    [
        ("0ad-data", "audio/voice/persian/civ/civ_male_walk_1.ogg", None),
        ("0ad-data", "audio/actor/human/death/death_1.ogg", None),
        ("0ad-data", "audio/ambient/dayscape/day_temperate.ogg", "noise"),
        ("0ad-data", "audio/music/peace.ogg", "music"),
        ("redeclipse-data", "voice/player.ogg", None),
        ("redeclipse-data", "weapons/pistol.ogg", "noise"),
        ("tuxpaint-stamps-default", "animals/cat_desc_fr.ogg", None),
        ("tuxpaint-stamps-default", "animals/cat_desc.ogg", None),
        ("tuxpaint-stamps-default", "animals/cat.ogg", "noise"),
        ("unknown-horizons", "voice/de/0/greeting.ogg", None),
        ("unknown-horizons", "sounds/chop.ogg", "noise"),
        ("warzone2100-data", "audio/tutorial/hello.ogg", None),
        ("warzone2100-data", "audio/sfx/gun.ogg", "noise"),
    ],
)
def test_the_speech_of_games_is_left_out(name: str, path: str, kind: str | None) -> None:
    """Their music and noises are taken, the lines of their people under no kind."""
    parts = [package for package in TRAINING_PACKAGES if package.name == name]
    kinds = [part.kind for part in parts if re.search(part.files, path)]
    assert kinds == ([kind] if kind else [])
