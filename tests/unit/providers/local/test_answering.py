"""Answers that call functions, count tokens, and go round in circles."""

from __future__ import annotations

import asyncio
import json

from support.local_bench import LocalBench, texts_of
from support.virtual_time import in_virtual_time
from voxgate.config.local_models import ChatReplyConfig
from voxgate.errors import ProviderError
from voxgate.local_agent.chat_reply import PEER as CHAT
from voxgate.local_agent.reply import FunctionAnswered, FunctionAsked, ReplyUsage
from voxgate.providers.base import (
    FunctionCalled,
    FunctionReturned,
    ProviderWarning,
    ResponseDone,
    TokenUsage,
    UsageReported,
)
from voxgate.providers.tools import Tool, ToolCall, ToolRegistry, ToolSpec

ASKED = FunctionAsked(function_call_id="a", name="hours", arguments='{"day":"sunday"}')


async def hours(call: ToolCall) -> object:
    return {"day": call.arguments["day"], "open": True}


def registry(*, ends_turn: bool = False) -> ToolRegistry:
    spec = ToolSpec(name="hours", description="Tells.", parameters={"type": "object"})
    return ToolRegistry([Tool(spec=spec, function=hours, ends_turn=ends_turn)])


@in_virtual_time
async def test_a_function_runs_and_its_result_is_answered() -> None:
    """The model was told of it, and gets what it returned."""
    bench = LocalBench("open on sunday", tools=registry())
    await bench.start()
    await bench.say()
    bench.reply.put("One moment.", ASKED, None)
    await bench.settle()
    bench.reply.put("We are open.", None)
    await bench.settle()

    first, second = bench.reply.requests
    assert [function.name for function in first.functions] == ["hours"]
    result = json.dumps({"day": "sunday", "open": True}, separators=(",", ":"))
    assert second.history[-2:] == (ASKED, FunctionAnswered(function_call_id="a", result=result))
    assert bench.of(FunctionCalled) == [FunctionCalled(function_call_id="a", name="hours")]
    assert bench.of(FunctionReturned) == [FunctionReturned(function_call_id="a", name="hours")]
    assert bench.voice.texts == ["One moment.", "We are open."]
    assert [done.status for done in bench.of(ResponseDone)] == ["completed"] * 2
    await bench.stop()


@in_virtual_time
async def test_a_last_word_is_not_asked_to_go_on() -> None:
    """The agent said goodbye and hung up; without a word it is asked for one."""
    bench = LocalBench("bye", "bye", tools=registry(ends_turn=True))
    await bench.start()
    await bench.say()
    bench.reply.put("Goodbye.", ASKED, None)
    await bench.settle()
    assert len(bench.reply.requests) == 1
    await bench.say()
    bench.reply.put(ASKED, None)
    await bench.settle()
    assert len(bench.reply.requests) == 3
    await bench.stop()


@in_virtual_time
async def test_a_function_that_runs_when_the_caller_interrupts_is_finished() -> None:
    """What it did is done, and the model is to know of it."""
    may_return = asyncio.Event()

    async def slow(call: ToolCall) -> object:
        await may_return.wait()
        return "booked"

    tools = ToolRegistry()
    tools.register("hours", slow, description="Books.")
    bench = LocalBench("book it", "thanks", tools=tools)
    await bench.start()
    await bench.say()
    bench.reply.put(ASKED, None)
    await bench.settle()
    await bench.begin_turn()
    await bench.provider.interrupt({})
    may_return.set()
    await bench.settle()
    await bench.end_turn()

    history = bench.reply.requests[-1].history
    assert FunctionAnswered(function_call_id="a", result='"booked"') in history
    assert texts_of(history) == ["caller: book it", "caller: thanks"]
    await bench.stop()


@in_virtual_time
async def test_a_function_that_runs_when_the_call_ends_is_given_up() -> None:
    """Nothing of a call outlives it."""
    tools = ToolRegistry()
    tools.register("hours", lambda _: asyncio.sleep(5.0), description="Sleeps.")
    bench = LocalBench("book it", tools=tools)
    await bench.start()
    await bench.say()
    bench.reply.put(ASKED, None)
    await bench.settle()
    await bench.stop()


@in_virtual_time
async def test_a_model_that_calls_functions_without_end_is_stopped() -> None:
    """After eight answers."""
    bench = LocalBench("loop", tools=registry())
    await bench.start()
    for _ in range(12):
        bench.reply.put(ASKED, None)
    await bench.say()
    for _ in range(5):
        await bench.settle()
    assert len(bench.reply.requests) == 8
    await bench.stop()


@in_virtual_time
async def test_what_an_answer_took_is_reported() -> None:
    """Where the server counts."""
    bench = LocalBench("hello")
    bench.reply.usage = ReplyUsage(input_tokens=9, cached_input_tokens=4, output_tokens=2)
    await bench.start()
    await bench.say()
    bench.reply.put("Hi.", None)
    await bench.settle()
    usage = TokenUsage(input_tokens=9, cached_input_tokens=4, output_tokens=2)
    assert bench.of(UsageReported) == [UsageReported(usage)]
    await bench.stop()


@in_virtual_time
async def test_a_server_that_fails_is_named_with_its_address() -> None:
    """An operator may have several; the rest of the error is as it was."""
    config = ChatReplyConfig(url="http://127.0.0.1:11434/v1", model="m")
    bench = LocalBench("hello", reply=config)
    await bench.start()
    await bench.say()
    bench.reply.put(ProviderError(CHAT, "gone", code="connection_failed", retryable=True))
    await bench.settle()
    (warning,) = bench.of(ProviderWarning)
    assert str(warning.error) == "chat at 127.0.0.1:11434: gone [connection_failed]"
    assert warning.error.retryable
    await bench.stop()
