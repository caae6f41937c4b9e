"""Changes single keys in the text of a configuration, and leaves everything else as it stands.

Comments, order, quotes and line breaks stay as the operator wrote them; sections that are missing
are added at the end. Invariant: what comes back parses to the values asked for, and to nothing else
that is new, or :class:`ConfigError` is raised.
"""

from __future__ import annotations

__all__ = ["ABSENT", "Absent"]

from enum import Enum
from typing import Final, Literal


class _Absence(Enum):
    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absence.ABSENT
"""In place of a value: the key is not there, or is to go."""
Absent = Literal[_Absence.ABSENT]
"""The type of :data:`ABSENT`."""
