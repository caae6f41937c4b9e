"""The answers of one call: asked for, spoken, their functions run, their failures made up for.

Invariant: a function that was begun is finished even if the caller interrupts, and its result is
remembered; an answer that fails is followed by an excuse, and too many of them by an error.
"""

from __future__ import annotations

__all__ = ["Answering"]

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

from ...clock import Clock
from ...config.local_models import ChatReplyConfig, LocalConfig
from ...core.audio import AudioFormat
from ...core.stream_converter import StreamConverter
from ...errors import ProviderError
from ...local_agent.agent_parts import AgentParts
from ...local_agent.chat_reply import PEER as CHAT
from ...local_agent.reply import FunctionAnswered, FunctionAsked, ReplyRequest, ReplyUsage
from ..base import (
    FunctionCalled,
    FunctionReturned,
    ProviderEvent,
    ProviderWarning,
    TokenUsage,
    UsageReported,
)
from ..tools import ToolRegistry
from .conversation import Answer, Conversation
from .speaking import speak_answer

_SORRY = "I am sorry, I did not get that."
"""Said where a part has failed."""

_MAX_FAILURES = 3
"""Answers in a row that may fail; then another provider may do better."""

_MAX_ROUNDS = 8
"""Answers in a row that may call functions: a model that goes round in circles is stopped."""

Emit = Callable[[ProviderEvent | None], Awaitable[None]]
"""Gives the engine what the conversation has to tell, and then this event, if any."""


class Answering:
    """Answers one call's caller; one coroutine of it runs at a time.

    Args:
        config: What the operator set.
        call_id: The call.
        playout: Format of the agent's voice.
        conversation: What is said.
        parts: What answers and what speaks.
        clock: The manager's clock.
        tools: Functions that may be called.
        emit: Takes what is to be told.
    """

    def __init__(
        self,
        config: LocalConfig,
        *,
        call_id: str,
        playout: AudioFormat,
        conversation: Conversation,
        parts: AgentParts,
        clock: Clock,
        tools: ToolRegistry,
        emit: Emit,
    ) -> None:
        self._config = config
        self._call_id = call_id
        self._playout = playout
        self._conversation = conversation
        self._parts = parts
        self._clock = clock
        self._tools = tools
        self._emit = emit
        self._failures = 0
        self._functions: set[asyncio.Task[None]] = set()

    @property
    def functions(self) -> tuple[asyncio.Task[None], ...]:
        """The functions that run; they outlive an answer that is cancelled."""
        return tuple(self._functions)

    async def say(self, text: str) -> None:
        """Say something that nobody has to think about.

        Raises:
            ProviderError: too much has failed in a row, or will not get better.
        """
        try:
            await self._speak(_pieces(text))
        except ProviderError as error:
            await self.excuse(error, can_speak=False)

    async def answer(self) -> None:
        """Answer what was said last, and what the functions return that are called for it.

        Raises:
            ProviderError: as above.
        """
        try:
            for _ in range(_MAX_ROUNDS):
                if not await self._answer_once():
                    break
        except ProviderError as error:
            await self.excuse(error)
        else:
            self._failures = 0

    async def excuse(self, error: ProviderError, *, can_speak: bool = True) -> None:
        """Tell the engine of a failure and the caller that something went wrong.

        Raises:
            ProviderError: the very error, where it is final or one too many.
        """
        self._failures += 1
        await self._emit(ProviderWarning(_located(error, self._config)))
        if not error.retryable or self._failures >= _MAX_FAILURES:
            raise error
        if can_speak:
            await self.say(_SORRY)

    async def _answer_once(self) -> bool:
        """Speak one answer and run its functions; True if their results want an answer."""
        usage: list[ReplyUsage] = []
        request = ReplyRequest(
            history=self._conversation.history,
            instructions=self._config.instructions,
            functions=self._tools.specs,
            on_usage=usage.append,
        )
        has_spoken, functions = await self._speak(self._parts.reply.reply(request))
        for taken in usage:
            await self._emit(UsageReported(_token_usage(taken)))
        if not functions:
            return False
        task = asyncio.create_task(
            self._run_functions(functions), name=f"provider {self._call_id} function"
        )
        self._functions.add(task)
        task.add_done_callback(self._functions.discard)
        await asyncio.shield(task)
        return not (has_spoken and all(self._tools.ends_turn(f.name) for f in functions))

    async def _speak(
        self, pieces: AsyncIterator[str | FunctionAsked]
    ) -> tuple[bool, tuple[FunctionAsked, ...]]:
        """Speak an answer; return whether there was anything to say, and the functions."""
        answer = self._conversation.begin_answer()
        await self._emit(None)
        n_sentences = 0

        async def speak(text: str, spoken: str) -> None:
            nonlocal n_sentences
            n_sentences += 1
            await self._speak_sentence(answer, text, spoken)

        has_failed = True
        try:
            functions = await speak_answer(pieces, speak)
            has_failed = False
        finally:
            # Cut off, it has ended already, and nothing happens here.
            self._conversation.end_answer(answer, self._clock(), has_failed=has_failed)
        await self._emit(None)
        return n_sentences > 0, functions

    async def _speak_sentence(self, answer: Answer, text: str, spoken: str) -> None:
        self._conversation.begin_sentence(answer, text)
        await self._emit(None)
        converter: StreamConverter | None = None
        audio = self._parts.voice.speak(spoken)
        async with contextlib.AsyncExitStack() as stack:
            if (close := getattr(audio, "aclose", None)) is not None:
                stack.push_async_callback(close)
            async for piece in audio:
                converter = converter or StreamConverter(piece.audio_format, self._playout)
                converted = converter.process(piece.audio)
                event = self._conversation.add_audio(answer, converted, self._clock())
                if event is not None:
                    await self._emit(event)
        self._conversation.end_sentence(answer)

    async def _run_functions(self, functions: tuple[FunctionAsked, ...]) -> None:
        for asked in functions:
            await self._emit(
                FunctionCalled(function_call_id=asked.function_call_id, name=asked.name)
            )
        answered = await asyncio.gather(*(self._run_function(asked) for asked in functions))
        self._conversation.add_functions(functions, answered)

    async def _run_function(self, asked: FunctionAsked) -> FunctionAnswered:
        call_id = asked.function_call_id
        result = await self._tools.call(asked.name, asked.arguments, call_id=self._call_id)
        await self._emit(FunctionReturned(function_call_id=call_id, name=asked.name))
        return FunctionAnswered(function_call_id=call_id, result=result)


async def _pieces(text: str) -> AsyncIterator[str | FunctionAsked]:
    yield text


def _located(error: ProviderError, config: LocalConfig) -> ProviderError:
    """Return an error that says where the part is that failed: the other parts say so."""
    if error.peer != CHAT or not isinstance(config.reply, ChatReplyConfig):
        return error
    peer = f"{CHAT} at {urlsplit(config.reply.url).netloc}"
    return ProviderError(peer, error.reason, code=error.code, retryable=error.retryable)


def _token_usage(usage: ReplyUsage) -> TokenUsage:
    return TokenUsage(
        input_tokens=usage.input_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        output_tokens=usage.output_tokens,
    )
