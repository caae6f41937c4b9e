"""Lines that misbehave: what it costs is theirs, and counted; no other call notices."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from chaos.chaos_rig import running_rig
from support.audiosocket_peer import AUDIO, AudioSocketPeer, wire_frame

pytestmark = pytest.mark.timeout(600)


async def test_a_line_that_stalls_keeps_its_call_and_hears_on(tmp_path: Path) -> None:
    """Nothing is delivered for 8 s, then all at once: the call goes on."""
    async with running_rig(tmp_path) as rig, rig.watched() as seen:
        peer = await AudioSocketPeer.connect(rig.engine.address, call_id=(call_id := uuid4()))
        await peer.send_paced([bytes(320)] * 100)
        await asyncio.sleep(8.0)
        await peer.send_bytes(wire_frame(AUDIO, bytes(320)) * 400)
        await peer.send_paced([bytes(320)] * 50)
        peer.finish_sending()
        ended = await rig.logged("call.ended", call_id=str(call_id))
        peer.hang_up()
        assert ended["reason"] == "caller_hangup"
        assert ended["idle_fill_frames"] > 0
    seen.assert_unharmed()


async def test_a_line_that_does_not_read_is_given_up(tmp_path: Path) -> None:
    """The agent speaks, and nobody takes it: the frames are dropped, then the call is."""
    async with running_rig(tmp_path) as rig, rig.watched() as seen:
        peer = await AudioSocketPeer.connect(
            rig.engine.address, call_id=(call_id := uuid4()), receive_buffer_bytes=2048
        )
        sending = asyncio.create_task(peer.send_paced([bytes(320)] * 10_000))
        ended = await rig.logged("call.ended", call_id=str(call_id), timeout_s=400.0)
        sending.cancel()
        await asyncio.wait({sending})
        peer.hang_up()
        assert ended["reason"] == "transport_error"
        assert ended["line_dropped_sent_frames"] >= 250
    seen.assert_unharmed()


async def test_a_line_that_floods_costs_itself_alone(tmp_path: Path) -> None:
    """Fifty times as much as a line can say, for ten seconds."""
    async with running_rig(tmp_path) as rig, rig.watched() as seen:
        peer = await AudioSocketPeer.connect(rig.engine.address, call_id=(call_id := uuid4()))
        burst = wire_frame(AUDIO, bytes(range(256)) + bytes(64)) * 50
        end_s = asyncio.get_running_loop().time() + 10.0
        try:
            while asyncio.get_running_loop().time() < end_s:
                await peer.send_bytes(burst)
                await asyncio.sleep(0.02)
        except ConnectionError:
            pass
        peer.hang_up()
        await rig.logged("call.ended", call_id=str(call_id))
    seen.assert_unharmed()


async def test_lines_that_are_reset_leave_nothing(tmp_path: Path) -> None:
    """A hundred calls that begin and break."""
    async with running_rig(tmp_path) as rig, rig.watched() as seen:
        for _ in range(100):
            peer = await AudioSocketPeer.connect(rig.engine.address)
            await peer.send(AUDIO, bytes(320))
            await asyncio.sleep(0.05)
            peer.reset()
        await asyncio.sleep(3.0)
        page = await rig.metrics()
        assert rig.metric("voxgate_calls_running", page) == rig.n_calls
    seen.assert_unharmed()
