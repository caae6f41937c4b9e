"""The Deepgram provider over real sockets, against a peer that does what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from integration.provider_conformance import (
    AUDIO,
    ProviderConformance,
    ProviderHarness,
)
from support.deepgram_peer import DeepgramPeer, PeerSession
from support.scripted_gate import ScriptedGate
from voxgate.config.provider_models import DeepgramConfig
from voxgate.providers.deepgram import DeepgramProvider
from voxgate.providers.tools import ToolRegistry

KEY = "dg-SECRET-KEY-OF-TEST"
QUICK = {"reconnect_initial_ms": 10, "reconnect_max_ms": 20, "greeting": None}


@pytest.fixture
async def peer() -> AsyncIterator[DeepgramPeer]:
    async with DeepgramPeer() as peer:
        yield peer


def make_provider(
    url: str,
    *,
    api_key: str | None = KEY,
    gate: ScriptedGate | None = None,
    tools: ToolRegistry | None = None,
    **settings: Any,
) -> DeepgramProvider:
    return DeepgramProvider(
        DeepgramConfig(url=url, **{**QUICK, **settings}),
        call_id="call-1",
        call_audio=AUDIO,
        manager=gate or ScriptedGate(),
        api_key=api_key,
        tools=tools,
    )


@asynccontextmanager
async def running(
    peer: DeepgramPeer, **settings: Any
) -> AsyncIterator[tuple[DeepgramProvider, PeerSession]]:
    """Connect a provider with the peer, and stop it at the end."""
    provider = make_provider(peer.url, **settings)
    session, _ = await asyncio.gather(peer.accept_configured(), provider.start())
    try:
        yield provider, session
    finally:
        await provider.stop()


class DeepgramHarness(ProviderHarness):
    """The provider and a peer on the loopback."""

    is_told_of_truncation = False

    def __init__(self, peer: DeepgramPeer) -> None:
        self.gate = ScriptedGate()
        self._peer = peer
        self.provider = make_provider(peer.url, gate=self.gate)
        self._item_id: str | None = None

    async def start(self) -> None:
        self._session, _ = await asyncio.gather(
            self._peer.accept_configured(), self.provider.start()
        )

    async def received(self, n_bytes: int) -> bytes:
        return await self._session.receive_audio(n_bytes)

    async def generate(self, item_id: str, audio: bytes) -> None:
        if self._item_id != item_id:
            self._item_id = item_id
            await self._session.begin_voice()
        await self._session.send_raw(audio)

    async def finish(self, item_id: str) -> None:
        await self._session.send("AgentAudioDone")

    async def truncation(self) -> tuple[str, int]:
        raise NotImplementedError("the protocol has no word for it")

    async def begin_speech(self, start_ms: float = 0.0) -> None:
        await self._session.send("UserStartedSpeaking")

    async def report_speech(self, start_ms: float = 0.0) -> None:
        await self._session.hear("Good morning.")

    async def lose_connection(self) -> None:
        self._session.abort()

    async def restore_connection(self) -> None:
        self._session = await self._peer.accept_configured()

    async def refuse_for_good(self) -> None:
        await self._session.fail("USER_AUDIO_FORMAT")

    async def close(self) -> None:
        await self.provider.stop()


class TestDeepgramProvider(ProviderConformance):
    """It is a provider like any other."""

    @pytest.fixture
    async def harness(self, peer: DeepgramPeer) -> AsyncIterator[DeepgramHarness]:
        harness = DeepgramHarness(peer)
        yield harness
        await harness.close()
