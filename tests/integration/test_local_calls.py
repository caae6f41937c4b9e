"""Calls from a telephone to the agent on this machine and back: its turns, its echo, its parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from support.chat_server import ChatServer, text_chunks, tool_chunks
from support.telephone import Telephone, is_sound, spoken, until
from support.virtual_time import in_socket_time, virtual_ms
from support.voice_service import CallRecord, Recorder, VoiceService
from voxgate.config.line_models import AudioSocketConfig, LinesConfig
from voxgate.config.local_models import (
    ChatReplyConfig,
    LocalConfig,
    PiperVoiceConfig,
    PocketsphinxConfig,
    RuleReplyConfig,
)
from voxgate.config.models import AppConfig, EngineConfig, GatingSection
from voxgate.config.tools_config import ToolsConfig
from voxgate.core.audio import AudioFormat
from voxgate.core.g711 import decode
from voxgate.core.stream_converter import StreamConverter
from voxgate.engine import AIEngine
from voxgate.local_agent.agent_parts import AgentParts
from voxgate.local_agent.chat_reply import ChatReply
from voxgate.local_agent.recogniser import RECOGNISER_FORMAT
from voxgate.local_agent.rule_reply import RuleReply
from voxgate.local_agent.scripted import ScriptedRecogniser
from voxgate.local_agent.voice import SpokenAudio
from voxgate.providers.base import (
    CallerSpeechStarted,
    ResponseDone,
    Speaker,
    Transcript,
)
from voxgate.realtime_server.voice_library import agent_voices

LINE = AudioFormat()
RULES = RuleReplyConfig(rules={"bicycle": "A long answer about bicycles.", "sorry": "Yes?"})
LONG, SHORT = "service_time", "hello"


class PackagedVoice:
    """Says a packaged sentence of speech, a long one for a long text: echo of it is voice."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def start(self) -> None:
        pass

    async def speak(self, text: str) -> AsyncIterator[SpokenAudio]:
        self.texts.append(text)
        line = agent_voices()[LONG if len(text) > 20 else SHORT]
        for at in range(0, len(line.audio), 4000):
            await asyncio.sleep(0)
            yield SpokenAudio(line.audio[at : at + 4000], line.audio_format)

    async def stop(self) -> None:
        pass


Understands = Callable[..., ScriptedRecogniser]


@pytest.fixture
def understanding(monkeypatch: pytest.MonkeyPatch) -> Understands:
    """Give the engine parts that need no package and no time; what is understood, a test says."""

    def understand(*texts: str) -> ScriptedRecogniser:
        recogniser = ScriptedRecogniser(texts)
        parts = AgentParts(recogniser=recogniser, reply=RuleReply(RULES), voice=PackagedVoice())
        monkeypatch.setattr("voxgate.call.services.make_parts", lambda *_: parts)
        return recogniser

    return understand


def transcripts(record: CallRecord, speaker: Speaker) -> list[str]:
    """Return what was said, item by item; of an item that was cut off, what was heard."""
    last: dict[str, str] = {}
    for _, event in record.provider_events:
        if isinstance(event, Transcript) and event.speaker is speaker and event.is_final:
            last[event.item_id] = event.text
    return list(last.values())


@in_socket_time
async def test_a_question_is_answered(understanding: Understands) -> None:
    """The recogniser gets the line's audio to the byte, the gate is not asked, and the answer is
    played."""
    heard = understanding("how long is a bicycle serviced")
    async with (
        VoiceService.running(LocalConfig(greeting=None)) as service,  # type: ignore[arg-type]
        Telephone.calling(service.address) as phone,
    ):
        record = await service.taken(phone)

        def not_to_be_asked(*_: object) -> None:
            raise AssertionError("the gate was asked")

        service.engine.manager.process = not_to_be_asked  # type: ignore[assignment, method-assign]
        await phone.say_to_the_end(spoken("question"))
        await until(phone.sounds)
        delivered = b"".join(phone.delivered)
        ended = await service.ended_after_hangup(phone)

    assert transcripts(record, Speaker.CALLER) == ["how long is a bicycle serviced"]
    (turn,) = heard.turns
    converted = StreamConverter(LINE, RECOGNISER_FORMAT).process(delivered)
    assert turn.audio in converted
    assert RECOGNISER_FORMAT.duration_ms(len(turn.audio)) > 4500, "all of the sentence"
    assert ended.reason == "caller_hangup"
    assert ended.gate is None


@in_socket_time
@pytest.mark.parametrize("echo_loss_db", [None, 30.0, 20.0, 12.0])
async def test_the_agent_hears_out_its_own_echo_and_stops_for_the_caller(
    understanding: Understands, echo_loss_db: float | None
) -> None:
    """Seconds of its own voice come back and interrupt nothing; the caller's words do, and what was
    heard of the answer is what is remembered."""
    understanding("tell me about my bicycle", "sorry wait")
    async with (
        VoiceService.running(LocalConfig(greeting=None)) as service,  # type: ignore[arg-type]
        Telephone.calling(service.address, echo_loss_db=echo_loss_db) as phone,
    ):
        record = await service.taken(phone)
        await phone.say_to_the_end(spoken("question"))
        await until(lambda: len(phone.sounds()) > 300)
        n_turns = len(record.provider_times_of(CallerSpeechStarted))
        assert n_turns == 1, "the echo is nobody"
        phone.say(spoken("interruption"))
        await until(lambda: len(record.provider_times_of(CallerSpeechStarted)) == 2)
        n_heard = len(phone.heard)
        await asyncio.sleep(0.4)
        assert sum(map(is_sound, phone.heard[n_heard + 3 :])) == 0, "it stopped within frames"
        await until(lambda: len(record.provider_times_of(ResponseDone)) == 2)
        await service.ended_after_hangup(phone)

    assert transcripts(record, Speaker.CALLER) == ["tell me about my bicycle", "sorry wait"]
    answers = transcripts(record, Speaker.AGENT)
    assert answers[-1] == "Yes?"
    assert RULES.rules["bicycle"].startswith(answers[0])
    assert answers[0] != RULES.rules["bicycle"], "it was cut where the caller interrupted"


@in_socket_time
async def test_the_agent_ends_the_call_after_its_farewell(understanding: Understands) -> None:
    """Where the operator lets it."""
    understanding("thank you goodbye")
    config = LocalConfig(greeting="Hello.", tools=ToolsConfig(hangup=True))
    async with (
        VoiceService.running(config) as service,  # type: ignore[arg-type]
        Telephone.calling(service.address) as phone,
    ):
        record = await service.taken(phone)
        await until(lambda: len(phone.sounds()) > 50)
        await until(lambda: not any(map(is_sound, phone.heard[-25:])))
        await phone.say_to_the_end(spoken("thanks"))
        ended = await service.ended(phone)

    assert ended.reason == "agent_hangup"
    assert transcripts(record, Speaker.AGENT) == ["Hello.", "Goodbye."]


async def test_the_parts_of_the_package_talk_with_a_caller() -> None:
    """Pocketsphinx and Piper, as an operator gets them without a key, a server or a network: the
    agent greets, says what it heard, and hears the caller again."""
    pytest.importorskip(
        "pocketsphinx", reason="voxgate[local]; there is no wheel for Python 3.14 and later"
    )
    pytest.importorskip("piper", reason="needs voxgate[local]")
    config = LocalConfig(
        recogniser=PocketsphinxConfig(processes=1, timeout_s=120.0),
        voice=PiperVoiceConfig(processes=1, timeout_s=120.0),
        reply=RuleReplyConfig(otherwise="I heard you say: {text}."),
    )
    async with (
        VoiceService.running(config) as service,  # type: ignore[arg-type]
        Telephone.calling(service.address, echo_loss_db=30.0) as phone,
    ):
        record = await service.taken(phone)
        await until(lambda: len(phone.sounds()) > 50)
        await until(lambda: not any(map(is_sound, phone.heard[-50:])))
        n_before = len(phone.sounds())
        line = agent_voices()["still_there"]
        await phone.say_to_the_end(decode(line.audio, line.audio_format))
        await until(lambda: len(phone.sounds()) > n_before + 40, timeout_s=120.0)
        phone.say(spoken("interruption"))
        await until(lambda: len(record.provider_times_of(CallerSpeechStarted)) >= 2)
        ended = await service.ended_after_hangup(phone)

    question, *_ = transcripts(record, Speaker.CALLER)
    greeting, answer, *_ = transcripts(record, Speaker.AGENT)
    assert {"still", "there"} & set(question.split())
    assert greeting == "Hello, how can I help you?"
    assert f"I heard you say: {question}.".startswith(answer)
    assert ended.reason == "caller_hangup"


@in_socket_time
async def test_behind_the_gate_the_agent_hears_what_it_lets_through(
    understanding: Understands,
) -> None:
    """The operator's ``gating_enabled: true``: the gate is asked about every frame, keeps the
    agent's echo back, and its word interrupts the agent."""
    understanding("tell me about my bicycle", "sorry wait")
    policies = dict(GatingSection().providers)
    policies["local"] = replace(policies["local"], gating_enabled=True)
    config = AppConfig(
        engine=EngineConfig(default_provider="agent"),
        lines=LinesConfig(audiosocket=AudioSocketConfig(port=0)),
        providers={"agent": LocalConfig(greeting=None)},
        gating=GatingSection(providers=policies),
    )
    recorder = Recorder()
    engine = AIEngine(config, observers=[recorder], clock=virtual_ms, environ={})
    await engine.start()
    service = VoiceService(engine, recorder)
    async with Telephone.calling(service.address, echo_loss_db=15.0) as phone:
        record = await service.taken(phone)
        await phone.say_to_the_end(spoken("question"))
        await until(lambda: len(phone.sounds()) > 300)
        phone.say(spoken("interruption"))
        await until(lambda: len(transcripts(record, Speaker.CALLER)) == 2)
        ended = await service.ended_after_hangup(phone)
    await engine.stop()

    assert transcripts(record, Speaker.CALLER) == ["tell me about my bicycle", "sorry wait"]
    assert ended.gate is not None
    assert ended.gate.withheld_frames > 100, "the echo"
    assert ended.gate.interruptions >= 1


@in_socket_time
async def test_a_language_model_answers_and_hangs_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over its wire: it gets the conversation as it was heard, speaks sentence by sentence, calls
    the function, and what it took is in the call's summary."""
    recogniser = ScriptedRecogniser(["how long does it take", "thank you goodbye"])
    usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
    async with ChatServer() as server:
        chat = ChatReplyConfig(url=server.url, model="test", timeout_s=60.0)
        parts = AgentParts(recogniser=recogniser, reply=ChatReply(chat), voice=PackagedVoice())
        monkeypatch.setattr("voxgate.call.services.make_parts", lambda *_: parts)
        server.answer("Two ", "days. ", "I call **you**.", usage=usage)
        farewell = text_chunks("Goodbye.")[:-1]
        server.send([*farewell, *tool_chunks("call-1", "hangup", "{}")])
        config = LocalConfig(greeting="Hello.", reply=chat, tools=ToolsConfig(hangup=True))
        async with (
            VoiceService.running(config) as service,  # type: ignore[arg-type]
            Telephone.calling(service.address, echo_loss_db=25.0) as phone,
        ):
            record = await service.taken(phone)
            for n_sounds, said in ((50, "question"), (150, "thanks")):
                # The agent has begun, and ended.
                await until(lambda n=n_sounds: len(phone.sounds()) > n)
                await until(lambda: not any(map(is_sound, phone.heard[-25:])))
                await phone.say_to_the_end(spoken(said))
            ended = await service.ended(phone)

    assert ended.reason == "agent_hangup"
    assert ended.usage is not None
    assert (ended.usage.input_tokens, ended.usage.output_tokens) == (20, 5)
    assert transcripts(record, Speaker.AGENT) == ["Hello.", "Two days. I call **you**.", "Goodbye."]
    first, second = (request["messages"] for request in server.requests)
    assert [message["role"] for message in first] == ["system", "user"]
    assert [message["role"] for message in second] == ["system", "user", "assistant", "user"]
    assert server.requests[0]["tools"][0]["function"]["name"] == "hangup"
