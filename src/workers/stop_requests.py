"""Who told a worker to stop, and how often.

The first request drains, a second one ends the calls. A service manager may well tell parent and
workers at once (systemd's ``KillMode=control-group``), and the parent then tells the workers too:
that is one request, made twice. Invariant: a source's first request is never another's second.
"""

from __future__ import annotations

__all__ = ["StopRequests", "StopSource"]

from collections import Counter
from enum import StrEnum


class StopSource(StrEnum):
    """Who tells."""

    PARENT = "parent"
    """By its command, or by being gone."""
    SIGNAL = "signal"
    """The system, to this process."""


class StopRequests:
    """Counts what each source asks for."""

    def __init__(self) -> None:
        self._asked: Counter[StopSource] = Counter()

    def ask(self, source: StopSource) -> bool:
        """Take a request; return whether it is one more than was known."""
        known = max(self._asked.values(), default=0)
        self._asked[source] += 1
        return self._asked[source] > known

    def lose_parent(self) -> bool:
        """Take that the parent is gone, which is its first request and never its second.

        Returns:
            Whether nobody has told this worker to stop before.
        """
        return not self._asked[StopSource.PARENT] and self.ask(StopSource.PARENT)
