"""Peers that break the protocol, lie, or go away: each ends its own call, and no other notices."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from support.audiosocket_peer import AUDIO, CALL_ID, DTMF, ERROR, AudioSocketPeer, wire_frame
from support.realtime_peer import RealtimePeer
from support.signals import speech_like
from support.telephone import Telephone, mulaw_frames, until
from support.virtual_time import in_socket_time, virtual_ms
from support.voice_service import VoiceService, realtime_config
from voxgate.call_observer import CallEnded, CallObserver
from voxgate.realtime_server import RealtimeServer, agent_voices

_ID = bytes(range(16))
_IDENTIFIED = wire_frame(CALL_ID, _ID)
_NOISE = np.random.default_rng(7).integers(0, 256, 4000, np.uint8).tobytes()

_NEVER_A_CALL = {
    "nothing at all": b"",
    "a browser": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "audio before the UUID": wire_frame(AUDIO, bytes(320)),
    "a UUID that is too short": wire_frame(CALL_ID, bytes(8)),
    "a UUID that is too long": wire_frame(CALL_ID, bytes(17)),
    "half a header": _IDENTIFIED[:2],
    "noise": _NOISE,
}
_BROKEN_CALLS = {
    "a second UUID": _IDENTIFIED,
    "a key of two digits": wire_frame(DTMF, b"12"),
    "half a header": wire_frame(AUDIO, bytes(320))[:2],
    "half a frame": wire_frame(AUDIO, bytes(320))[:100],
}
_ODD_CALLS = {
    "a frame of an odd length": wire_frame(AUDIO, bytes(321)),
    "an empty frame": wire_frame(AUDIO),
    "one sample": wire_frame(AUDIO, bytes(2)),
    "4 s in one frame": wire_frame(AUDIO, bytes(65_534)),
    "an unknown kind": wire_frame(0x42, b"what?"),
    "a long frame of an unknown kind": wire_frame(0x42, bytes(65_535)),
    "an error of its own": wire_frame(ERROR, b"\x01"),
    "a key that no telephone has": wire_frame(DTMF, b"\xff"),
    "another rate": wire_frame(0x12, bytes(640)) + wire_frame(0x16, bytes(1920)),
    "a thousand keys": wire_frame(DTMF, b"5") * 1000,
    "a thousand frames at once": wire_frame(AUDIO, bytes(320)) * 1000,
}


class Ends(CallObserver):
    """Keeps how calls ended."""

    def __init__(self) -> None:
        self.ended: list[CallEnded] = []

    def on_call_ended(self, event: CallEnded) -> None:
        self.ended.append(event)


@asynccontextmanager
async def a_good_call() -> AsyncIterator[tuple[VoiceService, Ends]]:
    """Run an engine with a call that must not notice what happens in the block."""
    ends = Ends()
    async with RealtimeServer(clock=virtual_ms) as server:
        provider = realtime_config(server.url, greeting=agent_voices()["still_there"].text)
        async with (
            VoiceService.running(provider, observers=[ends]) as service,
            Telephone.calling(service.address) as phone,
        ):
            await service.taken(phone)
            yield service, ends
            sentence = mulaw_frames("still_there")
            await until(lambda: phone.heard_of(sentence) == len(sentence))
            await until(lambda: service.engine.running_calls == 1)
            assert len(service.engine.manager) == 1
            ended = await service.ended_after_hangup(phone)
            assert (ended.reason, ended.skipped_slots) == ("caller_hangup", 0)
            assert ended.playout_underruns == 0


@pytest.mark.parametrize("data", _NEVER_A_CALL.values(), ids=_NEVER_A_CALL)
@in_socket_time
async def test_a_connection_that_is_no_call_is_closed(data: bytes) -> None:
    """It is told so, never becomes a call, and needs no goodbye of its own."""
    async with a_good_call() as (service, ends):
        async with await AudioSocketPeer.connect(service.address, is_identified=False) as peer:
            await peer.send_bytes(data)
            await peer.read_to_end()
        assert ends.ended == []


@pytest.mark.parametrize("data", _BROKEN_CALLS.values(), ids=_BROKEN_CALLS)
@in_socket_time
async def test_a_call_whose_peer_breaks_the_protocol_ends(data: bytes) -> None:
    """With that reason, and what was wrong as the detail."""
    async with a_good_call() as (service, ends):
        async with await AudioSocketPeer.connect(service.address) as peer:
            await peer.read_audio(5)
            await peer.send_bytes(data)
            peer.finish_sending()
            await peer.read_to_end()
        await until(lambda: ends.ended)
        (ended,) = ends.ended
        assert ended.reason == "protocol_error"
        assert "offset" in ended.detail


@pytest.mark.parametrize("data", _ODD_CALLS.values(), ids=_ODD_CALLS)
@in_socket_time
async def test_a_call_survives_what_is_only_odd(data: bytes) -> None:
    """What has no meaning or a length of its own is left out or counted; the call goes on."""
    async with a_good_call() as (service, ends):
        async with await AudioSocketPeer.connect(service.address) as peer:
            await peer.send_bytes(data)
            await peer.send(AUDIO, bytes(320))
            assert len(await peer.read_audio(25)) == 25
            assert ends.ended == []
        await until(lambda: ends.ended)
        assert ends.ended[0].reason in {"caller_hangup", "transport_error"}


@in_socket_time
async def test_a_peer_that_vanishes_ends_its_call() -> None:
    """A reset is no hangup, and no exception of ours."""
    async with a_good_call() as (service, ends):
        peer = await AudioSocketPeer.connect(service.address)
        await peer.send(AUDIO, bytes(320))
        await peer.read_audio(5)
        peer.reset()
        await until(lambda: ends.ended)
        assert ends.ended[0].reason == "transport_error"


@in_socket_time
async def test_a_peer_that_does_not_read_ends_its_call() -> None:
    """What waits for it is bounded; after some seconds it is given up."""
    async with a_good_call() as (service, ends):
        async with await AudioSocketPeer.connect(
            service.address, receive_buffer_bytes=4096
        ) as peer:
            await peer.send(AUDIO, bytes(320))
            await until(lambda: ends.ended, timeout_s=120)
        assert ends.ended[0].reason == "transport_error"


@in_socket_time
async def test_many_broken_peers_at_once_disturb_nobody() -> None:
    """Fifty calls of noise, ended every which way."""
    async with a_good_call() as (service, ends):
        peers = [await AudioSocketPeer.connect(service.address) for _ in range(50)]
        for number, peer in enumerate(peers):
            with contextlib.suppress(ConnectionError):
                await peer.send_bytes(_NOISE[number:])
        await asyncio.sleep(0.5)
        for number, peer in enumerate(peers):
            (peer.reset if number % 2 else peer.hang_up)()
        await until(lambda: len(ends.ended) == len(peers))


@pytest.mark.parametrize("kind", range(0x10, 0x19))
@in_socket_time
async def test_calls_of_every_rate_are_served(kind: int) -> None:
    """From 8 to 192 kHz, what the caller says reaches the provider."""
    rate_hz = (8000, 12000, 16000, 24000, 32000, 44100, 48000, 96000, 192000)[kind - 0x10]
    said = speech_like(1000, rate_hz=rate_hz).astype("<i2")
    n_samples = rate_hz // 50
    async with (
        RealtimePeer() as provider,
        VoiceService.running(realtime_config(provider.url)) as service,
    ):
        async with await AudioSocketPeer.connect(service.address) as peer:
            session = await provider.accept_configured()
            for at in range(0, len(said), n_samples):
                await peer.send(kind, said[at : at + n_samples].tobytes())
                await asyncio.sleep(0.02)
            is_narrow = kind == AUDIO
            await session.receive_audio(8 * 900 if is_narrow else 2 * 24 * 900)
            sent = np.frombuffer(bytes(session.audio), np.uint8 if is_narrow else "<i2")
            assert np.count_nonzero(sent != (0xFF if is_narrow else 0)) > len(sent) // 2
        await until(lambda: service.engine.running_calls == 0)
