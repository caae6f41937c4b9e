"""Voices among the noises of packages."""

from __future__ import annotations

import numpy as np

from voxgate.lab.guard_scenes.voiced_noises import is_sung, without_voices
from voxgate.lab.scenarios.bank import Bank, Clip


def clip(kind: str, source: str, speaker: str) -> Clip:
    return Clip(
        kind=kind, source=source, speaker=speaker, licence="", split="train", start=0, length=8
    )


def test_voices_go_and_everything_else_stays() -> None:
    """Answers of soldiers and spoken names are voices; their swords, and speech itself, are not."""
    kept = (
        clip("noise", "megaglest-data", "sounds_tower_attack6"),
        clip("speech", "tuxpaint-stamps-default", "somebody"),
        clip("noise", "ufoai-sound", "misc_door"),
        clip("music", "megaglest-data", "music_select1"),
    )
    voices = (
        clip("noise", "megaglest-data", "sounds_horseman_ack15"),
        clip("noise", "tuxpaint-stamps-default", "math_6_zh_tw"),
        clip("noise", "ufoai-sound", "misc_talk"),
    )
    bank = Bank((voices[0], *kept, *voices[1:]), np.zeros(8, np.int16))
    assert without_voices(bank).clips == kept


def test_cries_are_no_callers() -> None:
    """Fighters and monsters go from the speech; their weapons stay noises."""
    kept = (clip("speech", "librispeech", "reader"), clip("noise", "nexuiz-data", "rocket"))
    bank = Bank((clip("speech", "nexuiz-data", "specop"), *kept), np.zeros(8, np.int16))
    assert without_voices(bank).clips == kept


def test_singing_is_known_by_its_source() -> None:
    """By the source's whole name, and not by the name of a song."""
    assert is_sung(clip("music", "singing", "vocadito_14"))
    assert not is_sung(clip("music", "singularity-music", "Orbital Elevator"))
    assert not is_sung(clip("music", "band", "singing in the rain"))
