"""What a session is configured with."""

from __future__ import annotations

import itertools

import pytest

from support.realtime_peer import judge_client_event
from voxgate.config.provider_models import (
    Eagerness,
    InputTranscriptionConfig,
    NoiseReduction,
    OpenAIRealtimeConfig,
    TurnDetectionConfig,
    TurnDetectionType,
)
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.providers.openai_realtime.session_update import (
    session_fields,
    wire_format_for,
    wire_format_name,
)
from voxgate.providers.tools import ToolSpec

MULAW = AudioFormat(Encoding.MULAW)
ALAW = AudioFormat(Encoding.ALAW)
WIDE = AudioFormat(Encoding.PCM16, 24_000)


WEATHER = ToolSpec(
    name="weather", description="Tells it.", parameters={"type": "object", "properties": {}}
)


@pytest.mark.parametrize(
    ("line", "wire", "name"),
    [
        (AudioFormat(), MULAW, "audio/pcmu"),
        (MULAW, MULAW, "audio/pcmu"),
        (ALAW, ALAW, "audio/pcma"),
        (AudioFormat(Encoding.PCM16, 16_000), WIDE, "audio/pcm"),
        (AudioFormat(Encoding.PCM16, 24_000), WIDE, "audio/pcm"),
        (AudioFormat(Encoding.PCM16, 48_000), WIDE, "audio/pcm"),
    ],
)
def test_narrow_lines_speak_g711_and_wide_ones_pcm(
    line: AudioFormat, wire: AudioFormat, name: str
) -> None:
    """8 kHz needs no resampling anywhere; wider lines use the protocol's only linear rate."""
    assert wire_format_for(line) == wire
    assert wire_format_name(wire) == name


def test_the_session_of_a_telephone_line_is_this() -> None:
    """The whole object, as the GA protocol spells it: G.711 carries no rate."""
    config = OpenAIRealtimeConfig(voice="cedar", instructions="Be brief.")

    assert session_fields(config, wire_in=MULAW, wire_out=MULAW) == {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": "Be brief.",
        "audio": {
            "input": {
                "format": {"type": "audio/pcmu"},
                "noise_reduction": None,
                "transcription": None,
                "turn_detection": {
                    "type": "server_vad",
                    "create_response": True,
                    "interrupt_response": True,
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 500,
                    "idle_timeout_ms": None,
                },
            },
            "output": {"format": {"type": "audio/pcmu"}, "voice": "cedar", "speed": 1.0},
        },
    }


def test_semantic_turn_detection_has_eagerness_and_no_thresholds() -> None:
    """A server refuses the fields of the other type."""
    detection = TurnDetectionConfig(
        type=TurnDetectionType.SEMANTIC_VAD, eagerness=Eagerness.LOW, interrupt_response=False
    )
    config = OpenAIRealtimeConfig(turn_detection=detection)
    fields = session_fields(config, wire_in=WIDE, wire_out=MULAW)
    audio = fields["audio"]
    assert isinstance(audio, dict)

    assert audio["input"]["format"] == {"type": "audio/pcm", "rate": 24_000}
    assert audio["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "create_response": True,
        "interrupt_response": False,
        "eagerness": "low",
    }


@pytest.mark.parametrize(
    ("wire", "detection", "reduction"),
    list(itertools.product([MULAW, ALAW, WIDE], TurnDetectionType, [None, *NoiseReduction])),
)
def test_every_session_is_one_that_the_sdk_knows(
    wire: AudioFormat, detection: TurnDetectionType, reduction: NoiseReduction | None
) -> None:
    """No combination of settings has a field or a value that the protocol has not."""
    config = OpenAIRealtimeConfig(
        turn_detection=TurnDetectionConfig(type=detection),
        noise_reduction=reduction,
        input_transcription=InputTranscriptionConfig(language="de", prompt="voxgate"),
    )
    session = session_fields(config, wire_in=wire, wire_out=wire, tools=[WEATHER])

    judge_client_event({"type": "session.update", "session": session})


def test_no_turn_detection_is_null() -> None:
    """The protocol's word for: the client ends the turns."""
    detection = TurnDetectionConfig(type=TurnDetectionType.NONE)
    config = OpenAIRealtimeConfig(turn_detection=detection)
    audio = session_fields(config, wire_in=MULAW, wire_out=MULAW)["audio"]
    assert isinstance(audio, dict)

    assert audio["input"]["turn_detection"] is None


def test_functions_are_told_with_their_schemas() -> None:
    """And nothing is said of functions where there are none: not every server knows the word."""
    config = OpenAIRealtimeConfig()
    fields = session_fields(config, wire_in=MULAW, wire_out=MULAW, tools=[WEATHER])

    assert fields["tools"] == [
        {
            "type": "function",
            "name": "weather",
            "description": "Tells it.",
            "parameters": {"type": "object", "properties": {}},
        }
    ]
    assert fields["tool_choice"] == "auto"
    assert "tools" not in session_fields(config, wire_in=MULAW, wire_out=MULAW)


def test_transcription_says_what_was_set() -> None:
    """What was left out is left to the recogniser, not set to null."""
    config = OpenAIRealtimeConfig(input_transcription=InputTranscriptionConfig(language="de"))
    audio = session_fields(config, wire_in=MULAW, wire_out=MULAW)["audio"]
    assert isinstance(audio, dict)

    assert audio["input"]["transcription"] == {
        "model": "gpt-4o-mini-transcribe",
        "language": "de",
    }
