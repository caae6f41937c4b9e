"""Calls through the proxy, with the agent's echo on the line and a caller who interrupts.

Real sockets, the ``openai`` SDK on one side and the embedded server on the other; time is the
client's, 20 ms at a time, so that nothing depends on how fast this machine is.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from support.openai_events import validated
from support.served_process import GUARD_S
from voxgate.config.realtime_proxy_model import RealtimeProxyConfig
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import decode, encode
from voxgate.integrations.realtime_proxy import RealtimeProxy
from voxgate.lab.echo_path import EchoPath
from voxgate.realtime_server import RealtimeServer, SessionOptions, VoiceLibrary

MULAW = AudioFormat(Encoding.MULAW)
SILENCE = b"\xff" * 160
CALLER = VoiceLibrary.load(files("voxgate.lab") / "voices")
SESSION: Any = {
    "type": "realtime",
    "audio": {
        "input": {"format": {"type": "audio/pcmu"}, "turn_detection": {"type": "server_vad"}},
        "output": {"format": {"type": "audio/pcmu"}},
    },
}


class Clock:
    """One time for all: that of the client."""

    def __init__(self) -> None:
        self.now_ms = 1000.0

    def __call__(self) -> float:
        return self.now_ms


class Client:
    """A telephone client as anybody writes one: plays deltas, truncates when it is interrupted."""

    def __init__(self, connection: AsyncRealtimeConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._echo = EchoPath(delay_ms=160.0, erl_db=12.0, seed=3)
        self._noise = np.random.default_rng(5)
        self._queue: deque[tuple[str, bytes]] = deque()
        self._saying: deque[bytes] = deque()
        self._heard_ms: dict[str, int] = {}
        self.events: list[str] = []
        self.cut_offs: list[bool] = []
        """Whether the caller was speaking, for each time that the agent was cut off."""

    @property
    def is_agent_playing(self) -> bool:
        return bool(self._queue)

    def say(self, voice_id: str) -> None:
        audio = CALLER[voice_id].audio
        self._saying.extend(audio[at : at + 160] for at in range(0, len(audio) - 159, 160))

    async def live(self, duration_ms: float) -> None:
        for _ in range(int(duration_ms / 20)):
            await self._step()

    async def _step(self) -> None:
        """Play 20 ms, send what the line captured, and take all that comes of it."""
        item_id, played = self._queue.popleft() if self._queue else ("", SILENCE)
        self._heard_ms[item_id] = self._heard_ms.get(item_id, 0) + 20
        said = self._saying.popleft() if self._saying else SILENCE
        near_end = decode(said, MULAW) + self._noise.normal(0.0, 12.0, 160)
        mixed = near_end + self._echo.process(decode(played.ljust(160, b"\xff"), MULAW))
        captured = encode(np.clip(np.round(mixed), -32768, 32767).astype(np.int16), MULAW)
        self._clock.now_ms += 20.0
        await self._connection.input_audio_buffer.append(audio=b64encode(captured).decode())
        barrier = f"b{len(self.events)}-{self._clock.now_ms}"
        await self._connection.send({"type": "test.barrier", "event_id": barrier})  # type: ignore[arg-type]
        while not await self._receive(barrier):
            pass

    async def _receive(self, barrier: str) -> bool:
        """Take an event; return whether it is the server's complaint about the barrier."""
        event = json.loads(await self._connection.recv_bytes())
        validated(event)
        if event["type"] == "error":
            assert event["error"]["event_id"] == barrier, event
            return True
        self.events.append(event["type"])
        if event["type"] == "response.output_audio.delta":
            audio = b64decode(event["delta"])
            pieces = (audio[at : at + 160] for at in range(0, len(audio), 160))
            self._queue.extend((event["item_id"], piece) for piece in pieces)
        elif event["type"] == "input_audio_buffer.speech_started" and self._queue:
            item_id = self._queue[0][0]
            self.cut_offs.append(bool(self._saying))
            self._queue.clear()
            await self._connection.conversation.item.truncate(
                item_id=item_id, content_index=0, audio_end_ms=self._heard_ms.get(item_id, 0)
            )
        return False


@asynccontextmanager
async def call(*, is_proxied: bool) -> AsyncIterator[tuple[Client, RealtimeProxy | None]]:
    clock = Clock()
    options = SessionOptions()
    async with (
        asyncio.timeout(GUARD_S),
        RealtimeServer(options=options, replies=("opening_hours",), clock=clock) as server,
        RealtimeProxy(
            RealtimeProxyConfig(port=0, upstream_url=server.base_url.removesuffix("/v1")),
            clock=clock,
        ) as proxy,
    ):
        url = proxy.base_url if is_proxied else server.base_url
        async with (
            AsyncOpenAI(api_key="none", websocket_base_url=url) as sdk,
            sdk.realtime.connect(model="gpt-realtime") as connection,
        ):
            await connection.session.update(session=SESSION)
            client = Client(connection, clock)
            await client.live(600)
            client.say("card_question")
            await client.live(5000)
            yield client, proxy


@pytest.mark.parametrize("is_proxied", [True, False], ids=["proxied", "straight"])
async def test_the_agent_does_not_interrupt_itself_through_the_proxy(is_proxied: bool) -> None:
    """Its echo comes back 160 ms later and 12 dB weaker: straight, that cuts it off."""
    async with call(is_proxied=is_proxied) as (client, _):
        assert client.is_agent_playing or client.cut_offs
        await client.live(5000)
        assert (client.cut_offs == []) is is_proxied
        assert client.is_agent_playing or not is_proxied


async def test_the_caller_interrupts_through_the_proxy() -> None:
    """The server hears the caller over the agent, and the client's truncation is its own."""
    async with call(is_proxied=True) as (client, proxy):
        assert client.is_agent_playing
        before = client.events.count("input_audio_buffer.speech_started")
        client.say("interruption")
        await client.live(1200)
        assert client.cut_offs == [True]
        assert client.events.count("input_audio_buffer.speech_started") == before + 1
        assert "conversation.item.truncated" in client.events
        await client.live(4500)
        assert client.is_agent_playing, "the caller was answered"
        assert client.cut_offs == [True]
    assert proxy is not None
    assert proxy.counters.barge_ins >= 1
    assert proxy.counters.playback_flushes == 1
    assert proxy.counters.gate_failures == 0
