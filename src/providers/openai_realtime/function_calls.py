"""The functions that the model calls: gathered while it speaks, run when its response is complete.

A response that was cut off may name a function with half of its arguments. Invariant: a function
is run once, and only if the response that calls it was completed.
"""

from __future__ import annotations

__all__ = ["MAX_RUNNING", "FunctionCalls"]

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable

from .server_events import FunctionRequest

_MAX_REMEMBERED = 256
"""Function calls remembered, so that none is run twice."""

MAX_RUNNING = 256
"""Functions that may run or wait to at a time; no conversation needs a tenth of that."""

_COMPLETED = "completed"


class FunctionCalls:
    """Function calls of one telephone call, over all of its sessions.

    Args:
        ends_turn: Says of a function whether no answer is wanted to its result if the agent has
            spoken in the same response.
    """

    def __init__(self, ends_turn: Callable[[str], bool] = lambda _: False) -> None:
        self._ends_turn = ends_turn
        self._gathered: OrderedDict[str, FunctionRequest] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._waiting: deque[FunctionRequest] = deque()
        self._running: dict[str, bool] = {}
        self._is_answer_wanted = False
        self.refused = 0
        """Functions that were not run, as too many were at a time, so far."""

    @property
    def is_pending(self) -> bool:
        """Whether a function runs or waits to."""
        return bool(self._running)

    def gather(self, request: FunctionRequest) -> None:
        """Note that the model is about to call a function; the last word on it counts."""
        if request.function_call_id not in self._known:
            self._gathered[request.function_call_id] = request
            if len(self._gathered) > _MAX_REMEMBERED:
                self._gathered.popitem(last=False)

    def end_response(
        self,
        response_id: str,
        status: str,
        functions: Iterable[FunctionRequest],
        *,
        has_spoken: bool,
    ) -> tuple[FunctionRequest, ...]:
        """Return what a response that has ended called, to be run in this order."""
        for request in functions:
            self.gather(request)
        called = tuple(r for r in self._gathered.values() if r.response_id == response_id)
        for request in called:
            del self._gathered[request.function_call_id]
        if status != _COMPLETED:
            return ()
        n_free = MAX_RUNNING - len(self._running)
        self.refused += max(0, len(called) - n_free)
        for request in called[:n_free]:
            self._start(request, has_spoken=has_spoken)
        return called[:n_free]

    def next_waiting(self) -> FunctionRequest | None:
        """Take the next function to run, or None."""
        return self._waiting.popleft() if self._waiting else None

    def finish(self, function_call_id: str) -> bool:
        """Note that a function returned; True if the model is to answer now.

        It answers once to all that ran at a time.
        """
        wants_answer = self._running.pop(function_call_id, None)
        self._is_answer_wanted = self._is_answer_wanted or bool(wants_answer)
        if self._running or not self._is_answer_wanted:
            return False
        self._is_answer_wanted = False
        return True

    def lose_session(self) -> None:
        """Forget what a response that is lost was about to call; what runs goes on."""
        self._gathered.clear()

    def _start(self, request: FunctionRequest, *, has_spoken: bool) -> None:
        self._known[request.function_call_id] = None
        if len(self._known) > _MAX_REMEMBERED:
            self._known.popitem(last=False)
        is_last_word = has_spoken and self._ends_turn(request.name)
        self._running[request.function_call_id] = not is_last_word
        self._waiting.append(request)
