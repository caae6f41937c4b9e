"""What a call remembers over all of its sessions: answers, functions, its past, what to ask for.

Invariant: what a session began and could not finish is either taken up by the next one, or is known
to be lost.
"""

from __future__ import annotations

__all__ = ["CallMemory"]

from collections import Counter
from collections.abc import Mapping

from ..responses import Cut, LostSession, ResponseLedger
from ..tools import ToolRegistry
from .function_calls import FunctionCalls
from .history import History
from .response_requests import ResponseRequests


class CallMemory:
    """The parts that sessions hand on to one another.

    Args:
        tools: Functions that the model may call.
        greeting: What the agent is to say first, or None.
    """

    def __init__(self, tools: ToolRegistry | None = None, *, greeting: str | None = None) -> None:
        self.greeting = greeting
        """What is to be said before anything else; None once an answer was heard, or the caller."""
        self.tools = ToolRegistry() if tools is None else tools
        self.ledger = ResponseLedger()
        """Answers and items."""
        self.counts: Counter[str] = Counter()
        """What happened, by a closed set of names."""
        self.functions = FunctionCalls(self.tools.ends_turn)
        self.responses = ResponseRequests()
        """Who wants an answer."""
        self.history = History()

    def cut(self, heard_ms: Mapping[str, float]) -> Cut:
        """Cut off what is under way; see :meth:`ResponseLedger.cut`."""
        cut = self.ledger.cut(heard_ms)
        for item_id, audio_end_ms in cut.truncations:
            self.history.cut(item_id, audio_end_ms)
        for item_id, item_heard_ms in heard_ms.items():
            self.history.cut(item_id, item_heard_ms)
        return cut

    def hear_caller(self) -> None:
        """Note that the caller speaks: that turn is answered, and nothing that was wanted."""
        self.responses.forget()
        self.greeting = None

    def retry_response(self, now_ms: float) -> None:
        """Note that an answer failed for a rate limit, and ask for it again if there is hope."""
        if self.responses.receive_rate_limited(now_ms):
            self.counts["rate_limit_retries"] += 1

    def lose_session(self) -> LostSession:
        """Note that the session is over; an answer that it was giving is asked for again."""
        self.functions.lose_session()
        self.responses.lose_session()
        if self.ledger.has_uncut_answer and not self.history.is_empty:
            self.responses.want()
        return self.ledger.end_session()
