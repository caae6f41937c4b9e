"""The packages to train on."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from voxgate.lab.corpus_packages import PACKAGES, CorpusPackage
from voxgate.lab.training_packages import TRAINING_PACKAGES

VOICES = [package for package in TRAINING_PACKAGES if package.kind == "speech"]


def test_no_prompts_are_trained_on() -> None:
    """Their voices are kept for judging, but for the four that every corpus has."""
    names = {package.name for package in TRAINING_PACKAGES}
    assert not any(name.startswith("asterisk") for name in names)
    assert not names & {package.name for package in PACKAGES}
    assert not any(package.is_required for package in TRAINING_PACKAGES)


def test_every_part_of_a_package_is_told_from_its_others() -> None:
    """By kind, and voices by their names; each has a licence."""
    keys = Counter((part.name, part.kind, part.speaker) for part in TRAINING_PACKAGES)
    assert set(keys.values()) == {1}
    assert all(part.licence for part in TRAINING_PACKAGES)
    assert all(part.speaker and part.language and part.is_cut for part in VOICES)


@pytest.mark.parametrize("voice", VOICES, ids=lambda voice: f"{voice.name}-{voice.speaker}")
def test_the_names_of_speakers_come_from_their_files(voice: CorpusPackage) -> None:
    """Every group that a speaker or a language asks for is one of the expression."""
    groups = set(re.compile(voice.files).groupindex)
    asked = set(re.findall(r"{(\w+)}", voice.speaker + voice.language))
    assert asked == groups


@pytest.mark.parametrize(
    ("name", "path", "speaker"),
    [
        ("0ad-data", "audio/voice/persian/civ/civ_male_walk_1.ogg", "0ad_persian_male"),
        ("0ad-data", "audio/voice/greek/civ/civ_female_walk_1.ogg", "0ad_greek_female"),
        ("0ad-data", "audio/voice/greek/civ/civ_male_walk_1.ogg", None),
        ("0ad-data", "audio/voice/global/civ_dog_bark.ogg", None),
        ("klettres-data", "pt_BR/alpha/a-1.ogg", "kde_pt_BR"),
        ("ktuberling-data", "ca/hat.wav", "kde_ca"),
        ("ktuberling-data", "de/hat.wav", None),
    ],
)
def test_who_speaks_where(name: str, path: str, speaker: str | None) -> None:
    """Few words, beasts and voices kept for judging are left out."""
    (voice,) = [package for package in VOICES if package.name == name]
    match = re.search(voice.files, path)
    assert (match and voice.speaker.format(**match.groupdict())) == speaker
