"""A measured figure and the limit that it is held to."""

from __future__ import annotations

__all__ = ["Figure", "Verdict"]

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a figure stands to its limit."""

    NONE = "no limit"
    MET = "met"
    DOUBTFUL = "over, but not in every round: is the machine busy?"
    MISSED = "MISSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure; smaller is better."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    best: float | None = None
    """The smallest value of any round, where there are rounds: a busy machine adds time and never
    takes any, so the limit is clearly missed where this misses it too."""
    p99: float | None = None
    """99th percentile, where single frames are measured."""

    @property
    def verdict(self) -> Verdict:
        """How the figure stands to its limit."""
        if self.limit is None:
            return Verdict.NONE
        if self.value <= self.limit:
            return Verdict.MET
        if self.best is not None and self.best <= self.limit:
            return Verdict.DOUBTFUL
        return Verdict.MISSED
