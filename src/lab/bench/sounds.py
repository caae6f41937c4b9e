"""What a bench's calls are made of: a corpus folder, and synthetic clips for what it lacks.

Invariant: every kind of clip is there, and what is synthetic is said.
"""

from __future__ import annotations

__all__ = ["ALL", "Sounds", "describe_split", "gather_sounds"]

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..scenarios.bank import Bank, assign_split
from ..scenarios.corpus_folder import FoundClip, build_bank, find_clips
from ..scenarios.synthetic import packaged_voices, synthetic_music, synthetic_noises

ALL = "all"
"""The split that holds every clip."""

_SPLITS: Mapping[str, str] = {
    ALL: "clips that training may have used are among them",
    "train": "clips that training may have used",
    "tune": "clips that thresholds may have been tuned on",
    "report": "clips that training leaves out",
}

_SUBSTITUTES: Mapping[str, tuple[Callable[[], Iterator[FoundClip]], str]] = {
    "speech": (packaged_voices, "the few synthetic voices that come with voxgate"),
    "music": (synthetic_music, "music made by formula"),
    "noise": (synthetic_noises, "noises made by formula"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sounds:
    """The clips of a bench."""

    bank: Bank
    split: str
    counts: Mapping[str, int]
    """Clips by kind."""
    speakers: int
    notes: tuple[str, ...]
    """What a reader of the figures must know of them."""

    @property
    def has_measured_rooms(self) -> bool:
        """True if there are room responses."""
        return self.counts.get("rir", 0) > 0


def gather_sounds(corpus: Path | None, split: str = ALL) -> Sounds:
    """Return the clips to simulate calls from.

    Args:
        corpus: Folder of sound files; None for synthetic clips only.
        split: ``all``, or the one of the corpus's splits to use.

    Raises:
        CorpusError: the folder is no corpus.
        ModuleNotFoundError: a file needs soundfile, which is not installed.
    """
    found = list(_of_split(corpus, split)) if corpus is not None else []
    kinds = {clip.kind for clip in found}
    notes = []
    for kind, (make, words) in _SUBSTITUTES.items():
        if kind not in kinds:
            found += make()
            where = "no corpus was given" if corpus is None else f"{corpus} has no {kind}"
            notes.append(f"{kind}: {words}, as {where}")
    if "rir" not in kinds:
        notes.append("rooms: synthetic ones only; measured responses go into rir/ of a corpus")
    bank = build_bank(found, lambda *_: split)
    speech = bank.select("speech", split)
    return Sounds(
        bank=bank,
        split=split,
        counts=Counter(clip.kind for clip in bank.clips),
        speakers=len({(clip.source, clip.speaker) for clip in speech}),
        notes=tuple(notes),
    )


def describe_split(split: str) -> str:
    """Return the split for a person, with what it says about the figures."""
    return f"split: {split} ({_SPLITS[split]})"


def _of_split(corpus: Path, split: str) -> Iterator[FoundClip]:
    for clip in find_clips(corpus):
        if split in (ALL, assign_split(clip.kind, clip.source, clip.speaker)):
            yield clip
