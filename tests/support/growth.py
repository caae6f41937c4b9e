"""Whether what was measured again and again grows, or only comes and goes.

What a process holds at two moments differs by chance: an arena of the allocator more or less. So a
line is laid through all measurements after the first third, by when what is kept on purpose (the
last so many calls, answers, sessions) is full: its slope says by how much it grew, the scatter
around it how sure that is.
"""

from __future__ import annotations

__all__ = ["PROCESS_NOISE", "Growth", "assert_no_growth", "growth_of"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

PROCESS_NOISE: Mapping[str, float] = {
    "resident_kib": 1024,
    "heap_kib": 128,
    "blocks": 2000,
    "objects": 500,
}
"""What comes and goes in a process: an arena of Python's, which is a MiB; blocks that a saw of
masks of 1024 and the last sessions, of different lengths, take. 100 bytes for each of 10,000 calls
are 651 KiB of the heap from the first third on, or 6,667 blocks."""
_SURE = 2.0
"""Standard errors beyond which a rise is no chance: of 40 lines that do not rise, one is."""
_TELLING = 3.0
"""Times the noise that has to be known that chance may hide, or nothing can be told."""


@dataclass(frozen=True, slots=True)
class Growth:
    """From the end of the first third to the end."""

    amount: float
    """By how much the line rises, in the unit of the values."""
    error: float
    """Its standard error, likewise."""

    def is_beyond(self, noise: float) -> bool:
        """Return whether it is no chance, and more than what is known to come and go."""
        return self.amount > max(noise, _SURE * self.error)

    def tells(self, noise: float) -> bool:
        """Return whether the values scatter so little that growth of some times that is found."""
        return _SURE * self.error <= _TELLING * noise


def growth_of(values: Sequence[float]) -> Growth:
    """Return the growth of values that were measured at even distances, at least six."""
    late = np.asarray(values[len(values) // 3 :], float)
    at = np.arange(late.size) - (late.size - 1) / 2
    slope = float(at @ late / (at @ at))
    scatter = late - late.mean() - slope * at
    error = float(np.sqrt(scatter @ scatter / (late.size - 2) / (at @ at)))
    return Growth(slope * (late.size - 1), error * (late.size - 1))


def assert_no_growth(rows: Sequence[Mapping[str, float]], noise: Mapping[str, float]) -> None:
    """Fail, with figures, if a column of some rows grows by more than its noise, or can't tell."""
    found = {column: growth_of([row[column] for row in rows]) for column in noise}
    grown = {column: each for column, each in found.items() if each.is_beyond(noise[column])}
    assert not grown, f"{grown} of {found}"
    blurred = {column: each for column, each in found.items() if not each.tells(noise[column])}
    assert not blurred, f"nothing can be told of {blurred}"
