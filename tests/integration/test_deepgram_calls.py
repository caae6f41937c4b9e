"""Calls from a telephone to Deepgram's agent and back: what passes, passes untouched."""

from __future__ import annotations

import asyncio
import json

import pytest

from support.deepgram_peer import DeepgramPeer, PeerSession
from support.signals import speech_like
from support.telephone import FRAME_BYTES, Telephone, is_sound, until
from support.virtual_time import in_socket_time
from support.voice_service import VoiceService
from voxgate.config.provider_models import DeepgramConfig
from voxgate.config.tools_config import ToolsConfig
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.vad_manager import EnhancedVADManager
from voxgate.providers.base import AgentAudio

VOICE = speech_like(2000, seed=5).astype("<i2").tobytes()
"""2 s of the agent, in whole frames."""


def config(peer: DeepgramPeer, **settings: object) -> DeepgramConfig:
    return DeepgramConfig(url=peer.url, api_key_env=None, greeting=None, **settings)  # type: ignore[arg-type]


def heard_sound(phone: Telephone) -> bytes:
    """Return what was heard, from the first sound to the last."""
    frames = phone.heard
    sounding = [at for at, frame in enumerate(frames) if is_sound(frame)]
    return b"".join(frames[sounding[0] : sounding[-1] + 1]) if sounding else b""


async def say_voice(session: PeerSession, *, is_done: bool = True) -> None:
    """Send the voice as the server does: in chunks that end anywhere."""
    chunks = [VOICE[at : at + 1_111] for at in range(0, len(VOICE), 1_111)]
    await session.say("A long answer.", *chunks, is_done=is_done)


@in_socket_time
async def test_what_the_line_sends_is_what_the_server_gets_to_the_byte(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Speech, echo of the agent, silence, while the agent talks and while it does not: nobody
    looks into a frame on the way, and none is lost, changed or held back."""

    def not_to_be_asked(*_: object, **__: object) -> None:
        raise AssertionError("the gate was asked")

    monkeypatch.setattr(AudioGatingManager, "process", not_to_be_asked)
    monkeypatch.setattr(AudioGatingManager, "advance", not_to_be_asked)
    monkeypatch.setattr(EnhancedVADManager, "process", not_to_be_asked)
    async with (
        DeepgramPeer() as peer,
        VoiceService.running(config(peer)) as service,
        Telephone.calling(service.address, echo_loss_db=10.0) as phone,
    ):
        await service.taken(phone)
        session = await peer.accept_configured()
        assert session.messages[0]["audio"] == {
            "input": {"encoding": "linear16", "sample_rate": 8000},
            "output": {"encoding": "linear16", "sample_rate": 8000, "container": "none"},
        }
        phone.say(speech_like(1500, seed=1))
        await say_voice(session)
        phone.say(speech_like(1500, seed=2))
        await until(lambda: len(phone.heard) > 300)
        phone.fall_silent()
        await asyncio.sleep(0.2)
        delivered = b"".join(phone.delivered)
        received = await session.receive_audio(len(delivered))
        ended = await service.ended_after_hangup(phone)

    assert received == delivered
    assert all(len(frame) == FRAME_BYTES for frame in session.server.frames)
    assert len(set(session.server.frames)) > 100, "the line carried sound"
    assert (ended.reason, ended.gate) == ("caller_hangup", None)


@in_socket_time
async def test_what_the_agent_says_is_what_the_line_plays_to_the_byte() -> None:
    """However the server cuts it into messages; only what fills up the last frame is added."""
    async with (
        DeepgramPeer() as peer,
        VoiceService.running(config(peer)) as service,
        Telephone.calling(service.address) as phone,
    ):
        record = await service.taken(phone)
        session = await peer.accept_configured()
        await say_voice(session)
        await until(lambda: len(heard_sound(phone)) >= len(VOICE) - FRAME_BYTES)
        await asyncio.sleep(0.2)
        sound = heard_sound(phone)
        await service.ended_after_hangup(phone)

    assert sound.strip(b"\0") in VOICE
    assert len(sound) == len(VOICE)
    assert record.provider_times_of(AgentAudio)


@in_socket_time
async def test_the_caller_s_word_silences_the_agent_at_once() -> None:
    """``UserStartedSpeaking`` flushes seconds of playout; the answer to it is heard."""
    async with (
        DeepgramPeer() as peer,
        VoiceService.running(config(peer)) as service,
        Telephone.calling(service.address) as phone,
    ):
        await service.taken(phone)
        session = await peer.accept_configured()
        await say_voice(session)
        await until(lambda: len(phone.sounds()) >= 20)
        await session.send("UserStartedSpeaking")
        n_heard = len(phone.heard)
        await asyncio.sleep(0.5)
        after = phone.heard[n_heard:]
        assert sum(map(is_sound, after)) <= 4, "it stopped within some frames"
        await session.send("ConversationText", role="user", content="Stop.")
        await session.say("Yes?", VOICE[:3200])
        await until(lambda: VOICE[:3200] in b"".join(phone.heard[n_heard:]))
        ended = await service.ended_after_hangup(phone)

    assert ended.reason == "caller_hangup"


@in_socket_time
async def test_an_outage_is_no_end_of_the_call() -> None:
    """What the caller says meanwhile reaches the next session whole; the line goes on."""
    async with (
        DeepgramPeer() as peer,
        VoiceService.running(config(peer)) as service,
        Telephone.calling(service.address) as phone,
    ):
        await service.taken(phone)
        session = await peer.accept_configured()
        await session.receive_audio(20 * FRAME_BYTES)
        peer.refuse_next(503)
        session.abort()
        phone.say(speech_like(1000, seed=3))
        second = await peer.accept_configured()
        phone.fall_silent()
        await asyncio.sleep(0.2)
        delivered = b"".join(phone.delivered)
        received = session.audio + second.audio
        ended = await service.ended_after_hangup(phone)

    # What was on its way into the connection that broke is lost with it, and nothing else.
    assert received.startswith(session.audio)
    assert delivered.endswith(second.audio)
    assert len(delivered) - len(received) <= 5 * FRAME_BYTES
    assert ended.reason == "caller_hangup"
    assert ended.skipped_slots == 0


@in_socket_time
async def test_an_agent_that_says_goodbye_ends_the_call() -> None:
    """With the function that the configuration gives it, when its farewell was heard; where it
    can't transfer the call, it is told so."""
    tools = ToolsConfig(hangup=True, transfer_targets={"sales": "+4930123456"})
    async with (
        DeepgramPeer() as peer,
        VoiceService.running(config(peer, tools=tools)) as service,
        Telephone.calling(service.address) as phone,
    ):
        await service.taken(phone)
        session = await peer.accept()
        settings = await session.configure()
        functions = settings["agent"]["think"]["functions"]
        await session.hear("Sales, please.")
        await session.request_function("f1", "transfer", '{"target":"sales"}')
        transfer = await session.receive("FunctionCallResponse")
        await session.hear("Then goodbye.")
        await say_voice(session)
        await session.request_function("f2", "hangup")
        hangup = await session.receive("FunctionCallResponse")
        ended = await service.ended(phone)

    assert [function["name"] for function in functions] == ["hangup", "transfer"]
    assert "+49" not in json.dumps(settings), "the agent knows names, not numbers"
    assert json.loads(transfer["content"])["error"]["code"] == "not_supported"
    assert json.loads(hangup["content"])["ok"] is True
    assert ended.reason == "agent_hangup"
    assert len(heard_sound(phone)) == len(VOICE), "the farewell was heard to its end"


@in_socket_time
async def test_a_key_that_is_refused_ends_the_call_with_that_reason() -> None:
    """And the engine serves the next."""
    async with (
        DeepgramPeer(401) as peer,
        VoiceService.running(config(peer)) as service,
        Telephone.calling(service.address) as phone,
    ):
        ended = await service.ended(phone)
        async with Telephone.calling(service.address) as second:
            await service.taken(second)
            await peer.accept_configured()

    assert ended.reason == "provider_unreachable"
    assert "invalid_api_key" in ended.detail
