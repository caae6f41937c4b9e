"""Splits calls into those that are searched and those that check, and says if there are enough.

Invariant: which part a call is in depends on its name and the seed alone.
"""

from __future__ import annotations

__all__ = ["HELD_OUT_SHARE", "LEAST_CALLS", "Parts", "Shortage", "shortages_of", "split_calls"]

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from .measures import CallMeasures, total
from .prepared_call import PreparedCall
from .tuned_keys import KeyGroup

LEAST_CALLS = 20
"""Below, a bootstrap over calls means nothing: too few of them can be drawn."""
HELD_OUT_SHARE = 0.4
"""Of the calls: those that check."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The calls of a folder in two parts."""

    search: tuple[PreparedCall, ...]
    """That the search may look at."""
    held_out: tuple[PreparedCall, ...]
    """That it never sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """What there is too little of to judge a group of keys."""

    group: KeyGroup | None
    """None: of calls at all."""
    what: str
    have: int
    """In the part that has least."""
    need: int
    calls_needed: int | None
    """Calls in all that would probably do, going by these; None where these have nothing of it."""

    def __str__(self) -> str:
        """Return what is missing, and how many calls would do."""
        which = "" if self.group is None else f"{self.group} keys: "
        enough = (
            "none of the calls has any"
            if self.calls_needed is None
            else f"about {self.calls_needed} calls like these would do"
        )
        return f"{which}{self.have} {self.what}, and {self.need} are needed; {enough}"


def split_calls(calls: Sequence[PreparedCall], seed: int) -> Parts:
    """Return the calls in two parts, drawn by a hash of seed and name.

    Args:
        calls: All calls.
        seed: Of the drawing.
    """
    drawn = sorted(calls, key=lambda call: _place(call.name, seed))
    held_out = {call.name for call in drawn[: int(HELD_OUT_SHARE * len(drawn))]}
    return Parts(
        search=tuple(call for call in calls if call.name not in held_out),
        held_out=tuple(call for call in calls if call.name in held_out),
    )


def _place(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}/{name}".encode()).digest()


_NEEDS: Mapping[KeyGroup, tuple[tuple[str, int, Callable[[CallMeasures], float]], ...]] = {
    KeyGroup.BARGE_IN: (
        ("interruptions of the agent", 8, lambda of: of.interruptions),
        (
            "agent turns without an interruption",
            8,
            lambda of: of.agent_turns - of.interruptions,
        ),
    ),
    KeyGroup.GUARD: (
        ("s of caller speech", 20, lambda of: of.speech_ms / 1000.0),
        ("s without caller and agent", 20, lambda of: of.idle_ms / 1000.0),
    ),
}
"""What both parts must hold: what is not there can't be lost, and keys would be turned for free."""


def shortages_of(
    search: Sequence[CallMeasures], held_out: Sequence[CallMeasures]
) -> tuple[Shortage, ...]:
    """Return what there is too little of.

    Args:
        search: What the current setting came to on the calls that are searched.
        held_out: The same of those that check.
    """
    count = len(search) + len(held_out)
    if count < LEAST_CALLS:
        missing = Shortage(
            group=None, what="calls", have=count, need=LEAST_CALLS, calls_needed=LEAST_CALLS
        )
        return (missing,)
    parts = (total(search), total(held_out))
    found = []
    for group, needs in _NEEDS.items():
        for what, need, amount in needs:
            have = min(amount(part) for part in parts)
            if have < need:
                needed = ceil(count * need / have) if have else None
                found.append(
                    Shortage(group=group, what=what, have=int(have), need=need, calls_needed=needed)
                )
    return tuple(found)
