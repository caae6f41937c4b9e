"""Tests of parts that several local agents share, and of those that come later."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from voxgate.config.local_models import ChatReplyConfig, LocalConfig, PiperVoiceConfig
from voxgate.errors import ProviderError
from voxgate.local_agent.agent_parts import AgentParts
from voxgate.local_agent.part_pool import PartPool, PooledPart

AWAY = ProviderError("chat", "the server can't be reached", retryable=True)


class Part:
    """A part that starts when it is let, or fails while it is to."""

    def __init__(self) -> None:
        self.starts = 0
        self.stops = 0
        self.error: ProviderError | None = None
        self.begun = asyncio.Event()
        self.may_start = asyncio.Event()
        self.may_start.set()

    async def start(self) -> None:
        self.starts += 1
        self.begun.set()
        await self.may_start.wait()
        if self.error is not None:
            raise self.error

    async def stop(self) -> None:
        self.stops += 1


def agent_parts() -> tuple[AgentParts, dict[str, Part]]:
    made = {name: Part() for name in ("recogniser", "reply", "voice")}
    parts: dict[str, Any] = dict(made)
    return AgentParts(**parts), made


async def test_equal_parts_are_one() -> None:
    """The later agent gets the earlier one's voice; its own is let go, never started."""
    pool = PartPool()
    first, made = agent_parts()
    second, spare = agent_parts()
    other = LocalConfig(reply=ChatReplyConfig(), greeting="Hello.")
    await pool.add("one", LocalConfig(), first, None)
    shared = await pool.add("two", other, second, "key")
    assert (shared.recogniser, shared.voice) == (first.recogniser, first.voice)
    assert shared.reply is second.reply
    assert await pool.start(["one", "two"]) == {}
    assert [part.starts for part in made.values()] == [1, 1, 1]
    assert [part.starts for part in spare.values()] == [0, 1, 0]
    await pool.stop()
    await pool.stop()
    assert [part.stops for part in (*made.values(), *spare.values())] == [1] * 6


async def test_parts_are_told_of_by_name_and_section() -> None:
    """One that two agents share is the same object under both names; a stopped pool has none."""
    pool = PartPool()
    first, _ = agent_parts()
    second, _ = agent_parts()
    await pool.add("one", LocalConfig(), first, None)
    await pool.add("two", LocalConfig(reply=ChatReplyConfig()), second, None)
    assert pool.parts["one", "voice"] is pool.parts["two", "voice"] is first.voice
    assert pool.parts["two", "reply"] is second.reply
    assert len(pool.parts) == 6
    await pool.stop()
    assert pool.parts == {}


async def test_parts_that_differ_in_anything_are_two() -> None:
    """A faster voice is another voice, and another key another customer's."""
    pool = PartPool()
    chat = LocalConfig(reply=ChatReplyConfig())
    fast = LocalConfig(reply=ChatReplyConfig(), voice=PiperVoiceConfig(speed=1.5))
    one = await pool.add("one", chat, agent_parts()[0], "a")
    two = await pool.add("two", fast, agent_parts()[0], "b")
    assert two.recogniser is one.recogniser
    assert two.voice is not one.voice
    assert two.reply is not one.reply


async def test_all_start_at_once_and_one_that_is_away_keeps_no_other_out() -> None:
    """What can't be had is told by provider and part."""
    pool = PartPool()
    parts, made = agent_parts()
    made["reply"].error = AWAY
    for part in made.values():
        part.may_start.clear()
    await pool.add("agent", LocalConfig(), parts, None)
    starting = asyncio.create_task(pool.start(["agent"]))
    for part in made.values():
        await part.begun.wait()
    for part in made.values():
        part.may_start.set()
    assert await starting == {("agent", "reply"): AWAY}
    assert pool.has_started("agent", "voice")
    assert not pool.has_started("agent", "reply")


async def test_a_call_tries_what_was_away_and_only_that() -> None:
    """It gets the error while the server is away, and the agent once it is there."""
    pool = PartPool()
    parts, made = agent_parts()
    made["reply"].error = AWAY
    parts = await pool.add("agent", LocalConfig(), parts, None)
    await pool.start(["agent"])
    with pytest.raises(ProviderError, match="can't be reached"):
        await parts.ready()
    made["reply"].error = None
    await parts.ready()
    await parts.ready()
    assert [part.starts for part in made.values()] == [1, 3, 1]


async def test_an_attempt_is_everybodys_and_outlives_who_asked() -> None:
    """A hundred calls do not knock a hundred times, and one that gives up takes it from nobody."""
    part = Part()
    part.may_start.clear()
    pooled = PooledPart(part)  # type: ignore[arg-type]
    waiting = [asyncio.create_task(pooled.ready()) for _ in range(3)]
    await part.begun.wait()
    waiting[0].cancel()
    await asyncio.wait(waiting[:1])
    part.may_start.set()
    await asyncio.gather(*waiting[1:])
    assert (part.starts, pooled.is_started) == (1, True)


async def test_an_attempt_ends_with_the_part() -> None:
    """Nobody waits for a server while the engine stops."""
    pool = PartPool()
    parts, made = agent_parts()
    made["voice"].may_start.clear()
    await pool.add("agent", LocalConfig(), parts, None)
    pool.try_again("agent")
    await made["voice"].begun.wait()
    pool.try_again("agent")
    await pool.stop()
    assert [part.stops for part in made.values()] == [1, 1, 1]
    assert made["voice"].starts == 1


async def test_parts_of_nobody_else_are_ready_as_they_are() -> None:
    """Whoever made them started them."""
    parts, made = agent_parts()
    await parts.ready()
    assert [part.starts for part in made.values()] == [0, 0, 0]
