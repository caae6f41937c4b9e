"""How a session is set up now: what the client asked for last, until the server says otherwise.

An update holds for the appends behind it, as the server handles both in order; its answer comes
later, and may be a refusal. Invariant: what holds is what the server told last, and on top of it
the updates that it has not answered yet.
"""

from __future__ import annotations

__all__ = ["SessionSetup"]

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from .session_shape import SessionShape, ShapeChanges, changes_in

_MAX_UPDATES = 32
"""Updates that wait for the server's word; one that never answers is not waited for longer."""


class _Update(NamedTuple):
    event_id: object
    """None for one without."""
    changes: ShapeChanges


class SessionSetup:
    """Follows what both sides say of one session.

    Args:
        shape: How the session begins.
    """

    def __init__(self, shape: SessionShape) -> None:
        self.shape = shape
        """What holds."""
        self._told = shape
        self._updates: deque[_Update] = deque(maxlen=_MAX_UPDATES)

    def receive_update(self, session: object, event_id: object) -> None:
        """Take the client's update."""
        changes = changes_in(session)
        self._updates.append(_Update(event_id, changes))
        self.shape = self.shape.changed(changes)

    def receive_created(self, session: object) -> None:
        """Take what the server says as the session begins; it answers no update."""
        self._told = self._told.merged(session)
        self._settle()

    def receive_updated(self, session: object) -> None:
        """Take what the server says after an update, the oldest that it has not answered."""
        self._told = self._told.merged(session)
        if self._updates:
            self._updates.popleft()
        self._settle()

    def receive_error(self, error: object) -> None:
        """Take an error, which may be the answer to an update; then that does not hold."""
        if not isinstance(error, Mapping) or not self._updates:
            return
        for _ in range(self._n_answered(error.get("event_id"), error.get("param"))):
            self._updates.popleft()
        self._settle()

    def _n_answered(self, event_id: object, param: object) -> int:
        """Return how many updates an error answers; answers come in the order of the events."""
        waiting = [update.event_id for update in self._updates]
        if event_id is not None:
            return waiting.index(event_id) + 1 if event_id in waiting else 0
        if param is not None:
            return int(isinstance(param, str) and param.startswith("session"))
        # It names nothing. Taken for the answer by mistake, it costs a gate that is made anew as
        # soon as the answer comes; not taken for it, the update would hold for ever.
        return int(waiting[0] is None)

    def _settle(self) -> None:
        shape = self._told
        for update in self._updates:
            shape = shape.changed(update.changes)
        self.shape = shape
