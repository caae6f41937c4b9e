"""Which functions the model waits for, and which of them nobody waits for any more.

Invariant: a result is wanted once, and only by the session that asked.
"""

from __future__ import annotations

__all__ = ["MAX_WANTED", "FunctionCalls"]

from collections import deque
from collections.abc import Mapping, Sequence

from ..tools import ToolSpec
from .server_messages import FunctionCall

MAX_WANTED = 256
"""Calls that the model may wait for at a time; no conversation needs a tenth of that."""


class FunctionCalls:
    """The function calls of one telephone call.

    Args:
        tools: Functions that the model may call.
    """

    __slots__ = ("_cancelled", "_requested", "_tools", "_wanted")

    def __init__(self, tools: Sequence[ToolSpec]) -> None:
        self._tools = tuple(tools)
        self._requested: deque[FunctionCall] = deque()
        self._cancelled: deque[str] = deque()
        self._wanted: dict[str, FunctionCall] = {}

    @property
    def declared(self) -> tuple[Mapping[str, object], ...]:
        """The functions in the shape of ``agent.think.functions``.

        Each waits until the caller's turn is over: the server would else call it as soon as it
        believes so, and take that back if the caller goes on, when a call may be made already.
        """
        return tuple(
            {
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.parameters),
                "defer_until_eot": True,
            }
            for tool in self._tools
        )

    @property
    def is_any_running(self) -> bool:
        """Whether the model waits for a result."""
        return bool(self._wanted)

    def request(self, calls: Sequence[FunctionCall]) -> int:
        """Take that the model wants functions to be called; return how many are too many."""
        n_refused = 0
        for call in calls:
            if call.id in self._wanted:
                continue
            if len(self._wanted) >= MAX_WANTED:
                n_refused += 1
                continue
            self._wanted[call.id] = call
            self._requested.append(call)
        return n_refused

    def cancel(self, ids: Sequence[str]) -> None:
        """Take that nobody waits for these any more."""
        for call_id in ids:
            if self._wanted.pop(call_id, None) is not None:
                self._cancelled.append(call_id)

    def forget(self) -> None:
        """Take that the session is gone: what runs goes on, and its result comes too late."""
        self._wanted.clear()

    def next_requested(self) -> FunctionCall | None:
        """Take the next call to make, or None."""
        while self._requested:
            call = self._requested.popleft()
            if self._wanted.get(call.id) is call:
                return call
        return None

    def next_cancelled(self) -> str | None:
        """Take the id of the next call to give up, or None."""
        return self._cancelled.popleft() if self._cancelled else None

    def finish(self, call: FunctionCall) -> bool:
        """Note that there is a result; False if nobody waits for it."""
        if self._wanted.get(call.id) is not call:
            return False
        del self._wanted[call.id]
        return True
