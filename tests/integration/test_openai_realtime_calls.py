"""Calls to a Realtime server over real sockets: which line, whose turns, through which proxy."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from integration.provider_conformance import next_of
from integration.test_openai_realtime_embedded import ConnectProxy
from support.realtime_peer import PeerSession, RealtimePeer
from support.scripted_gate import ScriptedGate, decision_of
from support.telephone import Telephone, mulaw_frames, spoken, until
from support.virtual_time import in_socket_time, virtual_ms
from support.voice_service import VoiceService, realtime_config
from voxgate.clock import Clock, monotonic_ms
from voxgate.config.provider_models import (
    AuthHeader,
    InputTranscriptionConfig,
    OpenAIRealtimeConfig,
    TurnDetectionConfig,
    TurnDetectionType,
)
from voxgate.config.tools_config import ToolsConfig
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.gate_decision import PASS_THROUGH, GateDecision, GateReason
from voxgate.providers.base import (
    AgentAudio,
    CallAudio,
    CallerIdle,
    CallerSpeechStarted,
    CallerSpeechStopped,
    ProviderDisconnected,
    ProviderReady,
    TokenUsage,
)
from voxgate.providers.openai_realtime import OpenAIRealtimeProvider
from voxgate.realtime_server import RealtimeServer

MULAW, ALAW = AudioFormat(Encoding.MULAW), AudioFormat(Encoding.ALAW)
NARROW = AudioFormat()
WIDE, WIDER = AudioFormat(Encoding.PCM16, 16_000), AudioFormat(Encoding.PCM16, 24_000)
PCM_24 = {"type": "audio/pcm", "rate": 24_000}


@pytest.fixture
async def peer() -> AsyncIterator[RealtimePeer]:
    async with RealtimePeer() as peer:
        yield peer


def make_provider(
    url: str,
    *,
    line: AudioFormat = MULAW,
    gate: ScriptedGate | None = None,
    clock: Clock = monotonic_ms,
    api_key: str | None = None,
    **more: Any,
) -> OpenAIRealtimeProvider:
    settings = {"api_key_env": None, "greeting": None, "reconnect_initial_ms": 10, **more}
    return OpenAIRealtimeProvider(
        OpenAIRealtimeConfig(url=url, **settings),
        call_id="call-1",
        call_audio=CallAudio(capture=line, playout=line),
        manager=gate or ScriptedGate(),
        api_key=api_key,
        clock=clock,
    )


async def connected(
    peer: RealtimePeer, provider: OpenAIRealtimeProvider
) -> tuple[PeerSession, dict[str, Any]]:
    """Start a provider; return the session and what it was configured with."""
    starting = asyncio.create_task(provider.start())
    session = await peer.accept()
    configuration = await session.configure()
    await starting
    return session, configuration


def quiet(frame: bytes) -> GateDecision:
    """Return the decision that sends a frame in which nobody speaks."""
    return replace(decision_of(frame), reason=GateReason.LINE_NOISE)


# -- lines -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "wire"),
    [(MULAW, {"type": "audio/pcmu"}), (ALAW, {"type": "audio/pcma"}), (WIDER, PCM_24)],
    ids=["mulaw", "alaw", "pcm-24k"],
)
async def test_a_line_that_speaks_as_the_server_does_is_not_converted(
    peer: RealtimePeer, line: AudioFormat, wire: dict[str, Any]
) -> None:
    """Both directions, to the byte."""
    gate = ScriptedGate()
    gate.frame_decisions.append(PASS_THROUGH)
    provider = make_provider(peer.url, line=line, gate=gate)
    session, configuration = await connected(peer, provider)
    frame = bytes(range(256)) * 4
    await provider.send_audio(frame[: line.frame_bytes])
    await session.start_response("r")
    await session.send_voice("r", "i", frame)
    heard = await next_of(provider.events(), AgentAudio)

    assert await session.receive_audio(line.frame_bytes) == frame[: line.frame_bytes]
    assert heard.audio == frame
    assert configuration["audio"]["input"]["format"] == wire
    assert configuration["audio"]["output"]["format"] == wire
    await provider.stop()


@pytest.mark.parametrize("line", [WIDE, AudioFormat(Encoding.PCM16, 48_000)], ids=["16k", "48k"])
async def test_a_wide_line_is_heard_and_spoken_to_at_24_khz(
    peer: RealtimePeer, line: AudioFormat
) -> None:
    """Nothing of it is thrown away: a second stays a second, at the only linear rate there is."""
    provider = make_provider(peer.url, line=line)
    session, configuration = await connected(peer, provider)
    for _ in range(50):
        await provider.send_audio(line.silence(line.frame_bytes))
    received = await session.receive_audio(int(0.98 * 48_000))
    await session.start_response("r")
    await session.send_voice("r", "i", bytes(48_000))
    heard = await next_of(provider.events(), AgentAudio)

    assert configuration["audio"]["input"]["format"] == PCM_24
    assert configuration["audio"]["output"]["format"] == PCM_24
    assert len(received) <= 48_000
    assert line.duration_ms(len(heard.audio)) == pytest.approx(1000.0, abs=20.0)
    await provider.stop()


async def test_a_narrow_linear_line_is_spoken_to_in_mulaw(peer: RealtimePeer) -> None:
    """A sixth of the bytes, and no resampling."""
    provider = make_provider(peer.url, line=NARROW)
    session, configuration = await connected(peer, provider)
    await provider.send_audio(NARROW.silence(320))

    assert await session.receive_audio(160) == MULAW.silence(160)
    assert configuration["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    await provider.stop()


# -- turns -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("detection", TurnDetectionType)
@in_socket_time
async def test_each_turn_detector_brings_an_answer_to_the_caller(
    detection: TurnDetectionType,
) -> None:
    """A telephone, the gate, the embedded server: two questions, two answers, whoever finds the
    turns; and the call's tokens are summed up."""
    turns = TurnDetectionConfig(type=detection)
    replies = ("go_on", "still_there")
    async with (
        RealtimeServer(clock=virtual_ms, replies=replies, speed_ratio=8.0) as server,
        VoiceService.running(realtime_config(server.url, turn_detection=turns)) as service,
        Telephone.calling(service.address) as phone,
    ):
        record = await service.taken(phone)
        await asyncio.sleep(0.6)
        for reply in replies:
            await phone.say_to_the_end(spoken("stop"))
            answer = mulaw_frames(reply)
            await until(lambda answer=answer: phone.heard_of(answer) == len(answer))
            await asyncio.sleep(0.6)
        ended = await service.ended_after_hangup(phone)
        (session,) = server.sessions

    assert len(record.provider_times_of(CallerSpeechStarted)) == 2
    assert len(record.provider_times_of(CallerSpeechStopped)) == 2
    finds_turns = detection is not TurnDetectionType.NONE
    assert len(session.events("speech_started")) == (2 if finds_turns else 0)
    assert len(session.events("committed")) == 2
    assert session.events("error") == ()
    assert ended.usage is not None
    assert ended.usage.output_audio_tokens > 0
    assert ended.usage.input_tokens >= ended.usage.cached_input_tokens


@pytest.mark.parametrize("detection", TurnDetectionType)
async def test_the_server_is_told_who_finds_turns(
    peer: RealtimePeer, detection: TurnDetectionType
) -> None:
    """By its type, or null; what it reports is taken whichever it is."""
    provider = make_provider(peer.url, turn_detection=TurnDetectionConfig(type=detection))
    session, configuration = await connected(peer, provider)
    told = configuration["audio"]["input"]["turn_detection"]
    await session.send("input_audio_buffer.speech_started", audio_start_ms=0, item_id="c")

    await next_of(provider.events(), CallerSpeechStarted)
    assert told is None if detection is TurnDetectionType.NONE else told["type"] == str(detection)
    await provider.stop()


@in_socket_time
async def test_an_agent_asks_whether_anybody_is_there() -> None:
    """``idle_timeout_ms`` after its last word, without a word of the caller."""
    turns = TurnDetectionConfig(idle_timeout_ms=5000)
    async with (
        RealtimeServer(clock=virtual_ms, replies=("go_on",), speed_ratio=8.0) as server,
        VoiceService.running(realtime_config(server.url, turn_detection=turns)) as service,
        Telephone.calling(service.address) as phone,
    ):
        record = await service.taken(phone)
        await asyncio.sleep(0.6)
        await phone.say_to_the_end(spoken("stop"))
        first, asking = mulaw_frames("go_on"), mulaw_frames("still_there")
        await until(lambda: phone.heard_of(first) == len(first))
        answered_ms = virtual_ms()
        await until(lambda: phone.heard_of(asking) == len(asking))
        await service.ended_after_hangup(phone)

    (idle_ms,) = record.provider_times_of(CallerIdle)[:1]
    assert 4500 <= idle_ms - answered_ms <= 6500


# -- long calls ------------------------------------------------------------------------------------


async def test_nothing_that_is_said_while_a_session_is_renewed_is_lost(peer: RealtimePeer) -> None:
    """After 55 minutes by the call's clock: each frame reaches one of both sessions, once, in
    order; the next one knows what was said, and nobody hears of an outage."""
    now_ms = 1000.0
    gate = ScriptedGate()
    provider = make_provider(
        peer.url,
        gate=gate,
        clock=lambda: now_ms,
        input_transcription=InputTranscriptionConfig(),
    )
    first, _ = await connected(peer, provider)
    events = provider.events()
    assert await next_of(events, ProviderReady) == ProviderReady()
    await first.send(
        "conversation.item.input_audio_transcription.completed",
        item_id="c1",
        content_index=0,
        transcript="When do you open?",
        usage={"type": "duration", "seconds": 1.0},
    )
    frames = [bytes([number]) * 160 for number in range(120)]
    gate.frame_decisions.extend(quiet(frame) for frame in frames)
    for frame in frames[:40]:
        await provider.send_audio(frame)
    await first.receive_audio(40 * 160)
    now_ms += 3_301_000.0
    await provider.advance()
    second = await peer.accept()
    for frame in frames[40:80]:
        await provider.send_audio(frame)
    await second.configure()
    for frame in frames[80:]:
        await provider.send_audio(frame)
    await second.receive_audio(len(b"".join(frames)) - len(first.audio))
    item = await second.receive("conversation.item.create")
    said = await second.receive("conversation.item.create")

    assert bytes(first.audio + second.audio) == b"".join(frames)
    assert item["item"]["role"] == "system"
    assert said["item"]["content"] == [{"type": "input_text", "text": "When do you open?"}]
    event = await anext(events)
    while not isinstance(event, ProviderReady):
        assert not isinstance(event, ProviderDisconnected)
        event = await anext(events)
    assert (event.reconnected, event.dropped_frames) == (True, 0)
    await provider.stop()


@in_socket_time
async def test_an_agent_that_says_goodbye_ends_the_call() -> None:
    """With the function that the configuration gives it: the farewell is heard to its end, and
    what it took is in the summary."""
    async with (
        RealtimePeer() as peer,
        VoiceService.running(realtime_config(peer.url, tools=ToolsConfig(hangup=True))) as service,
        Telephone.calling(service.address) as phone,
    ):
        await service.taken(phone)
        session = await peer.accept()
        configuration = await session.configure()
        assert [tool["name"] for tool in configuration["tools"]] == ["hangup"]
        await session.start_response("r")
        await session.send_voice("r", "i", b"\x20" * 8000)
        await session.finish_voice("r", "i")
        call = {
            "id": "f",
            "type": "function_call",
            "call_id": "call_1",
            "name": "hangup",
            "arguments": "{}",
        }
        usage = {"input_tokens": 90, "output_tokens": 20, "total_tokens": 110}
        response = {"id": "r", "status": "completed", "output": [call], "usage": usage}
        await session.send("response.done", response=response)
        result = await session.receive("conversation.item.create")
        ended = await service.ended(phone)

    assert json.loads(result["item"]["output"])["ok"] is True
    assert ended.reason == "agent_hangup"
    assert ended.usage == TokenUsage(input_tokens=90, output_tokens=20)
    assert sum(any(frame) for frame in phone.heard) >= 50, "a second of farewell"


# -- on the way ------------------------------------------------------------------------------------


async def test_a_proxy_of_the_environment_may_want_a_password(
    peer: RealtimePeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is shown to the proxy, in the form that proxies know, and to nobody else; the key is for
    the server behind it."""
    async with ConnectProxy(upstream=peer.url.split("/")[2]) as proxy:
        address = proxy.url.replace("http://", "http://clerk:planted-word@")
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, address)
        for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "WS_PROXY", "ws_proxy"):
            monkeypatch.delenv(name, raising=False)
        provider = make_provider("ws://realtime.example/v1/realtime", api_key="planted-key")
        with capture_logs() as logs:
            session, _ = await connected(peer, provider)
            await provider.stop()
        (head,) = proxy.requests
    basic = base64.b64encode(b"clerk:planted-word").decode()

    assert head.startswith("CONNECT realtime.example:80 HTTP/1.1")
    assert f"Proxy-Authorization: Basic {basic}" in head
    assert "planted-key" not in head
    assert session.headers["Authorization"] == "Bearer planted-key"
    assert "Proxy-Authorization" not in session.headers
    assert "planted" not in repr(logs)


async def test_a_deployment_at_azure_is_reached_with_its_key_and_its_version(
    peer: RealtimePeer,
) -> None:
    """Address, header and query as Azure wants them."""
    url = f"{peer.base_url}/openai/v1/realtime?deployment=front-desk"
    provider = make_provider(url, api_key="azure-key", auth_header=AuthHeader.API_KEY)
    session, configuration = await connected(peer, provider)

    assert session.path == "/openai/v1/realtime?deployment=front-desk"
    assert session.headers["api-key"] == "azure-key"
    assert "Authorization" not in session.headers
    assert configuration["type"] == "realtime"
    await provider.stop()
