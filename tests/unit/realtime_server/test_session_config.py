"""The session object: strict about what it takes, and merged field by field."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from voxgate.realtime_server.session_config import (
    SemanticVad,
    ServerVad,
    SessionConfig,
    merged,
)

DEFAULT = SessionConfig(type="realtime", model="gpt-realtime")


def updated(current: SessionConfig = DEFAULT, **fields: Any) -> SessionConfig:
    """Return the session after an update with these fields."""
    return merged(current, SessionConfig.model_validate({"type": "realtime", **fields}))


def with_input(current: SessionConfig = DEFAULT, **fields: Any) -> SessionConfig:
    """Return the session after an update of ``audio.input``."""
    return updated(current, audio={"input": fields})


def test_defaults_are_those_of_the_api() -> None:
    """PCM at 24 kHz both ways, audio answers, server VAD that answers and interrupts."""
    dump = DEFAULT.model_dump()
    assert dump["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000}
    assert dump["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24000}
    assert dump["output_modalities"] == ["audio"]
    assert dump["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    }


def test_an_update_changes_what_it_names_and_nothing_else() -> None:
    """Fields left out keep their values, at every depth."""
    session = updated(instructions="Be brief.", audio={"output": {"voice": "cedar"}})
    session = with_input(session, turn_detection={"type": "server_vad", "threshold": 0.7})
    session = with_input(session, turn_detection={"type": "server_vad", "silence_duration_ms": 200})
    assert session.instructions == "Be brief."
    assert session.model == "gpt-realtime"
    assert session.audio.output.voice == "cedar"
    assert session.audio.input.turn_detection == ServerVad(
        type="server_vad", threshold=0.7, silence_duration_ms=200
    )


def test_another_kind_of_turn_detection_starts_from_its_defaults() -> None:
    """Nothing of the old object is left in the new one."""
    session = with_input(turn_detection={"type": "server_vad", "create_response": False})
    session = with_input(session, turn_detection={"type": "semantic_vad", "eagerness": "high"})
    assert session.audio.input.turn_detection == SemanticVad(type="semantic_vad", eagerness="high")


def test_null_turns_off_what_may_be_off() -> None:
    """Turn detection, noise reduction and transcription can be cleared."""
    session = with_input(
        noise_reduction={"type": "near_field"}, transcription={"model": "whisper-1"}
    )
    session = with_input(session, noise_reduction=None, transcription=None, turn_detection=None)
    assert session.audio.input.noise_reduction is None
    assert session.audio.input.transcription is None
    assert session.audio.input.turn_detection is None


@pytest.mark.parametrize("name", ["audio/pcmu", "audio/pcma"])
def test_g711_carries_no_rate(name: str) -> None:
    """mu-law and A-law are taken bare and refused with a rate."""
    assert with_input(format={"type": name}).audio.input.format.type == name
    with pytest.raises(ValidationError):
        with_input(format={"type": name, "rate": 8000})


def test_a_strength_of_noise_reduction_stays_when_left_out() -> None:
    """As the API documents it."""
    session = with_input(noise_reduction={"type": "near_field", "strength": 0.4})
    session = with_input(session, noise_reduction={"type": "near_field"})
    assert session.audio.input.noise_reduction is not None
    assert session.audio.input.noise_reduction.strength == 0.4


@pytest.mark.parametrize(
    "fields",
    [
        {"audio": {"input": {"format": {"type": "audio/pcm"}}}},
        {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}},
        {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 10}}}},
        {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}}}},
        {"audio": {"output": {"voice": "bob"}}},
        {"audio": {"output": {"speed": 2.0}}},
        {"output_modalities": ["audio", "text"]},
        {"output_modalities": []},
        {"max_output_tokens": 0},
        {"tools": [{"type": "function", "name": "f", "meta": {}}]},
        {"temperature": 0.8},
        {"type": "transcription"},
    ],
)
def test_what_the_api_refuses_is_refused(fields: dict[str, Any]) -> None:
    """Unknown fields, missing rates, values out of range and of closed sets."""
    with pytest.raises(ValidationError):
        SessionConfig.model_validate({"type": "realtime", **fields})


def test_a_custom_voice_and_the_odd_settings_are_kept() -> None:
    """What this server has no use for is shown back to the client as it was set."""
    fields: dict[str, Any] = {
        "audio": {"output": {"voice": {"id": "v1"}}},
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
        "tool_choice": {"type": "function", "name": "f"},
        "tracing": {"workflow_name": "w"},
        "truncation": {"type": "retention_ratio", "retention_ratio": 0.5},
        "prompt": {"id": "p"},
        "reasoning": {"effort": "low"},
        "max_output_tokens": 100,
        "include": ["item.input_audio_transcription.logprobs"],
    }
    dump = updated(**fields).model_dump(exclude_none=True)
    assert dump["audio"]["output"]["voice"] == {"id": "v1"}
    for name in fields.keys() - {"audio"}:
        assert dump[name] == fields[name]
