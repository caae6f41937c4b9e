"""The OpenAI Realtime provider in whole turns: functions, our own turns, renewal, and a proxy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

import pytest

from integration.provider_conformance import AUDIO, next_of
from support.realtime_peer import RealtimePeer
from support.scripted_gate import ScriptedGate, decision_of
from voxgate.config.provider_models import (
    OpenAIRealtimeConfig,
    TurnDetectionConfig,
    TurnDetectionType,
)
from voxgate.core.gate_decision import GateDecision, GateReason
from voxgate.errors import ProviderError
from voxgate.providers.base import (
    AgentAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    FunctionCalled,
    FunctionReturned,
    ProviderDisconnected,
    ProviderReady,
    ResponseDone,
    Speaker,
    Transcript,
    UsageReported,
)
from voxgate.providers.openai_realtime import OpenAIRealtimeProvider
from voxgate.providers.tools import ToolCall, ToolRegistry
from voxgate.realtime_server import (
    AnswerRequest,
    FunctionCall,
    Pace,
    RealtimeServer,
    SessionOptions,
    Speech,
    agent_voices,
)

FAST = SessionOptions(pace=Pace(speed_ratio=200.0, first_delta_ms=0.0))
LOCAL = TurnDetectionConfig(type=TurnDetectionType.NONE, silence_duration_ms=200)
TONE = b"\x20" * 160
ARGUMENTS = '{"city":"Ulm"}'


def line(name: str) -> Speech:
    voice = agent_voices()[name]
    return Speech(text=voice.text, audio=voice.audio, audio_format=voice.audio_format)


class CallingAnswerer:
    """Calls a function at first, and says something once it has the result."""

    def __init__(self) -> None:
        self.requests: list[AnswerRequest] = []

    async def answer(self, request: AnswerRequest) -> AsyncIterator[Speech | FunctionCall]:
        self.requests.append(request)
        if request.function_output is None:
            yield FunctionCall(name="weather", arguments=ARGUMENTS)
            yield FunctionCall(name="nonsense")
        else:
            yield line("card_payment")


class Clock:
    """The time of the provider, which a test sets."""

    def __init__(self) -> None:
        self.now_ms = 1000.0

    def __call__(self) -> float:
        return self.now_ms


def said(reason: GateReason) -> GateDecision:
    return GateDecision(
        action=decision_of(TONE).action,
        state=decision_of(TONE).state,
        reason=reason,
        audio=(TONE,),
    )


@asynccontextmanager
async def provider_at(
    url: str,
    *,
    gate: ScriptedGate | None = None,
    clock: Clock | None = None,
    tools: ToolRegistry | None = None,
    **settings: Any,
) -> AsyncIterator[OpenAIRealtimeProvider]:
    settings = {"greeting": None, "reconnect_initial_ms": 10, **settings}
    provider = OpenAIRealtimeProvider(
        OpenAIRealtimeConfig(url=url, api_key_env=None, **settings),
        call_id="call-1",
        call_audio=AUDIO,
        manager=gate or ScriptedGate(),
        clock=clock or Clock(),
        api_key=None,
        tools=tools,
    )
    try:
        yield provider
    finally:
        await provider.stop()


async def speak(
    provider: OpenAIRealtimeProvider,
    gate: ScriptedGate,
    clock: Clock,
    reasons: Sequence[tuple[GateReason, int]],
) -> None:
    """Send frames that the gate judges so, 20 ms each."""
    for reason, duration_ms in reasons:
        for _ in range(duration_ms // 20):
            clock.now_ms += 20.0
            gate.frame_decisions.append(said(reason))
            await provider.send_audio(TONE)


TURN = [
    (GateReason.LINE_NOISE, 1000),
    (GateReason.CALLER_SPEECH, 600),
    (GateReason.HANGOVER, 240),
]


async def test_the_model_calls_a_function_and_speaks_of_its_result() -> None:
    """Result and error reach the model, one answer follows, and observers see all of it."""
    calls: list[ToolCall] = []

    async def weather(call: ToolCall) -> object:
        calls.append(call)
        return {"sun": True}

    tools = ToolRegistry()
    tools.register("weather", weather, description="Tells the weather.")
    answerer = CallingAnswerer()
    gate, clock = ScriptedGate(), Clock()
    server = RealtimeServer(answerer_factory=lambda: answerer, options=FAST)
    async with (
        server,
        provider_at(
            server.url, gate=gate, clock=clock, tools=tools, turn_detection=LOCAL
        ) as provider,
    ):
        await provider.start()
        events = provider.events()
        await speak(provider, gate, clock, TURN)
        called = [await next_of(events, FunctionCalled) for _ in range(2)]
        returned = [await next_of(events, FunctionReturned) for _ in range(2)]
        await next_of(events, AgentAudio)
        done = await next_of(events, ResponseDone)

    assert [event.name for event in called] == ["weather", "nonsense"]
    assert {event.function_call_id for event in returned} == {
        event.function_call_id for event in called
    }
    assert [(call.arguments, call.call_id) for call in calls] == [({"city": "Ulm"}, "call-1")]
    assert done.status == "completed"
    assert len(answerer.requests) == 2, "one answer to both results"
    assert answerer.requests[0].functions == ("weather",)
    assert json.loads(answerer.requests[1].function_output or "") in (
        {"sun": True},
        {
            "error": {
                "code": "unknown_function",
                "message": "There is no such function; there is weather.",
            }
        },
    )


async def test_our_own_turns_are_committed_and_answered() -> None:
    """The server gets turns and nothing between them: 300 ms before the speech to its silence."""
    gate, clock = ScriptedGate(), Clock()
    options = SessionOptions(pace=FAST.pace, keeps_input_audio=True)
    async with (
        RealtimeServer(replies=["card_payment"], options=options) as server,
        provider_at(server.url, gate=gate, clock=clock, turn_detection=LOCAL) as provider,
    ):
        await provider.start()
        events = provider.events()
        for _ in range(2):
            await speak(provider, gate, clock, TURN)
            began = await next_of(events, CallerSpeechStarted)
            ended = await next_of(events, CallerSpeechStopped)
            await next_of(events, AgentAudio)
            await next_of(events, UsageReported)
            assert began.capture_ms is not None
            assert ended.capture_ms is not None
            assert ended.capture_ms - began.capture_ms == 600.0
        (record,) = server.sessions

        assert [entry.event for entry in record.log].count("committed") == 2
        assert record.events("speech_started") == (), "the server detects nothing"
        assert record.events("error") == ()
        # 80 ms of the speech pass before it counts as a turn; they are in the padding.
        assert len(record.input_audio) == 2 * (300 + 600 - 80 + 180) * 8
    assert gate.heard == ["started", "stopped"] * 2


async def test_what_the_agent_says_is_told_as_text() -> None:
    """Piece by piece, and then whole."""
    gate, clock = ScriptedGate(), Clock()
    async with (
        RealtimeServer(replies=["card_payment"], options=FAST) as server,
        provider_at(server.url, gate=gate, clock=clock, turn_detection=LOCAL) as provider,
    ):
        await provider.start()
        events = provider.events()
        await speak(provider, gate, clock, TURN)
        pieces = []
        while not (transcript := await next_of(events, Transcript)).is_final:
            pieces.append(transcript.text)

    assert transcript.speaker is Speaker.AGENT
    assert transcript.text == agent_voices()["card_payment"].text == "".join(pieces)


async def test_an_old_session_is_renewed_at_a_quiet_moment() -> None:
    """No outage is reported, nobody is greeted again, and the next session knows the past."""
    clock, gate = Clock(), ScriptedGate()
    async with (
        RealtimePeer() as peer,
        provider_at(peer.url, clock=clock, gate=gate, session_renewal_s=3300.0) as provider,
    ):
        first, _ = await asyncio.gather(peer.accept_configured(), provider.start())
        events = provider.events()
        assert await next_of(events, ProviderReady) == ProviderReady()
        await first.start_response("r1")
        await first.send(
            "response.output_audio_transcript.done",
            response_id="r1",
            item_id="a1",
            output_index=0,
            content_index=0,
            transcript="We open at nine.",
        )
        await next_of(events, Transcript)
        clock.now_ms += 3_301_000.0
        await provider.advance()
        await first.end_response("r1")
        second = await peer.accept_configured()
        event = await anext(events)
        while isinstance(event, ResponseDone):
            event = await anext(events)
        assert event == ProviderReady(reconnected=True), "and no ProviderDisconnected before it"
        items = [await second.receive("conversation.item.create") for _ in range(2)]
        await provider.send_audio(TONE)
        await second.receive_audio(160)

        assert [item["item"]["role"] for item in items] == ["system", "assistant"]
        assert items[1]["item"]["content"][0]["text"] == "We open at nine."
        assert len(peer.sessions) == 2


async def test_a_renewal_that_fails_leaves_the_session_as_it_is() -> None:
    """The old one goes on, and it is tried again half a minute later."""
    clock, gate = Clock(), ScriptedGate()
    async with RealtimePeer() as peer, provider_at(peer.url, clock=clock, gate=gate) as provider:
        first, _ = await asyncio.gather(peer.accept_configured(), provider.start())
        events = provider.events()
        await next_of(events, ProviderReady)
        peer.refuse_next(503)
        clock.now_ms += 3_301_000.0
        await provider.advance()
        async with asyncio.timeout(30):
            while not peer.n_refused:  # noqa: ASYNC110 - the peer answers before it accepts
                await asyncio.sleep(0.01)
        await provider.send_audio(TONE)
        await first.receive_audio(160)
        gate.frame_decisions.append(said(GateReason.LINE_NOISE))
        await provider.send_audio(TONE)
        await first.receive_audio(320)
        clock.now_ms += 31_000.0
        await provider.advance()
        await peer.accept_configured()

        assert await next_of(events, ProviderReady) == ProviderReady(reconnected=True)


async def test_a_session_that_expires_in_an_answer_goes_on_in_the_next() -> None:
    """The server ends it in its own time; the answer that was cut off is asked for again."""
    async with RealtimePeer() as peer, provider_at(peer.url) as provider:
        first, _ = await asyncio.gather(peer.accept_configured(), provider.start())
        events = provider.events()
        await first.start_response("r1")
        await first.send(
            "response.output_audio_transcript.delta",
            response_id="r1",
            item_id="a1",
            output_index=0,
            content_index=0,
            delta="We open ",
        )
        await next_of(events, Transcript)
        await first.send_error("session_expired")
        lost = await next_of(events, ProviderDisconnected)
        second = await peer.accept_configured()
        await second.receive("response.create")

        assert lost.error.code == "session_expired"
        types = [event["type"] for event in second.events]
        assert types == ["session.update", *["conversation.item.create"] * 2, "response.create"]


class ConnectProxy:
    """A proxy on the loopback that knows CONNECT and no more.

    Args:
        status: What it answers.
        upstream: Where it connects to, whatever it is asked for; None: where it is asked to.
    """

    def __init__(self, status: str = "200 OK", *, upstream: str | None = None) -> None:
        self._status = status
        self._upstream = upstream
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.requests.append(head)
        writer.write(f"HTTP/1.1 {self._status}\r\n\r\n".encode())
        if self._status.startswith("200"):
            host, _, port = (self._upstream or head.split()[1]).rpartition(":")
            upstream = await asyncio.open_connection(host, int(port))
            await asyncio.gather(self._pump(reader, upstream[1]), self._pump(upstream[0], writer))
        writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            writer.write(data)
        writer.close()


async def test_a_proxy_is_passed_through() -> None:
    """It sees where to connect to, and no key: that is for the server behind it."""
    async with (
        RealtimePeer() as peer,
        ConnectProxy() as proxy,
        provider_at(peer.url, proxy=proxy.url) as provider,
    ):
        await asyncio.gather(peer.accept_configured(), provider.start())
        host = peer.url.split("/")[2]

        (head,) = proxy.requests
        assert head.startswith(f"CONNECT {host} HTTP/1.1")
        assert "uthorization" not in head
        await provider.stop()


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [("403 Forbidden", "proxy_refused", False), ("502 Bad Gateway", "proxy_failed", True)],
)
async def test_a_proxy_that_refuses_says_so(status: str, code: str, retryable: bool) -> None:
    """It is not taken for the server behind it."""
    async with (
        RealtimePeer() as peer,
        ConnectProxy(status) as proxy,
        provider_at(peer.url, proxy=proxy.url) as provider,
    ):
        with pytest.raises(ProviderError) as caught:
            await provider.start()

    assert (caught.value.code, caught.value.retryable) == (code, retryable)
    assert peer.sessions == []


async def test_an_azure_address_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deployment and API version in the query stay there, and no model is added."""
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    async with RealtimePeer() as peer:
        url = f"{peer.url}?api-version=2025-04-01-preview&deployment=mine"
        async with provider_at(url) as provider:
            session, _ = await asyncio.gather(peer.accept_configured(), provider.start())

            assert session.path.endswith("?api-version=2025-04-01-preview&deployment=mine")
