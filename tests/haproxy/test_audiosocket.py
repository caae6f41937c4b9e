"""AudioSocket through ``config/haproxy/audiosocket.cfg``: spread, drain, crash and return."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from haproxy.proxied_engines import GUARD_S, Haproxy, proxy, two_engines
from support.audiosocket_peer import AUDIO, AudioSocketPeer


async def call(stack: AsyncExitStack, through: Haproxy) -> AudioSocketPeer:
    """Place a call, and wait until the agent talks."""
    peer = await stack.enter_async_context(await AudioSocketPeer.connect(through.address))
    await peer.send(AUDIO, bytes(320))
    async with asyncio.timeout(GUARD_S):
        await peer.read_audio(2)
    return peer


async def hears_on(*peers: AudioSocketPeer) -> None:
    """Wait until each has heard half a second more."""
    async with asyncio.timeout(GUARD_S):
        for peer in peers:
            await peer.read_audio(25)


async def test_two_engines(tmp_path: Path) -> None:
    """Calls spread evenly; one engine is drained, comes back, is killed, and comes back again.

    Draining drops no call. A crash ends the calls of the engine that it happens to, and those only;
    who calls next reaches the other one.
    """
    async with (
        AsyncExitStack() as stack,
        two_engines(tmp_path, "{audiosocket: {port: PORT}}") as (first, second),
        proxy(tmp_path, "audiosocket.cfg", (first, second)) as haproxy,
    ):
        peers = [await call(stack, haproxy) for _ in range(6)]
        assert await haproxy.servers() == {"engine1": ("UP", 3), "engine2": ("UP", 3)}
        ids = {str(line["call_id"]) for line in first.lines("call.started")}
        ours = [peer for peer in peers if str(peer.call_id) in ids]
        others = [peer for peer in peers if str(peer.call_id) not in ids]

        # Told to end, an engine is not ready any more: no new call, and its own go on.
        assert first.process is not None
        first.process.terminate()
        await haproxy.until(lambda now: now["engine1"][0] == "DOWN")
        others += [await call(stack, haproxy) for _ in range(2)]
        assert await haproxy.servers() == {"engine1": ("DOWN", 3), "engine2": ("UP", 5)}
        await hears_on(*ours, *others)
        for peer in ours:
            peer.hang_up()
        assert await first.wait() == 0
        reasons = {line["reason"] for line in first.lines("call.ended")}
        assert reasons <= {"caller_hangup", "transport_error"}  # our peers' own ends

        # Back, it has the fewest calls.
        await first.start()
        await haproxy.until(lambda now: now["engine1"][0] == "UP")
        ours = [await call(stack, haproxy) for _ in range(2)]
        assert await haproxy.servers() == {"engine1": ("UP", 2), "engine2": ("UP", 5)}

        # Killed, it takes its calls along. The next call finds the other engine at once, whether
        # or not a health check has failed by then: what is refused goes there.
        first.kill()
        async with asyncio.timeout(GUARD_S):
            for peer in ours:
                await peer.read_to_end()
        await first.wait()  # its calls' sockets close before the one that it listens on
        others.append(await call(stack, haproxy))
        await hears_on(*others)
        await haproxy.until(lambda now: now == {"engine1": ("DOWN", 0), "engine2": ("UP", 6)})

        await first.start()
        await haproxy.until(lambda now: now["engine1"][0] == "UP")
        await hears_on(await call(stack, haproxy), *others)
        assert await haproxy.servers() == {"engine1": ("UP", 1), "engine2": ("UP", 6)}


async def test_an_engine_is_drained_by_the_operator(tmp_path: Path) -> None:
    """At HAProxy's own socket, before the engine is told anything: nothing can come in between."""
    async with (
        AsyncExitStack() as stack,
        two_engines(tmp_path, "{audiosocket: {port: PORT}}") as engines,
        proxy(tmp_path, "audiosocket.cfg", engines) as haproxy,
    ):
        peers = [await call(stack, haproxy) for _ in range(2)]
        await haproxy.ask("set server engines/engine1 state drain")
        await haproxy.until(lambda now: now["engine1"][0] == "DRAIN")
        peers += [await call(stack, haproxy) for _ in range(3)]
        assert await haproxy.servers() == {"engine1": ("DRAIN", 1), "engine2": ("UP", 4)}
        await hears_on(*peers)
        await haproxy.ask("set server engines/engine1 state ready")
        await haproxy.until(lambda now: now["engine1"][0] == "UP")
        await call(stack, haproxy)
        assert await haproxy.servers() == {"engine1": ("UP", 2), "engine2": ("UP", 4)}
