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
from support.telephone import until

pytestmark = pytest.mark.timeout(600)

_Behaviour = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def _provider(
    rig: ChaosRig, behave: _Behaviour, *, answers_after_s: float = 0.0, max_queue: int | None = None
) -> AsyncIterator[None]:
    """Put a provider where calls to the faulty one go.

    Args:
        rig: With those calls.
        behave: What it does with a session.
        answers_after_s: Time that it takes to say that it speaks WebSocket.
        max_queue: Messages that it has read and not taken, beyond which it reads no more.
    """
    tasks: set[asyncio.Task[None]] = set()

    async def handle(socket: ServerConnection) -> None:
        task = asyncio.create_task(_behave(socket))
        tasks.add(task)
        await asyncio.wait({task})

    async def _behave(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await behave(socket)

    async def think(socket: ServerConnection, request: object) -> None:
        del socket, request
        await asyncio.sleep(answers_after_s)

    async with serve(
        handle,
        "127.0.0.1",
        rig.faulty_port,
        process_request=think,
        ping_interval=None,
        close_timeout=0.1,
        max_queue=max_queue,
    ):
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _begin(socket: ServerConnection, *, after_s: float = 0.0) -> None:
    """Be a good server until the greeting is asked for; say everything after a while."""
    session = {"type": "realtime", "id": "sess_1", "object": "realtime.session"}
    await asyncio.sleep(after_s)
    await _say(socket, "session.created", session=session)
    while True:
        event = json.loads(await socket.recv())
        if event["type"] == "session.update":
            await asyncio.sleep(after_s)
            await _say(socket, "session.updated", session={**session, **event["session"]})
        if event["type"] == "response.create":
            return


async def _say(socket: ServerConnection, event_type: str, **fields: object) -> None:
    await socket.send(json.dumps({"type": event_type, "event_id": "event_1", **fields}))


async def _speak(
    socket: ServerConnection, n_deltas: int, *, ms: int = 200, pause_s: float = 0.0
) -> None:
    """Begin an answer, and send so much of it as fast as it is taken, or with pauses."""
    response = {
        "id": "resp_1",
        "object": "realtime.response",
        "status": "in_progress",
        "output": [],
    }
    await _say(socket, "response.created", response=response)
    audio = base64.b64encode(bytes(range(1, 201)) * (ms * 8 // 200)).decode()
    for _ in range(n_deltas):
        if pause_s:
            await asyncio.sleep(pause_s)
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


async def _prompt(socket: ServerConnection) -> None:
    """Begin at once, and speak."""
    await _begin(socket)
    await _speak(socket, 5)
    await asyncio.sleep(3600)


async def _hesitant(socket: ServerConnection) -> None:
    """Take time for each step of the beginning, less than a call waits, and speak."""
    await _begin(socket, after_s=0.6)
    await _speak(socket, 5)
    await asyncio.sleep(3600)


async def _stammering(socket: ServerConnection) -> None:
    """Speak in pieces of 200 ms, each after twice as long."""
    await _begin(socket)
    await _speak(socket, 20, pause_s=0.4)
    await asyncio.sleep(3600)


async def _behind(socket: ServerConnection) -> None:
    """Read a tenth of what the caller says."""
    await _begin(socket)
    await _speak(socket, 5)
    while True:
        await socket.recv()
        await asyncio.sleep(0.2)


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


@pytest.mark.parametrize("answers_after_s", [0.0, 3600.0], ids=["no session", "no WebSocket"])
async def test_a_provider_that_never_says_a_word_is_given_up(
    answers_after_s: float, tmp_path: Path
) -> None:
    """Its connection stands, no session comes: as unreachable as one that is not there."""
    async with (
        running_rig(tmp_path) as rig,
        _provider(rig, _silent, answers_after_s=answers_after_s),
        rig.watched() as seen,
    ):
        async with rig.calling() as call:
            await asyncio.wait_for(call.is_over.wait(), 60)
        assert call.n_sounds > 50
        assert (await rig.logged("provider.lost"))["code"] == "connect_timeout"
        ended = await rig.logged("call.ended", provider="faulty")
        assert ended["reason"] == "provider_unreachable"
    seen.assert_unharmed()


@pytest.mark.parametrize(
    ("behave", "answers_after_s"),
    [(_prompt, 1.2), (_hesitant, 0.0)],
    ids=["slow to connect", "slow to begin"],
)
async def test_a_provider_that_is_slow_to_begin_is_waited_for(
    behave: _Behaviour, answers_after_s: float, tmp_path: Path
) -> None:
    """The caller hears silence, then the whole greeting; nothing is lost and nobody is warned."""
    async with (
        running_rig(tmp_path) as rig,
        _provider(rig, behave, answers_after_s=answers_after_s),
        rig.watched() as seen,
    ):
        async with rig.calling() as call:
            await asyncio.sleep(0.8)
            assert call.n_sounds == 0
            await until(lambda: call.n_sounds >= 45)
        ended = await rig.logged("provider.ended", provider="faulty")
        assert ended["frames_dropped"] == 0
        assert not rig.log("provider.disconnected", provider="faulty")
        assert (await rig.logged("call.ended", provider="faulty"))["reason"] == "caller_hangup"
    seen.assert_unharmed()


async def test_an_answer_in_slow_pieces_is_heard_with_gaps(tmp_path: Path) -> None:
    """All of it, and each time that it was not there in time is counted."""
    async with running_rig(tmp_path) as rig, _provider(rig, _stammering), rig.watched() as seen:
        async with rig.calling() as call:
            await until(lambda: call.n_sounds >= 180)
        ended = await rig.logged("call.ended", provider="faulty")
        assert ended["reason"] == "caller_hangup"
        assert ended["playout_underruns"] >= 10
    seen.assert_unharmed()


@pytest.mark.parametrize(
    ("behave", "max_queue", "within_s"),
    [(_half_open, None, 60.0), (_behind, 4, 60.0), (_closing, None, 10.0)],
    ids=["half-open", "slow to read", "closing in mid-turn"],
)
async def test_a_provider_that_is_lost_and_there_again_costs_no_call(
    behave: _Behaviour, max_queue: int | None, within_s: float, tmp_path: Path
) -> None:
    """The loss is found, the caller waits, the next session answers."""
    async with (
        running_rig(tmp_path) as rig,
        _provider(rig, behave, max_queue=max_queue),
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
