"""What the server says, out of JSON, and out of what is none."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.deepgram_peer import _SERVER_MODELS, judge_server_message
from support.message_fuzz import mutated
from voxgate.providers.deepgram.server_messages import (
    AgentAudioFinished,
    AgentSpeechBegun,
    AgentThought,
    ErrorReported,
    FunctionCall,
    FunctionCallsCancelled,
    FunctionCallsRequested,
    InjectionRefused,
    MessageIgnored,
    MessageMalformed,
    MessageUnknown,
    ServerMessage,
    SettingsApplied,
    TextSpoken,
    UserSpeechBegun,
    VoiceChunk,
    WarningReported,
    Welcomed,
    parse_server_message,
)

_CALL = {"id": "c-1", "name": "weather", "arguments": '{"city":"Bonn"}', "client_side": True}

_MEANT: list[tuple[dict[str, Any], ServerMessage]] = [
    ({"type": "Welcome", "request_id": "r-1"}, Welcomed()),
    ({"type": "SettingsApplied"}, SettingsApplied()),
    ({"type": "UserStartedSpeaking"}, UserSpeechBegun()),
    ({"type": "ConversationText", "role": "user", "content": "Hi"}, TextSpoken(True, "Hi")),
    (
        {
            "type": "ConversationText",
            "role": "assistant",
            "content": "Mhm",
            "conversational_behavior": "backchannel",
        },
        TextSpoken(False, "Mhm", True),
    ),
    ({"type": "AgentThinking", "content": "hm"}, AgentThought()),
    (
        {
            "type": "AgentStartedSpeaking",
            "total_latency": 1.0,
            "tts_latency": 0.1,
            "ttt_latency": 0.5,
        },
        AgentSpeechBegun(),
    ),
    ({"type": "AgentAudioDone"}, AgentAudioFinished()),
    (
        {
            "type": "FunctionCallRequest",
            "functions": [_CALL, {**_CALL, "id": "c-2", "client_side": False}],
        },
        FunctionCallsRequested(
            (FunctionCall(id="c-1", name="weather", arguments='{"city":"Bonn"}'),)
        ),
    ),
    (
        {"type": "FunctionCallCancelled", "functions": [{"id": "c-1", "name": "weather"}]},
        FunctionCallsCancelled(("c-1",)),
    ),
    ({"type": "InjectionRefused", "message": "busy"}, InjectionRefused()),
    ({"type": "Error", "code": "C", "description": "d"}, ErrorReported("C")),
    ({"type": "Warning", "code": "W", "description": "d"}, WarningReported("W")),
    ({"type": "History", "role": "user", "content": "Hi"}, MessageIgnored("History")),
    (
        {"type": "FunctionCallResponse", "name": "weather", "content": "sun"},
        MessageIgnored("FunctionCallResponse"),
    ),
    ({"type": "LatencyReport", "total_latency": 1.0}, MessageIgnored("LatencyReport")),
    ({"type": "PromptUpdated"}, MessageIgnored("PromptUpdated")),
    ({"type": "SpeakUpdated"}, MessageIgnored("SpeakUpdated")),
    ({"type": "ThinkUpdated"}, MessageIgnored("ThinkUpdated")),
    ({"type": "ThinkLiveUpdated"}, MessageIgnored("ThinkLiveUpdated")),
    ({"type": "ListenUpdated"}, MessageIgnored("ListenUpdated")),
    (
        {"type": "FrustrationDetected", "count": 1, "escalated": False},
        MessageIgnored("FrustrationDetected"),
    ),
    (
        {"type": "__customFromThinkProvider", "content": 1},
        MessageIgnored("__customFromThinkProvider"),
    ),
]


@pytest.mark.parametrize(("message", "meant"), _MEANT, ids=lambda value: str(value)[:40])
def test_each_message_of_the_protocol_is_understood(
    message: dict[str, Any], meant: ServerMessage
) -> None:
    """In the shapes that the vendor's types allow."""
    judge_server_message(message)
    assert parse_server_message(json.dumps(message)) == meant


def test_no_message_of_the_vendor_s_types_is_unknown() -> None:
    """The table above has every one."""
    assert {message["type"] for message, _ in _MEANT} == set(_SERVER_MODELS)


def test_a_binary_message_is_the_agent_s_voice_itself() -> None:
    """The very object."""
    chunk = bytes(range(200))
    parsed = parse_server_message(chunk)
    assert isinstance(parsed, VoiceChunk)
    assert parsed.audio is chunk


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not_json"),
        ("{", "not_json"),
        ("[" * 100_000, "not_json"),
        ("9" * 5000, "not_json"),
        ("[1]", "not_an_object"),
        ("null", "not_an_object"),
        ("{}", "no_type"),
        ('{"type":7}', "no_type"),
        ('{"type":"ConversationText","role":"user"}', "no_text"),
        ('{"type":"ConversationText","role":"system","content":"x"}', "no_text"),
        ('{"type":"ConversationText","role":["user"],"content":"x"}', "no_text"),
        ('{"type":"FunctionCallRequest"}', "no_functions"),
        ('{"type":"FunctionCallRequest","functions":[7]}', "no_functions"),
        ('{"type":"FunctionCallRequest","functions":[{"id":"c"}]}', "no_functions"),
        ('{"type":"FunctionCallCancelled","functions":{}}', "no_functions"),
    ],
    ids=lambda text: text[:40],
)
def test_what_is_no_message_says_why(text: str, reason: str) -> None:
    """Nothing raises."""
    assert parse_server_message(text) == MessageMalformed(reason)


def test_a_message_of_the_future_is_unknown() -> None:
    """Not malformed, and no reason to end a call."""
    assert parse_server_message('{"type":"AgentSang"}') == MessageUnknown()


def test_errors_without_a_usable_code_are_errors_all_the_same() -> None:
    """The code is the table's affair."""
    assert parse_server_message('{"type":"Error"}') == ErrorReported(None)
    assert parse_server_message('{"type":"Warning","code":7}') == WarningReported(None)


def test_what_leaves_the_optional_out_is_understood() -> None:
    """A call without arguments, or without a word on who makes it."""
    text = '{"type":"FunctionCallRequest","functions":[{"id":"c","name":"n"}]}'
    assert parse_server_message(text) == FunctionCallsRequested(
        (FunctionCall(id="c", name="n", arguments="{}"),)
    )
    cancelled = '{"type":"FunctionCallCancelled","functions":[7,{"id":1},{"id":"c"}]}'
    assert parse_server_message(cancelled) == FunctionCallsCancelled(("c",))


def test_nothing_personal_is_in_a_repr() -> None:
    """Tracebacks and failed assertions print these."""
    shown = repr((TextSpoken(True, "SECRET"), VoiceChunk(b"SECRET")))
    shown += repr(FunctionCall(id="c", name="n", arguments="SECRET"))
    assert "SECRET" not in shown


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
_FIELDS = st.fixed_dictionaries(
    {"type": st.sampled_from(sorted(_SERVER_MODELS)) | st.text(max_size=8)},
    optional=dict.fromkeys(
        ("role", "content", "functions", "code", "conversational_behavior", "message"), _JSON
    ),
)


@given(_FIELDS | _JSON)
def test_any_json_is_one_of_the_messages(fields: object) -> None:
    """And twice the same one."""
    text = json.dumps(fields)
    parsed = parse_server_message(text)
    assert isinstance(parsed, ServerMessage)
    assert parse_server_message(text) == parsed


@given(st.text() | st.binary())
def test_any_message_is_one_of_the_messages(message: str | bytes) -> None:
    """Also what is no JSON."""
    assert isinstance(parse_server_message(message), ServerMessage)


def test_messages_with_something_wrong_in_them_are_messages() -> None:
    """5,000 of them, seeded: bytes changed, cut, doubled, values swapped for others."""
    rng = np.random.default_rng(20)
    originals = [json.dumps(message) for message, _ in _MEANT]
    for _ in range(5000):
        assert isinstance(parse_server_message(mutated(originals, rng)), ServerMessage)
