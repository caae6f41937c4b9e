"""The desk's answers about calls: the list, one of them, and how to end it.

Invariant: what is told of a call is what the log tells of it; no audio, no words, no number.
"""

from __future__ import annotations

__all__ = ["CallApi"]

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ...core.gate_decision import GateEvent
from ...engine import AIEngine
from .call_roster import CallRoster, RosterEntry
from .feed_messages import call_fields, utc_text
from .refusal import Refusal

_log = structlog.get_logger(__name__)


RecordingOf = Callable[[RosterEntry], Awaitable[str | None]]
"""Says which recording is that of a call."""


class CallApi:
    """Serves calls.

    Args:
        engine: Whose they are.
        roster: Its list of them.
        recording_of: Returns the id of a call's recording, or None.
    """

    def __init__(self, engine: AIEngine, roster: CallRoster, recording_of: RecordingOf) -> None:
        self._engine = engine
        self._roster = roster
        self._recording_of = recording_of

    def routes(self) -> list[Route]:
        """Return what is served."""
        return [
            Route("/api/calls", self._list),
            # An id may have slashes, as Asterisk's channels do; only the method tells who is asked.
            Route("/api/calls/{call_id:path}/hangup", self._hang_up, methods=["POST"]),
            Route("/api/calls/{call_id:path}", self._one),
        ]

    async def _list(self, request: Request) -> Response:
        del request
        return JSONResponse(
            {
                "calls": [self._fields(call) for call in self._roster.running],
                "ended": [self._fields(call) for call in self._roster.ended],
            }
        )

    async def _one(self, request: Request) -> Response:
        call = self._roster.find(request.path_params["call_id"])
        if call is None:
            raise _no_such_call()
        return JSONResponse(
            {
                **self._fields(call),
                "counters": self._counters(call),
                "events": [_event_fields(call, event) for event in call.events],
                "recorded": await self._recording_of(call),
            }
        )

    async def _hang_up(self, request: Request) -> Response:
        call_id = request.path_params["call_id"]
        if not await self._engine.hang_up(call_id):
            raise _no_such_call()
        _log.info("desk.call_hung_up", call_id=call_id)
        return Response(status_code=204)

    def _fields(self, call: RosterEntry) -> dict[str, Any]:
        return call_fields(call, self._engine.manager.config.policy_for)

    def _counters(self, call: RosterEntry) -> dict[str, Any] | None:
        stats = self._engine.manager.get_stats(call.call_id) if call.ended is None else None
        if call.ended is not None:
            stats = call.ended.gate
        return None if stats is None else asdict(stats)


def _no_such_call() -> Refusal:
    return Refusal(404, "not_found", "There is no such call, or it is over.")


def _event_fields(call: RosterEntry, event: GateEvent) -> dict[str, Any]:
    since_start = timedelta(milliseconds=event.t_ms - call.started_ms)
    return {
        "at": utc_text(call.started_at + since_start),
        "t_s": round(since_start.total_seconds(), 2),
        "type": event.type.value,
        "reason": event.reason.value,
        "count": event.count,
        "detail": event.detail,
    }
