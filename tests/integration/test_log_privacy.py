"""Nothing that was said, typed or kept secret gets into the log, whatever goes wrong on a call."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from support.deepgram_peer import DeepgramPeer
from support.realtime_peer import PeerSession, RealtimePeer
from support.scripted_call import loud_frame
from support.telephone import Telephone, until
from support.virtual_time import in_socket_time
from support.voice_service import VoiceService, realtime_config
from voxgate.call_observer import CallObserver
from voxgate.config.models import LogFormat, LogLevel
from voxgate.config.provider_models import (
    DeepgramConfig,
    DeepgramThinkConfig,
    InputTranscriptionConfig,
)
from voxgate.config.tools_config import ToolsConfig
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import decode
from voxgate.core.gate_decision import GateDecision
from voxgate.observe.call_log import CallLog
from voxgate.observe.logging_setup import set_up_logging
from voxgate.providers.base import ProviderDisconnected, ProviderEvent, ProviderWarning
from voxgate.providers.tools import ToolCall, ToolRegistry
from voxgate.transports.base import LineDtmf, LineEvent

_KEY = "planted-api-key-of-nobody"
_INSTRUCTIONS = "planted instructions of the operator"
_GREETING = "planted greeting of the operator"
_SAID = "planted words of the agent"
_COMPLAINT = "planted words of an error that quotes the caller"
_VOICE = b"\x31\x32\x33\x34" * 40

_TRACES = {
    "the key": _KEY,
    "the instructions": _INSTRUCTIONS,
    "the greeting": _GREETING,
    "a transcript": _SAID,
    "a peer's own words": _COMPLAINT,
    "the secrets of the peer": "SECRET",
    "the agent's audio": "12341234",
    "the agent's audio as sent": b64encode(_VOICE).decode()[:12],
    "the caller's audio": repr(loud_frame()[:8])[2:-1],
    "a header": "Bearer",
    "a digit": "digit 7",
}
"""What must not be found, by what it would give away."""


class Clumsy(CallObserver):
    """Raises when it is told of what matters most, with all of it at hand."""

    def on_line_event(self, call_id: str, now_ms: float, event: LineEvent) -> None:
        typed = [event.digit for event in (event,) if isinstance(event, LineDtmf)]
        if typed:
            raise ValueError(f"digit {typed[0]}")

    def on_decision(
        self, call_id: str, now_ms: float, frame: bytes | None, decision: GateDecision
    ) -> None:
        if frame == loud_frame():
            raise ValueError(f"{frame!r}")


class ClumsyAboutAgent(CallObserver):
    """The same, for what the agent says."""

    def on_provider_event(self, call_id: str, now_ms: float, event: ProviderEvent) -> None:
        heard = repr(event)
        if "AgentAudio" in heard:
            raise ValueError(heard)


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    """Leave the log of the process as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


async def talk(session: PeerSession) -> None:
    """Let the agent say something, in every form that a server has for it."""
    await session.start_response("r")
    await session.send_odd(
        {"type": "response.output_audio_transcript.delta", "delta": _SAID, "item_id": "i"}
    )
    await session.send_odd({"type": "an.event.of.the.future", "text": _SAID})
    await session.send_odd({"type": "response.done", "response": _SAID})
    await session.send_text(f"no JSON: {_SAID}")
    await session.send_voice("r", "i", _VOICE)
    await session.finish_voice("r", "i")
    await session.end_response("r")


async def complain(session: PeerSession) -> None:
    """Let the server refuse things, in words that are nobody's business."""
    await session.send_error("some_code")
    await session.send_odd(
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "code": _COMPLAINT, "message": _COMPLAINT},
        }
    )


@pytest.mark.parametrize("log_format", LogFormat)
@in_socket_time
async def test_the_log_of_a_troubled_call_gives_nothing_away(
    log_format: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    """A call with refusals, a cut connection, observers that raise and a lost provider, logged at
    the lowest level: what was planted everywhere is nowhere in the log."""
    set_up_logging(LogLevel.DEBUG, log_format)
    async with RealtimePeer() as peer:
        provider = realtime_config(
            peer.url,
            api_key_env="PLANTED",
            instructions=_INSTRUCTIONS,
            greeting=_GREETING,
            max_reconnects=1,
        )
        async with (
            VoiceService.running(
                provider,
                environ={"PLANTED": _KEY},
                observers=[CallLog(), Clumsy(), ClumsyAboutAgent()],
            ) as service,
            Telephone.calling(service.address) as phone,
        ):
            record = await service.taken(phone)
            session = await peer.accept_configured()
            assert session.headers["Authorization"] == f"Bearer {_KEY}"
            await talk(session)
            await complain(session)
            await phone.peer.send_digit("7")
            phone.say(decode(loud_frame() * 20, AudioFormat()))
            await until(phone.sounds)
            await until(lambda: len(record.provider_times_of(ProviderWarning)) == 2)
            await asyncio.sleep(1)
            session.abort()
            session = await peer.accept_configured()
            assert record.provider_times_of(ProviderDisconnected)
            peer.refuse_next(401)
            await session._connection.close(1011, _COMPLAINT)
            assert (await service.ended(phone)).reason == "provider_lost"
    log = capsys.readouterr().err
    for name in (
        "call.started",
        "provider.disconnected",
        "provider.reconnected",
        "provider.warned",
        "provider.lost",
        "observer.failed",
        "call.ended",
    ):
        assert name in log, f"{name} was not logged, so that the search proves nothing"
    assert log.count("observer.failed") == 2
    assert [what for what, trace in _TRACES.items() if trace in log] == []


_WORDS = "planted words of the caller"
_ARGUMENT = "planted argument of a function"
_RESULT = "planted result of a function"
_NUMBER = "+49-planted-number"
_SECOND_TRACES = {
    **_TRACES,
    "the caller's words": _WORDS,
    "a function's argument": _ARGUMENT,
    "a function's result": _RESULT,
    "a number": _NUMBER,
    "anything that was planted": "planted",
}


async def look_up(call: ToolCall) -> object:
    """Return a result, or fail in words that are nobody's business."""
    if "break" in call.arguments:
        raise ValueError(_RESULT)
    return {"result": _RESULT}


def functions() -> ToolRegistry:
    tools = ToolRegistry()
    tools.register("look_up", look_up, description=_INSTRUCTIONS)
    return tools


_CALLS = (
    ("look_up", json.dumps({"name": _ARGUMENT})),
    ("look_up", json.dumps({"break": _ARGUMENT})),
    ("look_up", f"no JSON: {_ARGUMENT}"),
    ("transfer", '{"target":"sales"}'),
    (_ARGUMENT.replace(" ", "_"), "{}"),
)
"""Calls of functions, one of which nobody knows."""

_TOOLS = ToolsConfig(hangup=True, transfer_targets={"sales": _NUMBER})


async def talk_and_call(session: PeerSession) -> None:
    """Let caller and agent speak, and the model call functions, at a Realtime server."""
    await session.send(
        "conversation.item.input_audio_transcription.completed",
        item_id="c",
        content_index=0,
        transcript=_WORDS,
        usage={"type": "duration", "seconds": 1.0},
    )
    await session.send_odd(
        {
            "type": "conversation.item.input_audio_transcription.failed",
            "item_id": "c",
            "error": {"code": "audio_unintelligible", "message": _WORDS},
        }
    )
    output = [
        {
            "id": f"f{n}",
            "type": "function_call",
            "call_id": f"c{n}",
            "name": name,
            "arguments": text,
        }
        for n, (name, text) in enumerate(_CALLS)
    ]
    await session.start_response("q")
    await session.send(
        "response.done", response={"id": "q", "status": "completed", "output": output}
    )
    for _ in output:
        await session.receive("conversation.item.create")


@in_socket_time
async def test_functions_transcripts_and_renewals_give_nothing_away(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A call with functions that work, fail and don't exist, a caller whose words are known, a
    session that expires, and one that is refused at the end."""
    set_up_logging(LogLevel.DEBUG, LogFormat.JSON)
    async with RealtimePeer() as peer:
        provider = realtime_config(
            peer.url,
            api_key_env="PLANTED",
            instructions=_INSTRUCTIONS,
            greeting=_GREETING,
            tools=_TOOLS,
            input_transcription=InputTranscriptionConfig(),
            max_reconnects=2,
        )
        async with (
            VoiceService.running(
                provider, environ={"PLANTED": _KEY}, observers=[CallLog()], tools=functions()
            ) as service,
            Telephone.calling(service.address) as phone,
        ):
            await service.taken(phone)
            session = await peer.accept_configured()
            await talk_and_call(session)
            await session.send_error("session_expired")
            session = await peer.accept_configured()
            said = [await session.receive("conversation.item.create") for _ in range(2)]
            assert said[1]["item"]["content"][0]["text"] == _WORDS, "the past is known there"
            peer.refuse_next(403)
            session.abort()
            assert (await service.ended(phone)).reason == "provider_lost"
    log = capsys.readouterr().err
    for name in ("tool.failed", "call.transfer_requested", "provider.warned", "provider.lost"):
        assert name in log, f"{name} was not logged, so that the search proves nothing"
    assert [what for what, trace in _SECOND_TRACES.items() if trace in log] == []


@pytest.mark.parametrize("log_format", LogFormat)
@in_socket_time
async def test_a_troubled_call_to_deepgram_gives_nothing_away(
    log_format: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    """Text of both sides, functions, warnings, garbage, a cut connection and a refusal."""
    set_up_logging(LogLevel.DEBUG, log_format)
    async with DeepgramPeer() as peer:
        provider = DeepgramConfig(
            url=peer.url,
            api_key_env="PLANTED",
            think=DeepgramThinkConfig(prompt=_INSTRUCTIONS),
            greeting=_GREETING,
            tools=_TOOLS,
            max_reconnects=1,
            reconnect_initial_ms=100,
        )
        async with (
            VoiceService.running(
                provider,
                environ={"PLANTED": _KEY},
                observers=[CallLog(), ClumsyAboutAgent()],
                tools=functions(),
            ) as service,
            Telephone.calling(service.address) as phone,
        ):
            record = await service.taken(phone)
            deepgram = await peer.accept_configured()
            assert deepgram.headers["Authorization"] == f"Token {_KEY}"
            await deepgram.hear(_WORDS)
            for number, (name, arguments) in enumerate(_CALLS):
                await deepgram.request_function(f"f{number}", name, arguments)
                await deepgram.receive("FunctionCallResponse")
            await deepgram.say(_SAID, _VOICE)
            await deepgram.warn("SLOW_THINK_REQUEST")
            await deepgram.send_odd({"type": "Warning", "code": _COMPLAINT})
            await deepgram.send_odd({"type": "InjectionRefused", "message": _SAID})
            await deepgram.send_raw(f"no JSON: {_SAID}")
            await deepgram.send_odd({"type": "OfTheFuture", "content": _SAID})
            await until(lambda: len(record.provider_times_of(ProviderWarning)) == 3)
            deepgram.abort()
            deepgram = await peer.accept_configured()
            assert _WORDS in json.dumps(deepgram.messages[0]), "the past is known there"
            await deepgram.fail("INVALID_SETTINGS")
            assert (await service.ended(phone)).reason == "provider_lost"
    log = capsys.readouterr().err
    for name in (
        "tool.failed",
        "provider.disconnected",
        "provider.reconnected",
        "provider.warned",
        "provider.lost",
        "observer.failed",
    ):
        assert name in log, f"{name} was not logged, so that the search proves nothing"
    traces = {**_SECOND_TRACES, "a header": "Token "}
    assert [what for what, trace in traces.items() if trace in log] == []


@pytest.mark.parametrize("status", [401, 403, 404, 429, 503])
@in_socket_time
async def test_a_refused_call_gives_nothing_away(
    status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The body of a refusal quotes the key; neither provider logs it, or puts it into an error."""
    set_up_logging(LogLevel.DEBUG, LogFormat.JSON)
    deepgram, openai = DeepgramPeer(status), RealtimePeer(status)
    async with deepgram, openai:
        for provider in (
            DeepgramConfig(url=deepgram.url, api_key_env="PLANTED", max_reconnects=0),
            realtime_config(openai.url, api_key_env="PLANTED", max_reconnects=0),
        ):
            async with (
                VoiceService.running(
                    provider, environ={"PLANTED": _KEY}, observers=[CallLog()]
                ) as service,
                Telephone.calling(service.address) as phone,
            ):
                ended = await service.ended(phone)
                assert ended.reason == "provider_unreachable"
                assert "planted" not in ended.detail
                assert "SECRET" not in ended.detail
    log = capsys.readouterr().err
    assert log.count("provider.lost") == 2
    assert [what for what, trace in _SECOND_TRACES.items() if trace in log] == []


@in_socket_time
async def test_a_call_leaves_nothing_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is recorded: no file is opened for writing from the call's first frame to its end."""
    written: list[str] = []
    is_call_on = False

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and is_call_on and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            written.append(str(arguments[0]))

    sys.addaudithook(listen)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    async with DeepgramPeer() as deepgram, RealtimePeer() as openai:
        for peer, provider in (
            (deepgram, DeepgramConfig(url=deepgram.url, api_key_env=None)),
            (openai, realtime_config(openai.url)),
        ):
            async with (
                VoiceService.running(provider, observers=[CallLog()]) as service,
                Telephone.calling(service.address) as phone,
            ):
                await service.taken(phone)
                is_call_on = True
                session = await peer.accept_configured()
                if isinstance(session, PeerSession):
                    await talk(session)
                else:
                    await session.say(_SAID, _VOICE)
                phone.say(decode(loud_frame() * 20, AudioFormat()))
                await until(phone.sounds)
                await service.ended_after_hangup(phone)
                is_call_on = False

    assert written == []
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - in the loop, where pathlib is not to be used


def test_the_traces_are_what_audio_looks_like() -> None:
    """The search would find audio if it were there, as bytes and as sent."""
    assert _TRACES["the caller's audio"] in repr(loud_frame())
    assert _TRACES["the agent's audio"] in repr(_VOICE)
    assert decode(_VOICE, AudioFormat(Encoding.MULAW)).any()
