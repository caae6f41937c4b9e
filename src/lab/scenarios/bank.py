"""A bank of clips: speech, music, noise and room responses, by split, source and speaker.

Invariant: the clips point into one array of samples, and what is picked depends on their order.
"""

from __future__ import annotations

__all__ = ["SPLITS", "Bank", "Clip", "assign_split", "load_bank", "save_bank"]

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .signals import Audio

SPLITS = ("train", "tune", "report")
"""Parts of the clips that training, tuning and reporting keep to themselves."""
_TRAIN_SHARE, _TUNE_SHARE = 0.74, 0.12
_VOICES: Mapping[str, str] = {
    "allison_smith": "train",
    "menardi": "tune",
    "ivrvoice_ru": "report",  # another name of the next
    "maxim_topal": "report",
    "armelle_desjardins": "report",
    "carlo_flora": "report",
    "july_e_jimenez": "report",
    "june_wallack": "report",
}
"""Voices of telephone prompts in Debian. ``voxgate corpus`` fetches the first four: too few to
leave to a hash. The others are kept for judging."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One clip of a bank."""

    kind: str
    """``speech``, ``music``, ``noise`` or ``rir``."""
    source: str
    """Package or folder that it came from."""
    speaker: str
    """Speaker, song, noise or room."""
    licence: str
    split: str
    """One of :data:`SPLITS`, or whatever else tells the clips to use from others."""
    start: int
    """First sample in the bank's samples."""
    length: int
    """Samples."""


class Bank:
    """All clips with their samples.

    Args:
        clips: All clips, in the order that picks go by.
        samples: int16 [shape=(n,), mono, 8 kHz], which the clips point into.
    """

    def __init__(self, clips: tuple[Clip, ...], samples: npt.NDArray[np.int16]) -> None:
        self.clips = clips
        self.samples = samples
        self._by_split: dict[tuple[str, str], list[Clip]] = {}
        self._by_speaker: dict[tuple[str, str], list[Clip]] = {}
        self._by_source: dict[tuple[str, str], dict[str, list[Clip]]] = {}
        for clip in clips:
            key = (clip.kind, clip.split)
            self._by_split.setdefault(key, []).append(clip)
            self._by_source.setdefault(key, {}).setdefault(clip.source, []).append(clip)
            if clip.kind == "speech":
                speaker = (f"{clip.source}/{clip.speaker}", clip.split)
                self._by_speaker.setdefault(speaker, []).append(clip)

    def audio(self, clip: Clip) -> Audio:
        """Return one clip as float32 [shape=(n,)], scaled to +-1."""
        part = self.samples[clip.start : clip.start + clip.length]
        return part.astype(np.float32) / np.float32(32768.0)

    def select(self, kind: str, split: str) -> list[Clip]:
        """Return the clips of one kind and split."""
        return self._by_split.get((kind, split), [])

    def sources(self, kind: str, split: str) -> dict[str, list[Clip]]:
        """Return the clips of one kind and split by source."""
        return self._by_source.get((kind, split), {})

    def spoken_by(self, speaker: str, split: str) -> list[Clip]:
        """Return the clips of one speaker.

        Raises:
            KeyError: no clip of the split is spoken by ``speaker`` (``source/speaker``).
        """
        return self._by_speaker[(speaker, split)]


def assign_split(kind: str, source: str, speaker: str) -> str:
    """Return the split of a speaker, song, noise or room, which no other clip changes.

    Songs, noises and rooms go by a hash of source and name, people by their name alone: whoever
    speaks in several sources is in one split. Names are the same whatever their case, and with
    blanks, hyphens or underscores. The voices of telephone prompts are dealt by hand, so that each
    split has one of ``voxgate corpus``. About 74 % are for training, 12 % for tuning and 14 % for
    reporting.
    """
    key = f"{kind}/{source}/{speaker}"
    if kind == "speech":
        name = speaker.casefold().replace(" ", "_").replace("-", "_")
        if name in _VOICES:
            return _VOICES[name]
        key = f"{kind}/{name}"
    share = hashlib.sha256(key.encode()).digest()[0] / 256.0
    if share < _TRAIN_SHARE:
        return "train"
    return "tune" if share < _TRAIN_SHARE + _TUNE_SHARE else "report"


def save_bank(bank: Bank, folder: Path) -> None:
    """Write a bank as ``bank.csv`` (one clip a row) and ``bank.npy`` (samples)."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "bank.npy", bank.samples)
    with (folder / "bank.csv").open("w", encoding="utf-8", newline="") as sink:
        csv.writer(sink).writerows(astuple(clip) for clip in bank.clips)


def load_bank(folder: Path) -> Bank:
    """Return what :func:`save_bank` wrote."""
    with (folder / "bank.csv").open(encoding="utf-8", newline="") as lines:
        clips = tuple(
            Clip(
                kind=row[0],
                source=row[1],
                speaker=row[2],
                licence=row[3],
                split=row[4],
                start=int(row[5]),
                length=int(row[6]),
            )
            for row in csv.reader(lines)
        )
    return Bank(clips, np.load(folder / "bank.npy", allow_pickle=False))
