"""Clips that are not what their packages call them: noises that are voices, speech that is none.

A guard that learns voices as noise learns to miss callers, and one that lets them through is not
wrong; nor is one that misses monsters. Invariant: all other clips stay, in their order.
"""

from __future__ import annotations

__all__ = ["is_sung", "without_voices"]

import re

from ..scenarios.bank import Bank, Clip

_VOICED = {
    # Spoken names of things, beside the noises that they make.
    "tuxpaint-stamps-default": re.compile(""),
    # What soldiers and workers answer.
    "megaglest-data": re.compile(r"_(ack|select)\d*$"),
    "ufoai-sound": re.compile("talk"),
}
"""Names of such clips by source."""
_CRIES = frozenset({"redeclipse-data", "nexuiz-data"})
"""Sources whose speech is cries of fighters and monsters, much of it through effects."""
_SUNG = re.compile(r"^(singing|vocal_song)/")
"""Sources of music that is sung."""


def is_sung(clip: Clip) -> bool:
    """Return whether music is sung, as far as its name tells."""
    return _SUNG.search(f"{clip.source}/{clip.speaker}") is not None


def without_voices(bank: Bank) -> Bank:
    """Return the bank without noises that are voices, and without speech that is none."""
    kept = (clip for clip in bank.clips if not (_is_voiced(clip) or _is_cry(clip)))
    return Bank(tuple(kept), bank.samples)


def _is_voiced(clip: Clip) -> bool:
    pattern = _VOICED.get(clip.source)
    return clip.kind == "noise" and pattern is not None and bool(pattern.search(clip.speaker))


def _is_cry(clip: Clip) -> bool:
    return clip.kind == "speech" and clip.source in _CRIES
