"""An answer is spoken while it is written, and both halves end together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from support.local_parts import ScriptedReply
from support.virtual_time import in_virtual_time
from voxgate.errors import ProviderError
from voxgate.local_agent.reply import FunctionAsked, ReplyRequest
from voxgate.providers.local.speaking import speak_answer

REQUEST = ReplyRequest(history=())
FAILED = ProviderError("chat", "failed", retryable=True)


class Mouth:
    """Speaks when it may."""

    def __init__(self) -> None:
        self.spoken: list[tuple[str, str]] = []
        self.may_speak = asyncio.Event()
        self.may_speak.set()
        self.error: Exception | None = None

    async def __call__(self, text: str, spoken: str) -> None:
        self.spoken.append((text, spoken))
        await self.may_speak.wait()
        if self.error is not None:
            raise self.error


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@in_virtual_time
async def test_the_first_sentence_is_spoken_while_the_rest_is_written() -> None:
    """The caller does not wait for the end of the answer."""
    reply, mouth = ScriptedReply(), Mouth()
    speaking = asyncio.create_task(speak_answer(reply.reply(REQUEST), mouth))
    reply.put("Hello. Ho")
    await turns()
    assert mouth.spoken == [("Hello. ", "Hello.")]
    reply.put("w are you?", FunctionAsked(function_call_id="a", name="time"), None)
    assert [asked.name for asked in await speaking] == ["time"]
    assert mouth.spoken[1:] == [("How are you?", "How are you?")]


@in_virtual_time
async def test_what_can_not_be_said_is_left_out() -> None:
    """A line of marks is no sentence; markup stays in the text, and out of the voice."""
    reply, mouth = ScriptedReply(), Mouth()
    reply.put("***\n\n**Bold** words.", None)
    assert await speak_answer(reply.reply(REQUEST), mouth) == ()
    assert [spoken for _, spoken in mouth.spoken] == ["Bold words."]


@in_virtual_time
async def test_a_reply_that_fails_ends_the_voice() -> None:
    """With the very error; what was said was said."""
    reply, mouth = ScriptedReply(), Mouth()
    mouth.may_speak.clear()
    reply.put("Hello. Ho", FAILED)
    with pytest.raises(ProviderError) as raised:
        await speak_answer(reply.reply(REQUEST), mouth)
    assert raised.value is FAILED


@in_virtual_time
@pytest.mark.parametrize("error", [FAILED, ValueError("a bug")])
async def test_a_voice_that_fails_ends_the_reply(error: Exception) -> None:
    """The model stops writing."""
    reply, mouth = ScriptedReply(), Mouth()
    mouth.error = error
    reply.put("Hello. Ho")
    with pytest.raises(type(error)) as raised:
        await speak_answer(reply.reply(REQUEST), mouth)
    assert raised.value is error
    assert reply.n_open == 0


@in_virtual_time
async def test_cancelling_ends_both() -> None:
    """The caller has interrupted."""
    reply, mouth = ScriptedReply(), Mouth()
    mouth.may_speak.clear()
    speaking = asyncio.create_task(speak_answer(reply.reply(REQUEST), mouth))
    reply.put("Hello. Ho")
    await turns()
    speaking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await speaking
    assert reply.n_open == 0
    assert [t for t in asyncio.all_tasks() if "local" in t.get_name()] == []


@in_virtual_time
async def test_a_model_that_is_far_ahead_waits() -> None:
    """Sentences that wait to be spoken are bounded."""
    n_written = 0

    async def endless() -> AsyncIterator[str | FunctionAsked]:
        nonlocal n_written
        while True:
            n_written += 1
            yield "And here is one more sentence. "
            await asyncio.sleep(0)

    mouth = Mouth()
    mouth.may_speak.clear()
    speaking = asyncio.create_task(speak_answer(endless(), mouth))
    await turns(500)
    assert n_written < 30
    speaking.cancel()
    await asyncio.wait({speaking})


async def test_an_answer_that_is_cut_off_while_it_fails_is_cut_off() -> None:
    """Nobody says sorry to a caller who has just interrupted."""
    may_fail = asyncio.Event()

    async def pieces() -> AsyncIterator[str | FunctionAsked]:
        await may_fail.wait()
        raise ProviderError("chat", "the server hung up", retryable=True)
        yield ""

    async def speak(text: str, spoken: str) -> None:
        raise AssertionError("there is nothing to say")

    answer = asyncio.create_task(speak_answer(pieces(), speak))
    for _ in range(5):
        await asyncio.sleep(0)
    may_fail.set()
    await asyncio.sleep(0)
    answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer
