"""The Deepgram provider over real sockets, against a peer that does what a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from integration.provider_conformance import (
    AUDIO,
    FRAME,
    ProviderConformance,
    ProviderHarness,
    next_of,
)
from support.deepgram_peer import DeepgramPeer, PeerSession
from support.scripted_gate import ScriptedGate
from support.virtual_time import in_socket_time, virtual_ms
from voxgate.config.provider_models import DeepgramConfig
from voxgate.errors import ProviderError
from voxgate.providers.base import (
    AgentAudio,
    AgentAudioDone,
    CallerSpeechStopped,
    ProviderDisconnected,
    ProviderEnded,
    ProviderReady,
    ProviderWarning,
    ResponseDone,
)
from voxgate.providers.deepgram import DeepgramProvider
from voxgate.providers.deepgram.client_messages import InjectionBehavior
from voxgate.providers.tools import ToolCall, ToolRegistry

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
    has_wire = True

    def __init__(self, peer: DeepgramPeer) -> None:
        self.gate = ScriptedGate()
        self._peer = peer
        self.provider = make_provider(peer.url, gate=self.gate)
        self._item_id: str | None = None

    async def start(self) -> None:
        self._session, _ = await asyncio.gather(
            self._peer.accept_configured(), self.provider.start()
        )

    async def begin_start(self) -> asyncio.Future[None]:
        starting = asyncio.ensure_future(self.provider.start())
        self._session = await self._peer.accept()
        return starting

    async def end_start(self) -> None:
        await self._session.configure()

    async def send_garbage(self) -> None:
        for message in ("{", "", "[" * 5000, "[]", '{"type":7}', '{"type":"x"}'):
            await self._session.send_raw(message)
        await self._session.send_odd({"type": "ConversationText", "role": "nobody"})

    async def hang_up(self) -> None:
        await self._session.close(1000)

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


# -- connecting ------------------------------------------------------------------------------------


async def test_it_connects_as_the_vendor_asks(peer: DeepgramPeer) -> None:
    """No query, the key as a token, settings after the welcome, a greeting in them."""
    async with running(peer, greeting="Hello!") as (_, session):
        assert session.path == "/v1/agent/converse"
        assert session.headers["Authorization"] == f"Token {KEY}"
        assert "Sec-WebSocket-Extensions" not in session.headers, "compression is off"
        assert [message["type"] for message in session.messages] == ["Settings"]
        assert session.messages[0]["agent"]["greeting"] == "Hello!"
        assert session.messages[0]["audio"]["input"] == {"encoding": "mulaw", "sample_rate": 8000}


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (401, "invalid_api_key", False),
        (402, "insufficient_quota", False),
        (429, "rate_limit_exceeded", True),
        (503, "http_503", True),
        (302, "http_302", False),
    ],
)
async def test_a_refused_connection_has_a_code_and_a_hint(
    status: int, code: str, retryable: bool
) -> None:
    """And no trace of the key, or of what the server wrote about it; no redirect is followed."""
    async with DeepgramPeer() as elsewhere, DeepgramPeer(status) as peer:
        peer.location = elsewhere.url
        provider = make_provider(peer.url)
        with capture_logs() as logs, pytest.raises(ProviderError) as caught:
            await provider.start()

    assert (caught.value.code, caught.value.retryable) == (code, retryable)
    assert elsewhere.sessions == peer.sessions == []
    assert [event async for event in provider.events()] == [ProviderEnded(caught.value)]
    assert "SECRET" not in f"{caught.value!r} {logs}"


async def test_settings_that_are_refused_fail_the_start(peer: DeepgramPeer) -> None:
    """The server says why, and closes without a status, as it does."""
    provider = make_provider(peer.url)
    start = asyncio.create_task(provider.start())
    session = await peer.accept()
    await session.send("Welcome", request_id="r-1")
    await session.receive("Settings")
    await session.fail("INVALID_SETTINGS")
    with pytest.raises(ProviderError) as caught:
        await start

    assert (caught.value.code, caught.value.retryable) == ("INVALID_SETTINGS", False)
    assert "SECRET" not in str(caught.value)


async def test_a_server_that_says_nothing_is_given_up_on(peer: DeepgramPeer) -> None:
    """The connection stands, the welcome never comes; nothing was said to it."""
    provider = make_provider(peer.url, connect_timeout_s=0.3)
    with pytest.raises(ProviderError) as caught:
        await provider.start()
    session = await peer.accept()
    await session.wait_closed()

    assert caught.value.code == "connect_timeout"
    assert session.messages == []


# -- what a server may do --------------------------------------------------------------------------


async def test_garbage_is_counted_and_the_call_goes_on(peer: DeepgramPeer) -> None:
    """Before and after the welcome: voice too early, no JSON, no message, one from the future."""
    provider = make_provider(peer.url)
    start = asyncio.create_task(provider.start())
    session = await peer.accept()
    await session.send_raw(b"\x55" * 160)
    await session.send_raw("{")
    await session.configure()
    await start
    await session.send_odd([1, 2])
    await session.send_odd({"type": "AgentSang"})
    await session.send_odd({"type": "FunctionCallRequest", "functions": 7})
    await session.say("Hello", b"\x42" * 80)
    await next_of(provider.events(), AgentAudio)
    counts = provider.counts
    await provider.stop()

    assert (counts["events_before_ready"], counts["events_unknown"]) == (1, 1)
    assert counts["events_malformed"] == 3


async def test_warnings_are_told_without_the_server_s_words(peer: DeepgramPeer) -> None:
    """And a refusal to say something is one."""
    async with running(peer) as (provider, session):
        events = provider.events()
        await session.warn("SLOW_THINK_REQUEST")
        slow = await next_of(events, ProviderWarning)
        await provider.inject_agent_message("One moment.", InjectionBehavior.QUEUE)
        injected = await session.receive("InjectAgentMessage")
        await session.send("InjectionRefused", message="SECRET")
        refused = await next_of(events, ProviderWarning)

        assert (slow.error.code, slow.error.retryable) == ("SLOW_THINK_REQUEST", True)
        assert (injected["message"], injected["behavior"]) == ("One moment.", "queue")
        assert refused.error.code == "injection_refused"
        assert "SECRET" not in repr((slow, refused))


async def test_a_message_beyond_all_bounds_ends_the_call(peer: DeepgramPeer) -> None:
    """16 MiB of one text; it would come again."""
    async with running(peer) as (provider, session):
        await session.send_raw("x" * (16 * 2**20 + 1))
        ended = await next_of(provider.events(), ProviderEnded)

        assert ended.error is not None
        assert ended.error.code == "close_1009"


async def test_a_slow_engine_gets_a_long_answer_whole(peer: DeepgramPeer) -> None:
    """A minute of speech in one go, more than the queue of events holds."""
    async with running(peer) as (provider, session):
        sending = asyncio.create_task(session.say("A story", *[b"\x80" * 160] * 3000))
        n_bytes = 0
        async for event in provider.events():
            if isinstance(event, AgentAudio):
                n_bytes += len(event.audio)
            if isinstance(event, ResponseDone):
                break
        await sending

        assert n_bytes == 3000 * 160


# -- functions -------------------------------------------------------------------------------------


async def test_functions_are_called_and_answered(peer: DeepgramPeer) -> None:
    """Two at a time, in the order in which they are done; one that fails has a result too."""
    is_told = asyncio.Event()

    async def slow(call: ToolCall) -> object:
        await is_told.wait()
        return {"city": call.arguments["city"]}

    async def broken(call: ToolCall) -> object:
        raise RuntimeError("SECRET")

    tools = ToolRegistry()
    tools.register("slow", slow, description="Slow.")
    tools.register("broken", broken, description="Broken.")
    async with running(peer, tools=tools) as (_, session):
        declared = session.messages[0]["agent"]["think"]["functions"]
        assert [function["name"] for function in declared] == ["slow", "broken"]
        await session.request_function("c-1", "slow", '{"city":"Bonn"}')
        await session.request_function("c-2", "broken")
        await session.request_function("c-3", "slow", client_side=False)
        failed = await session.receive("FunctionCallResponse")
        is_told.set()
        done = await session.receive("FunctionCallResponse")

        assert (failed["id"], json.loads(failed["content"])["error"]["code"]) == ("c-2", "failed")
        assert "SECRET" not in failed["content"]
        assert (done["id"], done["name"]) == ("c-1", "slow")
        assert json.loads(done["content"]) == {"city": "Bonn"}


async def test_a_function_that_is_taken_back_is_given_up(peer: DeepgramPeer) -> None:
    """The caller spoke on; the server wants no answer."""
    was_cancelled, has_begun = asyncio.Event(), asyncio.Event()

    async def endless(call: ToolCall) -> object:
        has_begun.set()
        try:
            return await asyncio.Event().wait()
        finally:
            was_cancelled.set()

    tools = ToolRegistry()
    tools.register("endless", endless, description="Endless.")
    async with running(peer, tools=tools) as (provider, session):
        await session.request_function("c-1", "endless")
        await has_begun.wait()
        await session.send("FunctionCallCancelled", functions=[{"id": "c-1", "name": "endless"}])
        await was_cancelled.wait()
        await session.request_function("c-2", "endless")
        await asyncio.sleep(0)
        await provider.stop()

        assert [message["type"] for message in session.messages] == ["Settings"]


# -- losing the connection -------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012])
async def test_a_close_in_mid_turn_is_followed_by_a_session_that_knows(
    peer: DeepgramPeer, code: int
) -> None:
    """The question is asked again, the greeting is not said again, the answer arrives."""
    async with running(peer, greeting="Hello!") as (provider, session):
        events = provider.events()
        await session.say("Hello!", FRAME)
        await session.hear("What is the time?")
        await next_of(events, CallerSpeechStopped)
        await session.close(code)
        lost = await next_of(events, ProviderDisconnected)
        second = await peer.accept_configured()
        asked = await second.receive("InjectUserMessage")
        await second.say("Noon.", FRAME)
        answer = await next_of(events, AgentAudio)

        assert lost.error.code == f"close_{code}"
        agent = second.messages[0]["agent"]
        assert "greeting" not in agent
        assert [said["content"] for said in agent["context"]["messages"]] == ["Hello!"]
        assert asked["content"] == "What is the time?"
        assert answer.audio == FRAME


async def test_an_error_that_may_pass_is_followed_by_another_session(peer: DeepgramPeer) -> None:
    """As the vendor advises; what is said meanwhile is held, bounded, and counted."""
    async with running(peer) as (provider, session):
        events = provider.events()
        await session.fail("MAXIMUM_SESSION_LENGTH_REACHED")
        lost = await next_of(events, ProviderDisconnected)
        for number in range(600):
            await provider.send_audio(bytes([number % 256]) * 160)
        second = await peer.accept_configured()
        ready = await next_of(events, ProviderReady)
        audio = await second.receive_audio(500 * 160)

        assert lost.error.code == "MAXIMUM_SESSION_LENGTH_REACHED"
        assert ready == ProviderReady(True, 500, 100)
        assert audio[::160] == bytes(number % 256 for number in range(100, 600))


async def test_an_error_of_ours_is_not_tried_again(peer: DeepgramPeer) -> None:
    """It would come again."""
    async with running(peer) as (provider, session):
        await session.fail("UNPARSABLE_CLIENT_MESSAGE")
        ended = await next_of(provider.events(), ProviderEnded)

        assert ended.error is not None
        assert ended.error.code == "UNPARSABLE_CLIENT_MESSAGE"
        assert len(peer.sessions) == 1


async def test_a_server_that_hangs_up_on_every_session_is_given_up_on(peer: DeepgramPeer) -> None:
    """Each connection succeeds, none lasts: that is one outage, not a new one each time."""
    async with running(peer, max_reconnects=2) as (provider, session):
        ending = asyncio.create_task(next_of(provider.events(), ProviderEnded))
        await session.close(1011)
        for _ in range(2):
            await (await peer.accept_configured()).close(1011)
        ended = await ending

        assert ended.error is not None
        assert ended.error.code == "close_1011"


async def test_stop_says_goodbye(peer: DeepgramPeer) -> None:
    """The server sees an orderly close."""
    async with running(peer) as (provider, session):
        await provider.stop()
        await session.wait_closed()
        assert session.close_code == 1000


# -- time ------------------------------------------------------------------------------------------


@in_socket_time
async def test_a_silent_line_keeps_the_session_alive_and_a_speaking_one_needs_no_help() -> None:
    """Every 8 s while no audio is sent; none while it is."""
    async with DeepgramPeer() as peer:
        provider = timed_provider(peer)
        session, _ = await asyncio.gather(peer.accept_configured(), provider.start())
        await asyncio.sleep(33)
        assert [message["type"] for message in session.messages[1:]] == ["KeepAlive"] * 4
        for _ in range(1500):
            await provider.send_audio(FRAME)
            await asyncio.sleep(0.02)
        assert len(session.messages) == 5
        await asyncio.sleep(9)
        assert len(session.messages) == 6
        await provider.stop()


@in_socket_time
async def test_a_session_of_two_hours_is_replaced_in_a_pause() -> None:
    """Not while an answer is under way; nothing that is said meanwhile is lost."""
    async with DeepgramPeer() as peer:
        provider = timed_provider(peer)
        events = provider.events()
        session, _ = await asyncio.gather(peer.accept_configured(), provider.start())
        await next_of(events, ProviderReady)
        await session.hear("A long story, please.")
        await session.warn("MAXIMUM_SESSION_LENGTH_APPROACHING")
        await session.say("Once upon a time", FRAME, is_done=False)
        await asyncio.sleep(30)
        assert not session.is_closed
        await session.send("AgentAudioDone")
        lost = await next_of(events, ProviderDisconnected)
        for _ in range(10):
            await provider.send_audio(FRAME)
        second = await peer.accept_configured()
        ready = await next_of(events, ProviderReady)
        assert await second.receive_audio(10 * 160) == FRAME * 10
        await provider.stop()

    assert lost.error.code == "session_renewed"
    assert ready == ProviderReady(True, 10, 0)
    assert [said["content"] for said in second.messages[0]["agent"]["context"]["messages"]] == [
        "A long story, please.",
        "Once upon a time",
    ]


def timed_provider(peer: DeepgramPeer) -> DeepgramProvider:
    """Return a provider in the time of the loop."""
    return DeepgramProvider(
        DeepgramConfig(url=peer.url, greeting=None),
        call_id="call-1",
        call_audio=AUDIO,
        manager=ScriptedGate(),
        clock=virtual_ms,
        api_key=KEY,
    )


# -- what is logged --------------------------------------------------------------------------------


async def test_a_call_logs_its_connections_and_nothing_that_was_said(peer: DeepgramPeer) -> None:
    """Connected, disconnected, reconnected, ended with its counters; no key, no text."""
    structlog.reset_defaults()
    with capture_logs() as logs:
        async with running(peer, greeting="SECRET greeting") as (provider, session):
            events = provider.events()
            await session.hear("SECRET question")
            await session.say("SECRET answer", FRAME)
            await next_of(events, AgentAudioDone)
            session.abort()
            await next_of(events, ProviderDisconnected)
            await peer.accept_configured()
            await next_of(events, ProviderReady)

    assert [entry["event"] for entry in logs] == [
        "provider.connected",
        "provider.disconnected",
        "provider.reconnected",
        "provider.ended",
    ]
    assert all(entry["provider"] == "deepgram" for entry in logs)
    assert "SECRET" not in repr(logs)
