"""However one side closes, the others are closed too."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from voxgate.call.closing import CallOver, close_sides, first_word


async def test_sides_are_closed_in_order() -> None:
    """One after the other."""
    closed: list[str] = []

    async def close(name: str) -> None:
        await asyncio.sleep(0)
        closed.append(name)

    names = ["line", "transfer", "provider"]
    await close_sides("call", *((name, lambda name=name: close(name)) for name in names))
    assert closed == names


async def test_one_that_fails_is_logged_and_the_next_is_closed() -> None:
    """Whatever it raises."""
    closed: list[str] = []

    async def fail() -> None:
        raise OSError("gone")

    async def close() -> None:
        closed.append("provider")

    with capture_logs() as logged:
        await close_sides("call", ("line", fail), ("provider", close))
    assert closed == ["provider"]
    told = [(entry["event"], entry["call_id"], entry["side"]) for entry in logged]
    assert told == [("call.close_failed", "call", "line")]


async def test_cancelled_in_the_middle_the_others_are_closed_all_the_same() -> None:
    """And the cancellation goes on."""
    closed: list[str] = []
    waiting = asyncio.Event()

    async def wait() -> None:
        waiting.set()
        await asyncio.Event().wait()

    async def close() -> None:
        closed.append("provider")

    closing = asyncio.create_task(close_sides("call", ("line", wait), ("provider", close)))
    await waiting.wait()
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert closed == ["provider"]


def test_the_first_word_counts() -> None:
    """Of several tasks that ended a call at once."""
    words = [CallOver("caller_hangup"), CallOver("provider_lost", "it said why")]
    assert first_word(ExceptionGroup("", words)) is words[0]
    assert (words[1].reason, words[1].detail) == ("provider_lost", "it said why")
