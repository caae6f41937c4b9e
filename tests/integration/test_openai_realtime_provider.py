"""The OpenAI Realtime provider over real sockets, against a peer that does what a test says."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
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
    next_event,
    next_of,
)
from support.realtime_peer import PeerSession, RealtimePeer
from support.scripted_gate import ScriptedGate
from voxgate.config.provider_models import AuthHeader, OpenAIRealtimeConfig
from voxgate.errors import ProviderError
from voxgate.providers.base import (
    AgentAudio,
    AgentAudioDone,
    CallerSpeechStarted,
    ProviderDisconnected,
    ProviderEnded,
    ProviderReady,
    ProviderWarning,
    ResponseDone,
    ResponseStarted,
)
from voxgate.providers.openai_realtime import OpenAIRealtimeProvider

KEY = "sk-SECRET-KEY-OF-TEST"
QUICK = {"reconnect_initial_ms": 10, "reconnect_max_ms": 20, "greeting": None}


@pytest.fixture
async def peer() -> AsyncIterator[RealtimePeer]:
    async with RealtimePeer() as peer:
        yield peer


def make_provider(
    url: str, *, api_key: str | None = KEY, gate: ScriptedGate | None = None, **settings: Any
) -> OpenAIRealtimeProvider:
    return OpenAIRealtimeProvider(
        OpenAIRealtimeConfig(url=url, **{**QUICK, **settings}),
        call_id="call-1",
        call_audio=AUDIO,
        manager=gate or ScriptedGate(),
        api_key=api_key,
    )


@asynccontextmanager
async def running(
    peer: RealtimePeer, **settings: Any
) -> AsyncIterator[tuple[OpenAIRealtimeProvider, PeerSession]]:
    """Connect a provider with the peer, and stop it at the end."""
    provider = make_provider(peer.url, **settings)
    session, _ = await asyncio.gather(peer.accept_configured(), provider.start())
    try:
        yield provider, session
    finally:
        await provider.stop()


class OpenAIRealtimeHarness(ProviderHarness):
    """The provider and a peer on the loopback."""

    has_wire = True

    def __init__(self, peer: RealtimePeer) -> None:
        self.gate = ScriptedGate()
        self._peer = peer
        self.provider = make_provider(peer.url, gate=self.gate)
        self._n_responses = 0
        self._is_under_way = False

    @property
    def _response_id(self) -> str:
        return f"response-{self._n_responses}"

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
        for message in ("{", b"\xff\x00", b"", "[" * 5000, "[]", '{"type":7}', '{"type":"x"}'):
            await self._session.send_text(message)
        await self._session.send_odd({"type": "response.output_audio.delta", "item_id": "item-1"})
        await self._session.send_odd({"type": "response.output_audio.delta", "delta": "gICA"})

    async def hang_up(self) -> None:
        await self._session.close(1001)

    async def received(self, n_bytes: int) -> bytes:
        return await self._session.receive_audio(n_bytes)

    async def generate(self, item_id: str, audio: bytes) -> None:
        if not self._is_under_way:
            self._n_responses += 1
            self._is_under_way = True
            await self._session.start_response(self._response_id)
        await self._session.send_voice(self._response_id, item_id, audio)

    async def finish(self, item_id: str) -> None:
        await self._session.finish_voice(self._response_id, item_id)
        await self._session.end_response(self._response_id)
        self._is_under_way = False

    async def truncation(self) -> tuple[str, int]:
        event = await self._session.receive("conversation.item.truncate")
        return event["item_id"], event["audio_end_ms"]

    async def begin_speech(self, start_ms: float = 0.0) -> None:
        await self._session.send(
            "input_audio_buffer.speech_started", audio_start_ms=int(start_ms), item_id="caller-1"
        )

    async def report_speech(self, start_ms: float = 0.0) -> None:
        await self.begin_speech(start_ms)
        await self._session.send(
            "input_audio_buffer.speech_stopped", audio_end_ms=900, item_id="caller-1"
        )

    async def lose_connection(self) -> None:
        self._session.abort()

    async def restore_connection(self) -> None:
        self._session = await self._peer.accept_configured()

    async def refuse_for_good(self) -> None:
        await self._session.send_error("invalid_api_key")

    async def close(self) -> None:
        await self.provider.stop()


class TestOpenAIRealtimeProvider(ProviderConformance):
    """It is a provider like any other."""

    @pytest.fixture
    async def harness(self, peer: RealtimePeer) -> AsyncIterator[OpenAIRealtimeHarness]:
        harness = OpenAIRealtimeHarness(peer)
        yield harness
        await harness.close()


# -- connecting ------------------------------------------------------------------------------------


async def test_it_connects_as_the_ga_protocol_asks(peer: RealtimePeer) -> None:
    """Model in the query, key in one header, no header that asks for the beta."""
    async with running(peer, model="gpt-realtime-test") as (_, session):
        assert session.path == "/v1/realtime?model=gpt-realtime-test"
        assert session.headers["Authorization"] == f"Bearer {KEY}"
        assert "api-key" not in session.headers
        assert "OpenAI-Beta" not in session.headers
        assert "Sec-WebSocket-Extensions" not in session.headers, "compression is off"


async def test_the_key_can_be_shown_as_azure_wants_it(peer: RealtimePeer) -> None:
    """In a header of its own, and in no other."""
    async with running(peer, auth_header=AuthHeader.API_KEY) as (_, session):
        assert session.headers["api-key"] == KEY
        assert "Authorization" not in session.headers


async def test_a_server_that_wants_no_key_gets_none(peer: RealtimePeer) -> None:
    """The embedded one, for instance."""
    async with running(peer, api_key=None) as (_, session):
        assert "Authorization" not in session.headers


async def test_the_greeting_is_asked_for_after_the_configuration(peer: RealtimePeer) -> None:
    """The agent speaks first, in the voice that was configured."""
    async with running(peer, greeting="Good morning!") as (_, session):
        request = await session.receive("response.create")
        assert "Good morning!" in request["response"]["instructions"]
        assert [event["type"] for event in session.events] == ["session.update", "response.create"]


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (401, "invalid_api_key", False),
        (403, "permission_denied", False),
        (404, "not_found", False),
        (429, "rate_limit_exceeded", True),
        (503, "http_503", True),
        (302, "http_302", False),
    ],
)
async def test_a_refused_connection_has_a_code_and_a_hint(
    status: int, code: str, retryable: bool
) -> None:
    """And no trace of the key, or of what the server wrote about it."""
    async with RealtimePeer(status) as peer:
        provider = make_provider(peer.url)
        with capture_logs() as logs, pytest.raises(ProviderError) as caught:
            await provider.start()

    assert (caught.value.code, caught.value.retryable) == (code, retryable)
    assert peer.sessions == []
    assert [event async for event in provider.events()] == [ProviderEnded(caught.value)]
    assert "SECRET" not in f"{caught.value!r} {logs}"


@pytest.mark.parametrize("auth_header", AuthHeader)
async def test_a_redirect_is_not_followed(peer: RealtimePeer, auth_header: AuthHeader) -> None:
    """The key is for the host of the configuration, and for no other that it names."""
    async with RealtimePeer(302) as redirecting:
        redirecting.location = peer.url
        with pytest.raises(ProviderError) as caught:
            await make_provider(redirecting.url, auth_header=auth_header).start()

    assert (caught.value.code, caught.value.retryable) == ("http_302", False)
    assert peer.sessions == []


async def test_nothing_listening_is_a_refusal() -> None:
    """The commonest mistake: the server is not running."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        provider = make_provider(f"ws://127.0.0.1:{unused.getsockname()[1]}/v1/realtime")
        with pytest.raises(ProviderError) as caught:
            await provider.start()

    assert (caught.value.code, caught.value.retryable) == ("connection_refused", True)


async def test_a_name_that_does_not_resolve_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the resolver puts it."""

    async def getaddrinfo(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    with pytest.raises(ProviderError) as caught:
        await make_provider("ws://nowhere.invalid/v1/realtime").start()

    assert caught.value.code == "dns_failed"


async def test_a_server_without_tls_behind_a_wss_address_says_so(peer: RealtimePeer) -> None:
    """Trying again would not help."""
    with pytest.raises(ProviderError) as caught:
        await make_provider(peer.url.replace("ws://", "wss://")).start()

    assert caught.value.code in {"tls_failed", "network_failed"}
    assert isinstance(caught.value.__cause__, ssl.SSLError | OSError)


async def test_a_server_that_says_nothing_is_given_up_on(peer: RealtimePeer) -> None:
    """The connection stands, the session never comes; the connection is not left open."""
    provider = make_provider(peer.url, connect_timeout_s=0.3)
    with pytest.raises(ProviderError) as caught:
        await provider.start()

    assert (caught.value.code, caught.value.retryable) == ("connect_timeout", True)
    await (await peer.accept()).wait_closed()


async def test_a_configuration_that_is_refused_fails_the_start(peer: RealtimePeer) -> None:
    """With the code of the refusal."""
    provider = make_provider(peer.url)
    start = asyncio.create_task(provider.start())
    session = await peer.accept()
    await session.send("session.created", session={"type": "realtime"})
    update = await session.receive("session.update")
    await session.send_error("invalid_value", event_id=update["event_id"])

    with pytest.raises(ProviderError) as caught:
        await start
    assert caught.value.code == "invalid_value"
    assert "SECRET" not in str(caught.value)


async def test_a_beta_server_is_recognised(peer: RealtimePeer) -> None:
    """It says so and closes with 4000: no other attempt will do better."""
    provider = make_provider(peer.url)
    start = asyncio.create_task(provider.start())
    session = await peer.accept()
    await session.close(4000)

    with pytest.raises(ProviderError) as caught:
        await start
    assert (caught.value.code, caught.value.retryable) == ("close_4000", False)


async def test_a_server_that_comes_with_another_format_is_refused(peer: RealtimePeer) -> None:
    """Better no call than noise."""
    provider = make_provider(peer.url)
    start = asyncio.create_task(provider.start())
    session = await peer.accept()
    await session.send("session.created", session={"type": "realtime"})
    update = (await session.receive("session.update"))["session"]
    update["audio"]["output"]["format"] = {"type": "audio/pcm", "rate": 24000}
    await session.send("session.updated", session=update)

    with pytest.raises(ProviderError, match="format_refused"):
        await start


# -- what a server may do --------------------------------------------------------------------------


async def test_garbage_is_counted_and_the_call_goes_on(peer: RealtimePeer) -> None:
    """Not JSON, not an event, an event from the future, bytes, a delta that is no audio."""
    async with running(peer) as (provider, session):
        events = provider.events()
        await session.send_text("{")
        await session.send_text(b"\xff\x00")
        await session.send_odd([1, 2])
        await session.send_odd({"type": "response.hologram.delta"})
        await session.send_odd({"type": "response.audio.delta", "item_id": "i", "delta": "%%"})
        await session.start_response("r1")

        await next_of(events, ResponseStarted)
        assert provider.counts["events_malformed"] == 4
        assert provider.counts["events_unknown"] == 1


async def test_older_names_are_understood(peer: RealtimePeer) -> None:
    """A compatible server that speaks the beta's dialect can be talked to."""
    async with running(peer) as (provider, session):
        events = provider.events()
        await session.send_odd({"type": "conversation.item.created", "item": {}})
        await session.send_odd(
            {"type": "response.audio.delta", "response_id": "r", "item_id": "i", "delta": "gICA"}
        )
        await session.send_odd({"type": "response.audio.done", "item_id": "i"})
        await session.send_odd({"type": "response.done", "response": {"id": "r"}})

        assert await next_of(events, AgentAudio) == AgentAudio("i", b"\x80" * 3)
        assert await next_of(events, AgentAudioDone) == AgentAudioDone("i")
        assert await next_of(events, ResponseDone) == ResponseDone("r", "completed")


async def test_done_may_come_before_the_audio_does(peer: RealtimePeer) -> None:
    """Any order: the audio is heard, and playout is told again that it is complete."""
    async with running(peer) as (provider, session):
        events = provider.events()
        await session.end_response("r1")
        await session.send_voice("r1", "i1", b"\x80" * 80)
        await session.finish_voice("r1", "i1")
        await session.start_response("r1")
        await session.start_response("r2")

        kinds = [type(await next_event(events)).__name__ for _ in range(5)]
        assert kinds == [
            "ProviderReady",
            "ResponseDone",
            "AgentAudio",
            "AgentAudioDone",
            "ResponseStarted",
        ]


async def test_a_long_answer_comes_through_whole(peer: RealtimePeer) -> None:
    """A minute of speech in one go, more than the queue of events holds, to a slow engine."""
    async with running(peer) as (provider, session):
        await session.start_response("r1")
        sending = asyncio.create_task(_send_minute(session))
        n_bytes = 0
        async for event in provider.events():
            if isinstance(event, AgentAudio):
                n_bytes += len(event.audio)
            if isinstance(event, ResponseDone):
                break
        await sending

        assert n_bytes == 3000 * 160


async def _send_minute(session: PeerSession) -> None:
    for _ in range(3000):
        await session.send_voice("r1", "i1", b"\x80" * 160)
    await session.end_response("r1")


async def test_an_interruption_cancels_what_is_under_way(peer: RealtimePeer) -> None:
    """Cancel first, then truncate; the error of a late cancel surprises nobody."""
    async with running(peer) as (provider, session):
        events = provider.events()
        await session.start_response("r1")
        await session.send_voice("r1", "i1", b"\x80" * 8000)
        await next_of(events, AgentAudio)
        await provider.interrupt({"i1": 250.9})
        cancel = await session.receive("response.cancel")
        truncate = await session.receive("conversation.item.truncate")
        await session.send_error("response_cancel_not_active", event_id=cancel["event_id"])
        await session.end_response("r1", "cancelled")

        assert cancel["response_id"] == "r1"
        assert (truncate["item_id"], truncate["audio_end_ms"]) == ("i1", 250)
        assert await next_event(events) == ResponseDone("r1", "cancelled")


async def test_an_interruption_after_the_answer_was_generated_only_truncates(
    peer: RealtimePeer,
) -> None:
    """``response.done`` came long before the caller interrupted; there is nothing to cancel."""
    async with running(peer) as (provider, session):
        events = provider.events()
        await session.start_response("r1")
        await session.send_voice("r1", "i1", b"\x80" * 8000)
        await session.finish_voice("r1", "i1")
        await session.end_response("r1")
        await next_of(events, ResponseDone)
        await provider.interrupt({"i1": 400.0})
        await session.receive("conversation.item.truncate")

        assert [e["type"] for e in session.events if e["type"] == "response.cancel"] == []


async def test_speech_is_reported_on_the_call_s_clock(peer: RealtimePeer) -> None:
    """100 ms into the second frame's worth of audio is a moment on the manager's clock."""
    now_ms = 50_000.0
    provider = OpenAIRealtimeProvider(
        OpenAIRealtimeConfig(url=peer.url, greeting=None),
        call_id="call-1",
        call_audio=AUDIO,
        manager=ScriptedGate(),
        clock=lambda: now_ms,
        api_key=None,
    )
    session, _ = await asyncio.gather(peer.accept_configured(), provider.start())
    for _ in range(10):
        now_ms += 20.0
        await provider.send_audio(FRAME)
    await session.receive_audio(1600)
    await session.send("input_audio_buffer.speech_started", audio_start_ms=100, item_id="c")

    started = await next_of(provider.events(), CallerSpeechStarted)
    assert started.capture_ms == pytest.approx(50_100.0)
    await provider.stop()


async def test_a_refused_request_is_a_warning(peer: RealtimePeer) -> None:
    """Without the server's own words."""
    async with running(peer) as (provider, session):
        await session.send_error("rate_limit_exceeded")
        warning = await next_of(provider.events(), ProviderWarning)

        assert (warning.error.code, warning.error.retryable) == ("rate_limit_exceeded", True)
        assert "SECRET" not in repr(warning)


async def test_a_message_beyond_all_bounds_ends_the_call(peer: RealtimePeer) -> None:
    """16 MiB is more than the protocol allows; it would come again."""
    async with running(peer) as (provider, session):
        await session.send_text("x" * (16 * 2**20 + 1))
        ended = await next_of(provider.events(), ProviderEnded)

        assert ended.error is not None
        assert ended.error.code == "close_1009"


# -- losing the connection -------------------------------------------------------------------------


async def test_an_expired_session_is_replaced(peer: RealtimePeer) -> None:
    """After 60 minutes the server ends it; the call goes on in a new one, without a greeting."""
    async with running(peer, greeting="Hello!") as (provider, session):
        events = provider.events()
        await session.receive("response.create")
        await session.start_response("r")
        await session.send_voice("r", "i", FRAME)
        await session.end_response("r")
        await session.send_error("session_expired")
        lost = await next_of(events, ProviderDisconnected)
        second = await peer.accept_configured()
        ready = await next_of(events, ProviderReady)
        await provider.send_audio(FRAME)
        await second.receive_audio(160)

        assert lost.error.code == "session_expired"
        assert ready == ProviderReady(reconnected=True)
        assert [event["type"] for event in second.events] == [
            "session.update",
            "input_audio_buffer.append",
        ]


@pytest.mark.parametrize("code", [1000, 1001, 1011])
async def test_a_server_that_goes_away_is_asked_again(peer: RealtimePeer, code: int) -> None:
    """The session cap closes with 1001."""
    async with running(peer) as (provider, session):
        events = provider.events()
        await session.close(code)
        lost = await next_of(events, ProviderDisconnected)
        await peer.accept_configured()
        await next_of(events, ProviderReady)

        assert lost.error.code == f"close_{code}"


async def test_a_reconnect_is_tried_several_times(peer: RealtimePeer) -> None:
    """Overloaded, overloaded, silent, there; the first outage is the only one that is told."""
    async with running(peer, connect_timeout_s=0.5) as (provider, session):
        events = provider.events()
        await next_of(events, ProviderReady)
        peer.refuse_next(503, 429)
        session.abort()
        await next_of(events, ProviderDisconnected)
        await peer.accept()
        await peer.accept_configured()

        assert await next_event(events) == ProviderReady(reconnected=True)
        assert peer.n_refused == 2


async def test_attempts_are_bounded(peer: RealtimePeer) -> None:
    """Then the call ends, with the last reason."""
    async with running(peer, max_reconnects=3) as (provider, session):
        events = provider.events()
        peer.refuse_next(*[503] * 10)
        session.abort()
        ended = await next_of(events, ProviderEnded)

        assert peer.n_refused == 3
        assert ended.error is not None
        assert ended.error.code == "http_503"


async def test_a_refusal_during_a_reconnect_ends_the_call(peer: RealtimePeer) -> None:
    """A key that was withdrawn does not come back."""
    async with running(peer) as (provider, session):
        peer.refuse_next(401)
        session.abort()
        ended = await next_of(provider.events(), ProviderEnded)

        assert peer.n_refused == 1
        assert ended.error is not None
        assert ended.error.code == "invalid_api_key"


async def test_no_reconnects_means_none(peer: RealtimePeer) -> None:
    """The operator said so."""
    async with running(peer, max_reconnects=0) as (provider, session):
        session.abort()
        await next_of(provider.events(), ProviderEnded)

        assert len(peer.sessions) == 1


async def test_a_server_that_hangs_up_on_every_session_is_given_up_on(peer: RealtimePeer) -> None:
    """Each connection succeeds, none lasts: that is one outage, not a new one each time."""
    async with running(peer, max_reconnects=3) as (provider, session):
        ending = asyncio.create_task(next_of(provider.events(), ProviderEnded))
        await session.close(1011)
        for _ in range(3):
            await (await peer.accept_configured()).close(1011)
        ended = await ending

        assert len(peer.sessions) == 4
        assert ended.error is not None
        assert ended.error.code == "close_1011"


async def test_a_connection_that_lasted_has_all_its_attempts_again(peer: RealtimePeer) -> None:
    """An hour of calls with an outage a minute is no endless outage."""
    now_ms = 0.0
    provider = OpenAIRealtimeProvider(
        OpenAIRealtimeConfig(url=peer.url, max_reconnects=1, **QUICK),  # type: ignore[arg-type]
        call_id="call-1",
        call_audio=AUDIO,
        manager=ScriptedGate(),
        clock=lambda: now_ms,
        api_key=None,
    )
    events = provider.events()
    session, _ = await asyncio.gather(peer.accept_configured(), provider.start())
    for _ in range(4):
        await next_of(events, ProviderReady)
        now_ms += 60_000.0
        await session.close(1001)
        session = await peer.accept_configured()
    await next_of(events, ProviderReady)
    await provider.stop()

    assert len(peer.sessions) == 5


async def test_what_is_said_meanwhile_is_bounded_and_counted(peer: RealtimePeer) -> None:
    """The newest 10 s are worth an answer; what is older is not."""
    async with running(peer) as (provider, session):
        events = provider.events()
        await next_of(events, ProviderReady)
        session.abort()
        await next_of(events, ProviderDisconnected)
        for number in range(600):
            await provider.send_audio(bytes([number % 256]) * 160)
        second = await peer.accept_configured()

        assert await next_of(events, ProviderReady) == ProviderReady(True, 500, 100)
        audio = await second.receive_audio(500 * 160)
        assert audio[::160] == bytes(number % 256 for number in range(100, 600))


async def test_stop_during_an_outage_ends_it(peer: RealtimePeer) -> None:
    """The caller hangs up while we wait for the server."""
    async with running(peer, reconnect_initial_ms=60_000, reconnect_max_ms=60_000) as (
        provider,
        session,
    ):
        events = provider.events()
        session.abort()
        await next_of(events, ProviderDisconnected)
        await provider.stop()

        assert await next_event(events) == ProviderEnded()


async def _talk_until_unread(provider: OpenAIRealtimeProvider, session: PeerSession) -> None:
    """Have the server read no more, and send until the sockets of both ends are full."""
    session.stop_reading()
    dropped = 0
    while dropped == 0:
        for _ in range(100):
            await provider.send_audio(FRAME)
        await asyncio.sleep(0)
        dropped = provider.counts["frames_dropped"]


async def test_a_server_that_stops_to_read_is_asked_again(
    peer: RealtimePeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No ping finds it where the sockets are full: what waits for it does."""
    monkeypatch.setattr("voxgate.providers.socket_exchange._UNREAD_S", 0.2)
    async with running(peer) as (provider, session):
        events = provider.events()
        await next_of(events, ProviderReady)
        await _talk_until_unread(provider, session)
        disconnected = await next_of(events, ProviderDisconnected)
        assert disconnected.error.code == "not_read"
        again = await peer.accept_configured()
        await next_of(events, ProviderReady)
        assert await again.receive_audio(len(FRAME))


async def test_stop_does_not_wait_for_a_server_that_does_not_read(
    peer: RealtimePeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hangup would never end: the goodbye waits behind what is unread."""
    monkeypatch.setattr("voxgate.providers.socket_exchange._GOODBYE_S", 0.2)
    async with running(peer) as (provider, session):
        await _talk_until_unread(provider, session)
        async with asyncio.timeout(5):
            await provider.stop()


async def test_stop_says_goodbye(peer: RealtimePeer) -> None:
    """The server sees an orderly close, not a broken line or an error of ours."""
    async with running(peer) as (provider, session):
        await provider.stop()
        await session.wait_closed()

        assert session.close_code == 1000


# -- what is logged --------------------------------------------------------------------------------


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    structlog.reset_defaults()
    with capture_logs() as captured:
        yield captured


async def test_a_call_logs_its_connections_and_nothing_else(
    peer: RealtimePeer, logs: list[Any]
) -> None:
    """Connected, disconnected, reconnected, ended with its counters; no frame, no key, no text."""
    async with running(peer, greeting="Good morning!") as (provider, session):
        events = provider.events()
        for _ in range(20):
            await provider.send_audio(FRAME)
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
    assert all(entry["call_id"] == "call-1" for entry in logs)
    assert logs[0]["host"] == "127.0.0.1"
    written = json.dumps(logs)
    assert KEY not in written
    assert "Good morning" not in written


async def test_the_library_writes_neither_key_nor_messages(
    peer: RealtimePeer, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even when everything else logs at DEBUG, as operators do when they look for a fault."""
    caplog.set_level(logging.DEBUG)
    async with running(peer, greeting="Good morning!") as (_, session):
        await session.receive("response.create")

    ours = [record for record in caplog.records if record.name != "websockets.server"]
    written = "\n".join(record.getMessage() for record in ours)
    assert KEY not in written
    assert "Good morning" not in written


async def test_a_call_that_is_lost_is_an_error_in_the_log(
    peer: RealtimePeer, logs: list[Any]
) -> None:
    """An operator looks for these."""
    async with running(peer, max_reconnects=0) as (provider, session):
        session.abort()
        await next_of(provider.events(), ProviderEnded)

    (lost,) = [entry for entry in logs if entry["event"] == "provider.lost"]
    assert (lost["log_level"], lost["code"]) == ("error", "close_1006")
