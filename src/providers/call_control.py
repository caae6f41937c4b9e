"""What an agent may do to its own call, as functions for its model: end it, or transfer it.

Invariant: a call is ended or transferred only when the agent's last word was heard, or after a
bound; where it is transferred to, the operator said and not the model.
"""

from __future__ import annotations

__all__ = ["CallControl"]

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import structlog

from ..config.tools_config import ToolsConfig
from ..errors import TransportError
from .last_word import LAST_WORD_MAX_MS, LastWord
from .tools import Tool, ToolCall, ToolSpec

_FAREWELL_WAIT_MS = 3000
"""Time in ms that the farewell gets to begin, where the agent calls first and speaks then."""

_ANNOUNCEMENT_WAIT_MS = 1000
"""Time in ms that the announcement of a transfer gets to begin: the model says no more before it
knows the outcome, but the voice of what it has said may still be on its way."""

_TRANSFER_TIMEOUT_S = LAST_WORD_MAX_MS / 1000 + 35
"""Time in s that the function of a transfer gets: the announcement, and the longest time that a
line may take (``transfer_timeout_s``, 30 s)."""

_HANGUP = (
    "End the telephone call. Say goodbye in the same turn, before you call this; the call ends "
    "when your goodbye was heard. If the caller speaks before that, the call goes on."
)
_TRANSFER = (
    "Transfer the telephone call to somebody else. Tell the caller in the same turn, before you "
    "call this; the call is transferred when your words were heard. If it fails, tell the caller."
)

_log = structlog.get_logger(__name__)

Transfer = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _WantedTransfer:
    """A transfer that waits for the agent's last word, or for the line."""

    call_id: str
    target: str
    """As the operator named it."""
    number: str = field(repr=False)
    announcement: LastWord
    outcome: asyncio.Future[str]
    """``done``, ``not_supported``, ``failed`` or ``call_over``."""


class CallControl:
    """One call as its agent controls it.

    Args:
        config: What the agent may do.
        transfer: Transfers the call to a number or an address; raises TransportError if that
            fails. None where the line can't.
    """

    def __init__(self, config: ToolsConfig, *, transfer: Transfer | None = None) -> None:
        self._config = config
        self._line_transfer = transfer
        self._farewell: LastWord | None = None
        self._transfer: _WantedTransfer | None = None
        self._is_transferring = False

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
            function = self._transfer_call
            tools.append(Tool(spec=spec, function=function, timeout_s=_TRANSFER_TIMEOUT_S))
        return tuple(tools)

    @property
    def is_leaving(self) -> bool:
        """Whether the agent wants to be done with the call: ended or transferred."""
        return self.is_hangup_wanted or self.is_transfer_wanted

    @property
    def is_hangup_wanted(self) -> bool:
        """Whether the agent wants the call to end."""
        return self._farewell is not None

    @property
    def is_transfer_wanted(self) -> bool:
        """Whether the agent wants the call transferred, and it is not known yet how that ends."""
        return self._transfer is not None

    def withdraw_hangup(self) -> None:
        """Let the call go on: the caller has interrupted the farewell.

        A transfer is not withdrawn. What callers say over "I am putting you through" is mostly
        their thanks; a transfer lost to that leaves them waiting for nobody, and whom they reach
        against a second thought of theirs can still help.
        """
        self._farewell = None

    def is_hangup_due(self, now_ms: float, *, is_agent_active: bool) -> bool:
        """Say whether the call is to end now; asked once a slot. A transfer comes first.

        Args:
            now_ms: Monotonic time.
            is_agent_active: The agent answers, or what it said is on its way to the caller.
        """
        if self._farewell is None or self._transfer is not None:
            return False
        return self._farewell.is_heard(now_ms, is_agent_active=is_agent_active)

    def is_transfer_due(self, now_ms: float, *, is_agent_active: bool) -> bool:
        """Say, once, that :meth:`transfer` is to be called now; asked once a slot.

        Args:
            now_ms: Monotonic time.
            is_agent_active: As above.
        """
        wanted = self._transfer
        if wanted is None or self._is_transferring:
            return False
        is_due = wanted.announcement.is_heard(now_ms, is_agent_active=is_agent_active)
        self._is_transferring = is_due
        return is_due

    async def transfer(self) -> None:
        """Transfer the call as the agent wants it; to be called when that is due.

        Cancelled, because the call is over, it takes that for the outcome: some lines end by the
        very transfer before they can say that it is done.
        """
        wanted = self._transfer
        assert wanted is not None, "what is due is wanted"  # noqa: S101
        outcome = "call_over"
        try:
            outcome = await self._try_transfer(wanted)
        finally:
            self._transfer = None
            self._is_transferring = False
            wanted.outcome.set_result(outcome)
            _log_outcome(wanted.call_id, wanted.target, outcome)

    async def _hang_up(self, call: ToolCall) -> Mapping[str, object]:
        _log.info("call.hangup_requested", call_id=call.call_id)
        if self._farewell is None:
            self._farewell = LastWord(wait_ms=_FAREWELL_WAIT_MS)
        return {"ok": True, "note": "The call ends when your goodbye was heard."}

    async def _transfer_call(self, call: ToolCall) -> object:
        name = call.arguments["target"]
        number = self._config.transfer_targets.get(name) if isinstance(name, str) else None
        if not isinstance(name, str) or number is None:
            known = ", ".join(self._config.transfer_targets)
            return _refusal("unknown_target", f"There is no such target; there is {known}.")
        if self._transfer is not None:
            return _refusal("under_way", "The call is being transferred already; say no more.")
        _log.info("call.transfer_requested", call_id=call.call_id, target=name)
        return _answer(await self._outcome(call.call_id, name, number))

    async def _outcome(self, call_id: str, target: str, number: str) -> str:
        """Let the call be transferred when the agent was heard, and return how that ended.

        Cancelled, because nobody waits for the answer any more, it leaves the transfer as it is:
        it was announced.
        """
        if self._line_transfer is None:
            _log_outcome(call_id, target, "not_supported")
            return "not_supported"
        self._transfer = _WantedTransfer(
            call_id=call_id,
            target=target,
            number=number,
            announcement=LastWord(wait_ms=_ANNOUNCEMENT_WAIT_MS),
            outcome=asyncio.get_running_loop().create_future(),
        )
        return await asyncio.shield(self._transfer.outcome)

    async def _try_transfer(self, wanted: _WantedTransfer) -> str:
        """Return ``done`` or ``failed``."""
        assert self._line_transfer is not None, "only what the line can do is wanted"  # noqa: S101
        try:
            await self._line_transfer(wanted.number)
        except TransportError:
            return "failed"
        except Exception:  # noqa: BLE001 - a line's fault is no end of the call
            _log.exception("call.transfer_broke", call_id=wanted.call_id)
            return "failed"
        return "done"


def _log_outcome(call_id: str, target: str, outcome: str) -> None:
    _log.info("call.transfer_ended", call_id=call_id, target=target, outcome=outcome)


def _answer(outcome: str) -> object:
    """Return what the model is told of a transfer."""
    match outcome:
        case "failed":
            return _refusal(outcome, "The transfer failed; tell the caller, and offer help.")
        case "not_supported":
            return _refusal(outcome, "This line can't transfer calls; offer another way.")
        case _:
            return {"ok": True, "note": "The call was transferred; say nothing more."}


def _refusal(code: str, message: str) -> object:
    return {"error": {"code": code, "message": message}}


def _schema(properties: Mapping[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
