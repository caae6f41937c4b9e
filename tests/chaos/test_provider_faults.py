"""Providers that misbehave: their own call ends, with words for the caller; no other notices."""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from chaos.chaos_rig import ChaosRig, running_rig

pytestmark = pytest.mark.timeout(600)

_Behaviour = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def _provider(rig: ChaosRig, behave: _Behaviour) -> AsyncIterator[None]:
    tasks: set[asyncio.Task[None]] = set()

    async def handle(socket: ServerConnection) -> None:
        task = asyncio.create_task(_behave(socket))
        tasks.add(task)
        await asyncio.wait({task})

    async def _behave(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await behave(socket)

    async with serve(
        handle, "127.0.0.1", rig.faulty_port, ping_interval=None, close_timeout=0.1, max_queue=None
    ):
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _begin(socket: ServerConnection) -> None:
    """Be a good server until the greeting is asked for."""
    session = {"type": "realtime", "id": "sess_1", "object": "realtime.session"}
    await _say(socket, "session.created", session=session)
    while True:
        event = json.loads(await socket.recv())
        if event["type"] == "session.update":
            await _say(socket, "session.updated", session={**session, **event["session"]})
        if event["type"] == "response.create":
            return


async def _say(socket: ServerConnection, event_type: str, **fields: object) -> None:
    await socket.send(json.dumps({"type": event_type, "event_id": "event_1", **fields}))


async def _speak(socket: ServerConnection, n_deltas: int, *, ms: int = 200) -> None:
    """Begin an answer, and send so much of it as fast as it is taken."""
    response = {
        "id": "resp_1",
        "object": "realtime.response",
        "status": "in_progress",
        "output": [],
    }
    await _say(socket, "response.created", response=response)
    audio = base64.b64encode(bytes(range(1, 201)) * (ms * 8 // 200)).decode()
    for _ in range(n_deltas):
        await _say(
            socket,
            "response.output_audio.delta",
            response_id="resp_1",
            item_id="item_1",
            output_index=0,
            content_index=0,
            delta=audio,
        )


async def _silent(socket: ServerConnection) -> None:
    """Take the connection and never say a word."""
    await asyncio.sleep(3600)


async def _half_open(socket: ServerConnection) -> None:
    """Begin well, then neither read nor answer pings."""
    await _begin(socket)
    await _speak(socket, 5)
    socket.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(3600)


async def _closing(socket: ServerConnection) -> None:
    """Break the connection in the middle of an answer, each time."""
    await _begin(socket)
    await _speak(socket, 5)
    socket.transport.abort()


async def _garbage(socket: ServerConnection) -> None:
    """Send what is no event, without end."""
    await _begin(socket)
    chance = random.Random(1)  # noqa: S311
    while True:
        size = chance.randrange(1, 2000)
        await socket.send(chance.choice([chance.randbytes(size), "{" * size, '"\\ud800"', "[]"]))


async def _endless(socket: ServerConnection) -> None:
    """Send an answer without end, as fast as it is taken."""
    await _begin(socket)
    await _speak(socket, 10**9)


async def test_a_provider_that_can_t_be_reached_ends_its_call_with_words(tmp_path: Path) -> None:
    async with running_rig(tmp_path) as rig, rig.watched() as seen:
        async with rig.calling() as call:
            await asyncio.wait_for(call.is_over.wait(), 60)
        assert call.n_sounds > 50
        assert (await rig.logged("call.announced"))["announcement"] == "unreachable"
        ended = await rig.logged("call.ended", provider="faulty")
        assert ended["reason"] == "provider_unreachable"
    seen.assert_unharmed()


async def test_a_provider_that_never_says_a_word_is_given_up(tmp_path: Path) -> None:
    """Its connection stands, no session comes: as unreachable as one that is not there."""
    async with running_rig(tmp_path) as rig, _provider(rig, _silent), rig.watched() as seen:
        async with rig.calling() as call:
            await asyncio.wait_for(call.is_over.wait(), 60)
        assert call.n_sounds > 50
        assert (await rig.logged("provider.lost"))["code"] == "connect_timeout"
        ended = await rig.logged("call.ended", provider="faulty")
        assert ended["reason"] == "provider_unreachable"
    seen.assert_unharmed()


@pytest.mark.parametrize(
    ("behave", "within_s"),
    [(_half_open, 60.0), (_closing, 10.0)],
    ids=["half-open", "closing in mid-turn"],
)
async def test_a_provider_that_is_lost_and_there_again_costs_no_call(
    behave: _Behaviour, within_s: float, tmp_path: Path
) -> None:
    """The loss is found, the caller waits, the next session answers."""
    async with (
        running_rig(tmp_path) as rig,
        _provider(rig, behave),
        rig.watched() as seen,
        rig.calling() as call,
    ):
        await rig.logged("provider.disconnected", provider="faulty", timeout_s=within_s)
        await rig.logged("provider.reconnected", provider="faulty", timeout_s=5.0)
        await asyncio.sleep(2.0)
        assert not call.is_over.is_set()
    seen.assert_unharmed()


async def test_garbage_from_a_provider_is_counted_and_costs_no_call(tmp_path: Path) -> None:
    """What is no event is left out."""
    async with running_rig(tmp_path) as rig, _provider(rig, _garbage), rig.watched() as seen:
        async with rig.calling() as call:
            await asyncio.sleep(10.0)
            assert not call.is_over.is_set()
        ended = await rig.logged("provider.ended", provider="faulty")
        assert ended["events_malformed"] > 0
    seen.assert_unharmed()


async def test_audio_without_end_is_bounded(tmp_path: Path) -> None:
    """The caller hears it at 1x; what is too much is dropped, and counted at the end."""
    async with running_rig(tmp_path) as rig, _provider(rig, _endless), rig.watched() as seen:
        async with rig.calling() as call:
            await asyncio.sleep(25.0)
            assert call.n_sounds > 1000
            assert not call.is_over.is_set()
        ended = await rig.logged("call.ended", provider="faulty")
        assert ended["reason"] == "caller_hangup"
        assert ended["playout_dropped_ms"] > 0
    seen.assert_unharmed()
