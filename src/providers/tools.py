"""Functions that an agent's model may call while it talks: a registry, and how one call is made.

Whatever a function does - fail, hang, return too much - the model gets a JSON text, and the
telephone call goes on. Invariant: :meth:`ToolRegistry.call` never raises but for cancellation, and
nothing that a caller said or a function returned is logged.
"""

from __future__ import annotations

__all__ = [
    "MAX_RESULT_CHARACTERS",
    "MAX_RUNNING",
    "TOOL_TIMEOUT_S",
    "Tool",
    "ToolCall",
    "ToolFunction",
    "ToolRegistry",
    "ToolSpec",
    "error_result",
]

import asyncio
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

TOOL_TIMEOUT_S = 10.0
"""Time in s that a function gets where it names none: longer, and the caller thinks that the line
is dead."""

MAX_RESULT_CHARACTERS = 16_384
"""Longest result: some 4,000 tokens, which the model reads again with every further answer."""

MAX_RUNNING = 8
"""Functions that run at a time in one telephone call; a further one is refused."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What OpenAI takes as a function's name, the strictest of the providers."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """What a model is told of a function."""

    name: str
    """Letters, digits, ``_`` and ``-``, 64 at most."""
    description: str
    """What it does and when to call it, for the model to read."""
    parameters: Mapping[str, Any]
    """JSON schema of its arguments, an ``object``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call of a function."""

    name: str
    """Name of the function."""
    arguments: Mapping[str, Any]
    """An object; the ``required`` names of the schema are there, all else is the model's word."""
    call_id: str
    """The telephone call that it is made in."""


ToolFunction = Callable[[ToolCall], Awaitable[object]]
"""Does the work, and returns what JSON can say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function and what is said of it.

    Raises:
        ValueError: if the name is not one, the schema is not an object's, or the timeout is not
            above 0.
    """

    spec: ToolSpec
    function: ToolFunction
    timeout_s: float = TOOL_TIMEOUT_S
    """Time in s after which it is cancelled."""
    ends_turn: bool = False
    """If the agent has spoken when it calls this, it is not asked to go on: what it said was its
    last word."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.spec.name):
            raise ValueError(f"name: {self.spec.name!r} is not 1..64 letters, digits, _ and -")
        if self.spec.parameters.get("type") != "object":
            raise ValueError(f"{self.spec.name}.parameters: is not the schema of an object")
        if not self.timeout_s > 0:
            raise ValueError(f"{self.spec.name}.timeout_s: {self.timeout_s} is not above 0")


class ToolRegistry:
    """Functions by name.

    Args:
        tools: Registered at once, in this order.
        max_result_characters: Longest result that the model gets.

    Raises:
        ValueError: if two have one name.
    """

    def __init__(
        self, tools: Iterable[Tool] = (), *, max_result_characters: int = MAX_RESULT_CHARACTERS
    ) -> None:
        self._tools: dict[str, Tool] = {}
        self._running: Counter[str] = Counter()
        self._max_result_characters = max_result_characters
        for tool in tools:
            self.add(tool)

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """What models are told, in order of registration."""
        return tuple(tool.spec for tool in self._tools.values())

    def ends_turn(self, name: str) -> bool:
        """Return whether a function ends the agent's turn; see :class:`Tool`."""
        return name in self._tools and self._tools[name].ends_turn

    def add(self, tool: Tool) -> None:
        """Register a function.

        Raises:
            ValueError: if there is one of that name.
        """
        if tool.spec.name in self._tools:
            raise ValueError(f"{tool.spec.name}: is registered already")
        self._tools[tool.spec.name] = tool

    def register(
        self,
        name: str,
        function: ToolFunction,
        *,
        description: str,
        parameters: Mapping[str, Any] | None = None,
        timeout_s: float = TOOL_TIMEOUT_S,
    ) -> None:
        """Register a function; without a schema it takes no arguments.

        Raises:
            ValueError: if there is one of that name, or :class:`Tool` refuses it.
        """
        schema = {"type": "object", "properties": {}} if parameters is None else parameters
        spec = ToolSpec(name=name, description=description, parameters=schema)
        self.add(Tool(spec=spec, function=function, timeout_s=timeout_s))

    def extended(self, tools: Iterable[Tool]) -> ToolRegistry:
        """Return a new registry with these functions too, for one telephone call.

        Raises:
            ValueError: if two have one name.
        """
        both = (*self._tools.values(), *tools)
        return ToolRegistry(both, max_result_characters=self._max_result_characters)

    async def call(self, name: str, arguments_json: str, *, call_id: str) -> str:
        """Call a function and return what the model gets: its result, or an error, as JSON text.

        Any number of calls may run at the same time, :data:`MAX_RUNNING` of one telephone call.

        Args:
            name: The function, as the model names it.
            arguments_json: Its arguments as the model wrote them; empty text counts as none.
            call_id: The telephone call.
        """
        tool = self._tools.get(name)
        if tool is None:
            known = ", ".join(self._tools) or "none"
            return error_result("unknown_function", f"There is no such function; there is {known}.")
        arguments = _parsed_arguments(arguments_json, tool.spec)
        if isinstance(arguments, str):
            return error_result("invalid_arguments", arguments)
        if self._running[call_id] >= MAX_RUNNING:
            return error_result("too_many_calls", "Too many functions run already; wait for them.")
        self._running[call_id] += 1
        try:
            return await self._run(tool, ToolCall(name=name, arguments=arguments, call_id=call_id))
        finally:
            self._running[call_id] -= 1
            self._running += Counter()  # forgets the calls at 0

    async def _run(self, tool: Tool, call: ToolCall) -> str:
        try:
            async with asyncio.timeout(tool.timeout_s) as scope:
                result = _json_text(await tool.function(call))
        except Exception as exc:  # noqa: BLE001 - a function's fault is the model's to talk about
            if isinstance(exc, TimeoutError) and scope.expired():
                _log.warning("tool.timed_out", call_id=call.call_id, tool=call.name)
                return error_result("timeout", "The function took too long and was given up.")
            error = type(exc).__name__
            _log.warning("tool.failed", call_id=call.call_id, tool=call.name, error=error)
            return error_result("failed", "The function failed.")
        if len(result) > self._max_result_characters:
            _log.warning("tool.result_too_long", call_id=call.call_id, tool=call.name)
            return error_result("result_too_long", "The result is too long; ask for less.")
        return result


def error_result(code: str, message: str) -> str:
    """Return what a model gets in place of a result: ``{"error": {"code": ..., "message": ...}}``.

    Args:
        code: For programs; dotted nowhere, lower case.
        message: For the model, a sentence.
    """
    return _json_text({"error": {"code": code, "message": message}})


def _json_text(value: object) -> str:
    """Return a value as JSON text; NaN and what JSON has no words for raise."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _parsed_arguments(text: str, spec: ToolSpec) -> Mapping[str, Any] | str:
    """Return the arguments, or what is wrong with them."""
    try:
        arguments = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return "The arguments are not JSON."
    if not isinstance(arguments, dict):
        return "The arguments are not a JSON object."
    required = spec.parameters.get("required", ())
    missing = [name for name in required if name not in arguments]
    return f"Missing arguments: {', '.join(missing)}." if missing else arguments
