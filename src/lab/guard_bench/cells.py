"""The cells of the guard's bench: who is on the line, and what else is heard how far below.

Invariant: the scenes of a cell differ by their seed alone.
"""

from __future__ import annotations

__all__ = ["CELLS", "Cell", "draw_cell_scene"]

from dataclasses import dataclass

from ..guard_scenes import GuardScene, SceneRanges, SceneWish, draw_scene
from ..scenarios.bank import Bank

_USUAL_DBFS = (-30.0, -16.0)
_SOFT_DBFS = (-38.0, -38.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One condition."""

    kind: str
    """What is heard beside the caller; see ``guard_scenes.scenes``."""
    snr_db: float | None = None
    """Caller over it; None where there is no caller."""
    caller_dbfs: tuple[float, float] = _USUAL_DBFS
    style_prob: float = 0.0
    """Of an utterance, to have a held vowel or a laugh in it."""

    @property
    def has_caller(self) -> bool:
        """True if somebody speaks."""
        return self.snr_db is not None

    @property
    def name(self) -> str:
        """What tables call it."""
        if self.snr_db is None:
            return "quiet line" if self.kind == "none" else self.kind
        if self.kind == "none":
            soft = ", caller at -38 dBFS" if self.caller_dbfs == _SOFT_DBFS else ""
            styles = ", held vowels and laughs" if self.style_prob else ""
            return f"speech, quiet line{soft}{styles}"
        return f"speech, {self.kind} {self.snr_db:g} dB below"


CELLS = (
    Cell(kind="none", snr_db=30.0),
    Cell(kind="none", snr_db=30.0, caller_dbfs=_SOFT_DBFS),
    Cell(kind="none", snr_db=30.0, style_prob=1.0),
    *(Cell(kind="steady", snr_db=snr_db) for snr_db in (20.0, 12.0, 6.0, 0.0)),
    *(Cell(kind="everyday", snr_db=snr_db) for snr_db in (12.0, 6.0)),
    *(Cell(kind="recorded", snr_db=snr_db) for snr_db in (12.0, 6.0)),
    *(Cell(kind="music", snr_db=snr_db) for snr_db in (12.0, 6.0)),
    *(Cell(kind=kind, snr_db=12.0) for kind in ("babble", "cafe")),
    *(Cell(kind="tv", snr_db=snr_db) for snr_db in (15.0, 10.0)),
    *(
        Cell(kind=kind)
        for kind in (
            *("none", "steady", "hum", "tones", "everyday", "recorded", "music", "babble", "cafe"),
        )
    ),
)
"""Callers over everything, then everything without one."""


def draw_cell_scene(
    bank: Bank, cell: Cell, seed: int, split: str, *, duration_s: float = 20.0
) -> GuardScene:
    """Draw a scene of a cell: nothing of it changes in its course, and no agent speaks."""
    ranges = SceneRanges(
        split=split,
        caller_dbfs=cell.caller_dbfs,
        alone_dbfs=(-45.0, -20.0),
        line_noise_dbfs=(-80.0, -58.0),
        burst_prob=0.0,
        level_step_prob=0.0,
        edge_prob=0.0,
        codecs=("mulaw", "mulaw", "alaw", "gsm"),
        losses=(0.0, 0.0, 0.01),
        agent_prob=0.0,
        style_prob=cell.style_prob,
        overdrive_prob=0.0,
        variety_prob=0.0,
        formula_music_prob=0.0,
    )
    wish = SceneWish(kind=cell.kind, snr_db=cell.snr_db, has_caller=cell.has_caller)
    return draw_scene(bank, seed, ranges, duration_s=duration_s, wish=wish)
