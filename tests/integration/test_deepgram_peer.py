"""The peer that judges our client, judged itself: by the vendor's own client."""

from __future__ import annotations

import asyncio
import json
import warnings
from typing import Any

import pytest

from support.deepgram_peer import DeepgramPeer, judge_client_message, judge_server_message

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from deepgram import AsyncDeepgramClient
    from deepgram.agent.v1 import types
    from deepgram.environment import DeepgramClientEnvironment
    from deepgram.types import SpeakSettingsV1, ThinkSettingsV1

KEY = "dg-key-of-test"

pytestmark = pytest.mark.filterwarnings("ignore:websockets.*deprecated:DeprecationWarning")
"""The SDK's own client uses a part of its WebSocket library that is on its way out."""


def vendor_client(peer: DeepgramPeer) -> Any:
    """Return the SDK's client, pointed at the peer."""
    here = DeepgramClientEnvironment(
        base="http://127.0.0.1:9",
        production=peer.base_url,
        agent=peer.base_url,
        agent_rest="http://127.0.0.1:9",
    )
    return AsyncDeepgramClient(api_key=KEY, environment=here)


def vendor_settings() -> types.AgentV1Settings:
    """Return settings as somebody would write them with the SDK."""
    linear = {"encoding": "linear16", "sample_rate": 16_000}
    return types.AgentV1Settings(
        audio=types.AgentV1SettingsAudio(
            input=types.AgentV1SettingsAudioInput(**linear),
            output=types.AgentV1SettingsAudioOutput(**linear, container="none"),
        ),
        agent=types.AgentV1SettingsAgent(
            listen={"provider": {"type": "deepgram", "version": "v1", "model": "nova-3"}},
            think=ThinkSettingsV1(
                provider={"type": "open_ai", "model": "gpt-4o-mini"}, prompt="Be brief."
            ),
            speak=SpeakSettingsV1(provider={"type": "deepgram", "model": "aura-2-thalia-en"}),
            greeting="Hello!",
        ),
    )


async def test_the_vendor_s_own_client_holds_a_conversation_with_the_peer() -> None:
    """Welcome, settings, audio both ways, a function, a sign of life: what it sends passes the
    judgement that ours has to pass, and what it gets it takes for what it is."""
    async with DeepgramPeer() as peer, vendor_client(peer).agent.v1.connect() as client:
        session = await peer.accept()
        assert session.headers["Authorization"].lower() == f"token {KEY}"
        assert session.path == "/v1/agent/converse"
        configuring = asyncio.create_task(session.configure())
        assert isinstance(await client.recv(), types.AgentV1Welcome)
        await client.send_settings(vendor_settings())
        assert isinstance(await client.recv(), types.AgentV1SettingsApplied)
        settings = await configuring
        assert settings["agent"]["greeting"] == "Hello!"

        await client.send_media(b"\x01\x02" * 160)
        assert await session.receive_audio(320) == b"\x01\x02" * 160
        await session.hear("Hello?")
        await session.say("Hello!", b"\x03\x04" * 160)
        await session.request_function("c-1", "weather")
        kinds = [await client.recv() for _ in range(7)]
        assert [type(kind) for kind in kinds] == [
            types.AgentV1UserStartedSpeaking,
            types.AgentV1ConversationText,
            types.AgentV1ConversationText,
            types.AgentV1AgentStartedSpeaking,
            bytes,
            types.AgentV1AgentAudioDone,
            types.AgentV1FunctionCallRequest,
        ]
        await client.send_function_call_response(
            types.AgentV1SendFunctionCallResponse(id="c-1", name="weather", content="sun")
        )
        assert (await session.receive("FunctionCallResponse"))["content"] == "sun"
        await client.send_keep_alive()
        await session.receive("KeepAlive")
        await client.send_inject_agent_message(types.AgentV1InjectAgentMessage(message="Bye."))
        await session.receive("InjectAgentMessage")
        await client.send_inject_user_message(types.AgentV1InjectUserMessage(content="Bye."))
        await session.receive("InjectUserMessage")


@pytest.mark.parametrize(
    "message",
    [
        {"type": "Settings"},
        {"type": "Settings", "audio": {}, "agent": {}, "colour": "red"},
        {"type": "KeepAlive", "every": 8},
        {"type": "InjectAgentMessage", "content": "not its name"},
        {"type": "FunctionCallResponse", "id": "c", "content": "no name"},
        {"type": "Settings", "audio": {"input": {"encoding": "mulaw"}}, "agent": {}},
        {
            "type": "Settings",
            "audio": {},
            "agent": {"listen": {"provider": {"type": "deepgram", "version": "v3"}}},
        },
        {"type": "Welcome", "request_id": "r"},
        {"type": "Nonsense"},
    ],
    ids=lambda message: json.dumps(message)[:60],
)
def test_what_the_vendor_has_no_type_for_is_found(message: dict[str, Any]) -> None:
    """A judge that lets everything pass would prove nothing."""
    with pytest.raises((AssertionError, ValueError)):
        judge_client_message(message)


def test_the_peer_s_own_messages_are_judged_too() -> None:
    """It can't send what the vendor would not."""
    judge_server_message({"type": "SettingsApplied"})
    with pytest.raises((AssertionError, ValueError)):
        judge_server_message({"type": "Error", "code": "X"})
    with pytest.raises((AssertionError, ValueError)):
        judge_server_message({"type": "History", "role": "user"})


async def test_a_client_that_breaks_the_order_is_found() -> None:
    """Audio before the settings hold, settings twice, a result that nobody asked for."""
    async with DeepgramPeer() as peer, vendor_client(peer).agent.v1.connect() as client:
        session = await peer.accept()
        await client.send_media(b"\x01")
        await client.send_keep_alive()
        await client.send_settings(vendor_settings())
        await client.send_settings(vendor_settings())
        await client.send_function_call_response(
            types.AgentV1SendFunctionCallResponse(id="c-9", name="weather", content="sun")
        )
        await session.receive("FunctionCallResponse")
        problems = list(session.server.problems)
        session.server.problems.clear()  # the peer would fail the test for them

    assert problems == [
        "audio before SettingsApplied",
        "NON_SETTINGS_MESSAGE_BEFORE_SETTINGS",
        "KeepAlive before SettingsApplied",
        "Settings before Welcome",
        "Settings before Welcome",
        "SETTINGS_ALREADY_APPLIED",
        "no call c-9 is open",
    ]
