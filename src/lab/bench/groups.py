"""Groups of a bench's calls, of which each has its own targets.

Invariant: but for one group, none has a return loss below 6 dB.
"""

from __future__ import annotations

__all__ = [
    "CLEAN",
    "GROUPS",
    "NOISES_AND_MUSIC",
    "NOISY",
    "ORDINARY",
    "QUIET",
    "RETURN_LOSS",
    "Rows",
    "figures_of_turns",
    "groups_of",
    "ordinary_rows",
]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..evaluate.evaluation import EvaluatedRow
from ..evaluate.judge import AudioShare, CallVerdict
from ..evaluate.summary import Figures, figures_of
from .matrix import BELOW_6_DB, CLEAN_LEVELS, NO_ECHO

RETURN_LOSS = "return_loss_db"
"""The factor that is the level of the echo."""

Rows = Sequence[EvaluatedRow]
"""Calls of a bench as one gate fared on them."""


def _is_ordinary(row: EvaluatedRow) -> bool:
    return row.row.tags[RETURN_LOSS] not in BELOW_6_DB


def _is_quiet(row: EvaluatedRow) -> bool:
    tags = row.row.tags
    return _is_ordinary(row) and tags["background"] == "none" and tags["bursts"] == "no"


def _is_clean(row: EvaluatedRow) -> bool:
    tags = row.row.tags
    is_even = all(tags[factor] == level for factor, level in CLEAN_LEVELS.items())
    return is_even and tags["path"] == NO_ECHO


def _is_noisy(row: EvaluatedRow) -> bool:
    tags = row.row.tags
    return tags["path"] == NO_ECHO and tags["background"] in NOISES_AND_MUSIC


NOISES_AND_MUSIC = ("steady", "recorded", "hum", "music")
"""Backgrounds that are nobody's voice."""

ORDINARY = "return loss of 6 dB and more"
"""All calls but those with a loudspeaker as loud at the microphone as the caller."""
QUIET = "no background noise"
"""Those of them without background and bursts."""
CLEAN = "clean line, no echo"
"""Those of them without echo, on a line that delivers every frame in time."""
NOISY = "no echo, noise or music"
"""Those of them without echo, on any line, with a background that is nobody's voice."""

GROUPS: Mapping[str, Callable[[EvaluatedRow], bool]] = {
    ORDINARY: _is_ordinary,
    "return loss below 6 dB": lambda row: not _is_ordinary(row),
    QUIET: _is_quiet,
    CLEAN: _is_clean,
    NOISY: _is_noisy,
}
"""Groups of calls; all but the second have no return loss below 6 dB."""

_FIRST, _LATER = "first turn of each call", "later turns"


def ordinary_rows(rows: Rows) -> list[EvaluatedRow]:
    """Return the calls of 6 dB return loss and more."""
    return [row for row in rows if _is_ordinary(row)]


def groups_of(rows: Rows) -> dict[str, Figures]:
    """Return the figures of one gate in each group, and of first and later turns."""
    ordinary = ordinary_rows(rows)
    return {
        "all calls": figures_of(rows),
        **{name: figures_of([r for r in rows if has(r)]) for name, has in GROUPS.items()},
        _FIRST: figures_of_turns(ordinary, slice(0, 1)),
        _LATER: figures_of_turns(ordinary, slice(1, None)),
    }


def figures_of_turns(rows: Rows, turns: slice) -> Figures:
    """Return the figures of some turns of each call; there are none of audio."""
    return figures_of([replace(row, verdict=_of_turns(row.verdict, turns)) for row in rows])


def _of_turns(verdict: CallVerdict, turns: slice) -> CallVerdict:
    nothing = AudioShare()
    return replace(
        verdict,
        turns=verdict.turns[turns],
        speech_lost=nothing,
        speech_lost_over_agent=nothing,
        speech_lost_in_barge_ins=nothing,
        non_speech_forwarded=nothing,
        idle_forwarded=nothing,
        echo_forwarded=nothing,
    )
