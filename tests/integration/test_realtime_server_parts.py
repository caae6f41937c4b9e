"""The embedded server with a real recogniser, rules and a real voice: it answers what is said."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from openai import AsyncOpenAI

from support.openai_events import validated
from support.telephone import Telephone, is_sound, until
from support.voice_service import Recorder
from voxgate.config.line_models import AudioSocketConfig, LinesConfig
from voxgate.config.local_models import (
    LocalConfig,
    PiperVoiceConfig,
    PocketsphinxConfig,
    RuleReplyConfig,
)
from voxgate.config.models import AppConfig, EngineConfig, RealtimeServerConfig
from voxgate.config.provider_models import InputTranscriptionConfig, OpenAIRealtimeConfig
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import decode
from voxgate.core.stream_converter import StreamConverter
from voxgate.engine import AIEngine
from voxgate.local_agent.agent_parts import AgentParts, make_parts
from voxgate.local_agent.recogniser import RECOGNISER_FORMAT, Recogniser
from voxgate.providers.base import ResponseDone, Speaker, Transcript
from voxgate.realtime_server import LocalAnswerer, RealtimeServer, agent_voices

pytest.importorskip(
    "pocketsphinx", reason="voxgate[local]; there is no wheel for Python 3.14 and later"
)
pytest.importorskip("piper", reason="needs voxgate[local]")

PATIENCE_S = 240.0
"""Only a test that hangs takes so long."""
MULAW = AudioFormat(Encoding.MULAW)
WIDE = AudioFormat(Encoding.PCM16, 24_000)
SECOND = MULAW.silence(8000)
CALLER = agent_voices()["still_there"]
"""A packaged sentence that the recogniser is sure of."""
WORDS = {"still", "there"}
IN_A_TELEPHONE = {"are", "you", "still", "there"}
"""Of the same sentence in the agent's voice: no two times alike, and hard to understand there."""
LOCAL = LocalConfig(
    recogniser=PocketsphinxConfig(processes=1, timeout_s=120.0),
    reply=RuleReplyConfig(),
    voice=PiperVoiceConfig(processes=1, timeout_s=120.0),
)


@asynccontextmanager
async def started_parts() -> AsyncIterator[AgentParts]:
    """Start recogniser, reply and voice; stopped with the block."""
    parts = make_parts(LOCAL, None)
    async with asyncio.timeout(PATIENCE_S):
        await parts.start()
    try:
        yield parts
    finally:
        await parts.stop()


async def recognised(recogniser: Recogniser, audio: bytes, audio_format: AudioFormat) -> set[str]:
    """Return the words in some audio."""
    turn = recogniser.begin()
    turn.send_audio(StreamConverter(audio_format, RECOGNISER_FORMAT).process(audio))
    return set((await turn.finish()).split())


async def test_a_client_of_the_sdk_is_answered_what_it_said() -> None:
    """Its turn comes back as a transcript and in the answer, as text and as sound."""
    async with (
        started_parts() as parts,
        RealtimeServer(
            recogniser=parts.recogniser,
            answerer_factory=lambda: LocalAnswerer(
                parts.reply, parts.voice, greeting="Hello.", follows_instructions=False
            ),
        ) as server,
        asyncio.timeout(PATIENCE_S),
        AsyncOpenAI(api_key="any", websocket_base_url=server.base_url) as openai,
        openai.realtime.connect(model="gpt-realtime") as connection,
    ):
        mulaw = {"format": {"type": "audio/pcmu"}, "transcription": {"model": "any"}}
        wide = {"format": {"type": "audio/pcm", "rate": WIDE.rate_hz}}
        await connection.session.update(
            session={"type": "realtime", "audio": {"input": mulaw, "output": wide}}  # type: ignore[typeddict-item]
        )
        speech = SECOND + CALLER.audio + SECOND
        for at in range(0, len(speech), 160):
            chunk = b64encode(speech[at : at + 160]).decode()
            await connection.input_audio_buffer.append(audio=chunk)
        heard, said, answer = "", "", b""
        async for event in connection:
            validated(event.to_dict())
            if event.type == "conversation.item.input_audio_transcription.completed":
                heard = event.transcript
            elif event.type == "response.output_audio.delta":
                answer += b64decode(event.delta)
            elif event.type == "response.output_audio_transcript.done":
                said = event.transcript
            elif event.type == "response.done":
                assert event.response.status == "completed"
                break
        words = await recognised(parts.recogniser, answer, WIDE)

    assert set(heard.split()) >= WORDS
    assert said == f"I heard: {heard}."
    assert words >= WORDS


class Calls(Recorder):
    """What the engine told of the one call."""

    @property
    def transcripts(self) -> dict[Speaker, str]:
        """Return what each side has said to the end."""
        events = [event for call in self.calls.values() for _, event in call.provider_events]
        final = [event for event in events if isinstance(event, Transcript) and event.is_final]
        return {event.speaker: event.text for event in final}

    @property
    def is_answered(self) -> bool:
        """Whether an answer is complete."""
        events = [event for call in self.calls.values() for _, event in call.provider_events]
        return any(isinstance(event, ResponseDone) for event in events)


def config_of_parts() -> AppConfig:
    """Return the default configuration, answered by the local parts, on any port."""
    provider = OpenAIRealtimeConfig(
        url="embedded", greeting=None, input_transcription=InputTranscriptionConfig()
    )
    echoing = replace(LOCAL, reply=RuleReplyConfig(otherwise="{text}."))
    return AppConfig(
        engine=EngineConfig(default_provider="agent"),
        providers={"agent": provider, "night": echoing},
        realtime_server=RealtimeServerConfig(answered_by="night"),
        lines=LinesConfig(audiosocket=AudioSocketConfig(port=0)),
    )


async def test_a_caller_is_answered_what_was_said() -> None:
    """By telephone: through line, gate and server, to the parts and back."""
    calls = Calls()
    engine = AIEngine(config_of_parts(), observers=[calls], environ={})
    async with asyncio.timeout(PATIENCE_S):
        await engine.start()
    try:
        async with Telephone.calling(engine.addresses["audiosocket"]) as phone:
            await until(lambda: calls.calls and len(phone.heard) > 50)
            await phone.say_to_the_end(decode(CALLER.audio, MULAW))
            await until(lambda: calls.is_answered, timeout_s=PATIENCE_S)
            await until(lambda: phone.sounds() and not any(map(is_sound, phone.heard[-50:])))
            heard = b"".join(phone.heard)
    finally:
        await engine.stop()
    async with started_parts() as parts:
        words = await recognised(parts.recogniser, heard, AudioFormat())

    assert set(calls.transcripts[Speaker.CALLER].split()) >= WORDS
    assert calls.transcripts[Speaker.AGENT] == f"{calls.transcripts[Speaker.CALLER]}."
    assert len(words & IN_A_TELEPHONE) >= 2
