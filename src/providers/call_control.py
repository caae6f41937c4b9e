"""What an agent may do to its own call, as functions for its model: end it, or transfer it.

Invariant: a call is ended only when the agent's last word was heard, or after a bound; where it is
transferred to, the operator said and not the model.
"""

from __future__ import annotations

__all__ = ["CallControl"]

from collections.abc import Awaitable, Callable, Mapping

import structlog

from ..config.tools_config import ToolsConfig
from ..errors import TransportError
from .tools import Tool, ToolCall, ToolSpec

_QUIET_MS = 400
"""Silence after the agent's last word left for the caller, in ms: the buffer of a telephone beyond
the line (60 to 200 ms) and a breath, so that no farewell is clipped."""

_WAIT_MS = 3000
"""Time in ms that the farewell gets to begin, where the agent calls first and speaks then."""

_MAX_MS = 30_000
"""Time in ms after which the call ends whatever is still said: no farewell is so long."""

_HANGUP = (
    "End the telephone call. Say goodbye in the same turn, before you call this; the call ends "
    "when your goodbye was heard. If the caller speaks before that, the call goes on."
)
_TRANSFER = (
    "Transfer the telephone call to somebody else. Tell the caller before you call this. If it "
    "fails, tell the caller that it did."
)

_log = structlog.get_logger(__name__)

Transfer = Callable[[str], Awaitable[None]]


class CallControl:
    """One call as its agent controls it.

    Args:
        config: What the agent may do.
        transfer: Transfers the call to a number or an address; raises TransportError if that
            fails. None where the line can't.
    """

    def __init__(self, config: ToolsConfig, *, transfer: Transfer | None = None) -> None:
        self._config = config
        self._transfer = transfer
        self._is_hangup_wanted = False
        self._wanted_ms: float | None = None
        self._active_ms: float | None = None

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The functions that the configuration allows, for the model of this call."""
        tools = []
        if self._config.hangup:
            spec = ToolSpec(name="hangup", description=_HANGUP, parameters=_schema({}))
            tools.append(Tool(spec=spec, function=self._hang_up, ends_turn=True))
        if self._config.transfer_targets:
            names = {"type": "string", "enum": list(self._config.transfer_targets)}
            parameters = _schema({"target": names})
            spec = ToolSpec(name="transfer", description=_TRANSFER, parameters=parameters)
            tools.append(Tool(spec=spec, function=self._transfer_call))
        return tuple(tools)

    @property
    def is_hangup_wanted(self) -> bool:
        """Whether the agent wants the call to end."""
        return self._is_hangup_wanted

    def withdraw_hangup(self) -> None:
        """Let the call go on: the caller has interrupted the farewell."""
        self._is_hangup_wanted = False
        self._wanted_ms = self._active_ms = None

    def is_hangup_due(self, now_ms: float, *, is_agent_active: bool) -> bool:
        """Say whether the call is to end now; asked once a slot.

        Args:
            now_ms: Monotonic time.
            is_agent_active: The agent answers, or what it said is on its way to the caller.
        """
        if not self._is_hangup_wanted:
            return False
        if self._wanted_ms is None:
            self._wanted_ms = now_ms
        if is_agent_active:
            self._active_ms = now_ms
        if now_ms - self._wanted_ms >= _MAX_MS:
            return True
        if self._active_ms is None:
            return now_ms - self._wanted_ms >= _WAIT_MS
        return now_ms - self._active_ms >= _QUIET_MS

    async def _hang_up(self, call: ToolCall) -> Mapping[str, object]:
        _log.info("call.hangup_requested", call_id=call.call_id)
        self._is_hangup_wanted = True
        return {"ok": True, "note": "The call ends when your goodbye was heard."}

    async def _transfer_call(self, call: ToolCall) -> object:
        name = call.arguments["target"]
        number = self._config.transfer_targets.get(name) if isinstance(name, str) else None
        if number is None:
            known = ", ".join(self._config.transfer_targets)
            return _refusal("unknown_target", f"There is no such target; there is {known}.")
        outcome = await self._try_transfer(number)
        _log.info("call.transfer_requested", call_id=call.call_id, target=name, outcome=outcome)
        match outcome:
            case "done":
                return {"ok": True, "note": "The call is being transferred; say nothing more."}
            case "not_supported":
                return _refusal(outcome, "This line can't transfer calls; offer another way.")
            case _:
                return _refusal(outcome, "The transfer failed; tell the caller, and offer help.")

    async def _try_transfer(self, number: str) -> str:
        """Return ``done``, ``not_supported`` or ``failed``."""
        if self._transfer is None:
            return "not_supported"
        try:
            await self._transfer(number)
        except TransportError:
            return "failed"
        return "done"


def _refusal(code: str, message: str) -> object:
    return {"error": {"code": code, "message": message}}


def _schema(properties: Mapping[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
