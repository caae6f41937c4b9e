"""What answers: the conversation so far in, text out as it comes.

Invariant: a reply knows no audio and no sockets of the call; whoever asked runs the functions that
it asks for.
"""

from __future__ import annotations

__all__ = [
    "FunctionAnswered",
    "FunctionAsked",
    "FunctionSpec",
    "HistoryItem",
    "Reply",
    "ReplyRequest",
    "ReplyUsage",
    "Role",
    "Said",
]

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class Role(StrEnum):
    """Who said something."""

    CALLER = "caller"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Said:
    """Something that was said; of the agent only what the caller heard."""

    role: Role
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionAsked:
    """A function that is to be called."""

    function_call_id: str
    name: str
    arguments: str = field(default="{}", repr=False)
    """JSON text of an object, as the model wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionAnswered:
    """What a function returned."""

    function_call_id: str
    result: str = field(repr=False)
    """JSON text."""


HistoryItem = Said | FunctionAsked | FunctionAnswered
"""One entry of a conversation, in order."""


class FunctionSpec(Protocol):
    """What a model is told of a function."""

    @property
    def name(self) -> str:
        """Letters, digits, ``_`` and ``-``."""

    @property
    def description(self) -> str:
        """What it does and when to call it."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """JSON schema of its arguments, an ``object``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyUsage:
    """Tokens that one reply took, as what answers counts them."""

    input_tokens: int = 0
    """Everything read for the reply, the cached ones among them."""
    cached_input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRequest:
    """What a reply goes by."""

    history: tuple[HistoryItem, ...] = field(repr=False)
    """The conversation; it ends with what is to be answered."""
    instructions: str = ""
    """What the agent is told to be."""
    functions: tuple[FunctionSpec, ...] = ()
    """What may be called."""
    on_usage: Callable[[ReplyUsage], None] | None = field(default=None, repr=False)
    """Told what the reply took, at its end, if what answers says it; None: nobody wants to know."""


class Reply(Protocol):
    """Answers the turns of all calls."""

    async def start(self) -> None:
        """Be ready: see that what answers is there.

        Raises:
            ProviderError: it can't be had; says what is missing and how to get it.
        """

    def reply(self, request: ReplyRequest) -> AsyncIterator[str | FunctionAsked]:
        """Yield the answer piece by piece as it comes, words cut anywhere.

        Functions come last. Closing the iterator ends the answer.

        Raises:
            ProviderError: while iterating; what answers failed, or took too long.
        """

    async def stop(self) -> None:
        """Let go of everything; idempotent."""
