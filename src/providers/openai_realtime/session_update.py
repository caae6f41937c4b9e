"""What a session is configured with: the wire formats of a line, and the ``session`` object.

Invariant: the object has the GA shape, and every field that the operator can set is in it, so that
a server's own defaults never decide.
"""

from __future__ import annotations

__all__ = ["session_fields", "wire_format_for", "wire_format_name"]

from collections.abc import Sequence

from ...config.provider_models import (
    InputTranscriptionConfig,
    OpenAIRealtimeConfig,
    TurnDetectionConfig,
    TurnDetectionType,
)
from ...core.audio import G711_RATE_HZ, AudioFormat, Encoding
from ..tools import ToolSpec

_WIDE = AudioFormat(Encoding.PCM16, 24_000)
"""The only linear format of the protocol."""

_FORMAT_NAMES = {
    Encoding.MULAW: "audio/pcmu",
    Encoding.ALAW: "audio/pcma",
    Encoding.PCM16: "audio/pcm",
}


def wire_format_for(line: AudioFormat) -> AudioFormat:
    """Return the format to speak with the provider for one direction of a line.

    G.711 stays as it is; linear audio at its rate becomes mu-law, which needs no resampling and a
    sixth of the bytes; everything wider becomes PCM16 at 24 kHz.
    """
    if line.encoding is not Encoding.PCM16:
        return line
    return AudioFormat(Encoding.MULAW, G711_RATE_HZ) if line.rate_hz == G711_RATE_HZ else _WIDE


def wire_format_name(wire: AudioFormat) -> str:
    """Return the protocol's name of a wire format, such as ``audio/pcmu``."""
    return _FORMAT_NAMES[wire.encoding]


def session_fields(
    config: OpenAIRealtimeConfig,
    *,
    wire_in: AudioFormat,
    wire_out: AudioFormat,
    tools: Sequence[ToolSpec] = (),
) -> dict[str, object]:
    """Return the ``session`` of ``session.update``.

    Args:
        config: What the operator set.
        wire_in: Format of the audio that we send.
        wire_out: Format of the audio that we get.
        tools: Functions that the model may call.
    """
    reduction = config.noise_reduction
    functions = {"tools": list(map(_tool_fields, tools)), "tool_choice": "auto"}
    return {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": config.instructions,
        "audio": {
            "input": {
                "format": _format_fields(wire_in),
                "noise_reduction": None if reduction is None else {"type": str(reduction)},
                "transcription": _transcription_fields(config.input_transcription),
                "turn_detection": _turn_detection_fields(config.turn_detection),
            },
            "output": {
                "format": _format_fields(wire_out),
                "voice": config.voice,
                "speed": config.output_speed,
            },
        },
        **(functions if tools else {}),  # a server that knows no functions may refuse the word
    }


def _tool_fields(spec: ToolSpec) -> dict[str, object]:
    return {
        "type": "function",
        "name": spec.name,
        "description": spec.description,
        "parameters": dict(spec.parameters),
    }


def _transcription_fields(config: InputTranscriptionConfig | None) -> dict[str, object] | None:
    if config is None:
        return None
    fields = {"model": config.model, "language": config.language, "prompt": config.prompt}
    return {name: value for name, value in fields.items() if value is not None}


def _format_fields(wire: AudioFormat) -> dict[str, object]:
    fields: dict[str, object] = {"type": wire_format_name(wire)}
    if wire.encoding is Encoding.PCM16:
        fields["rate"] = wire.rate_hz  # the other formats have no such field, and servers refuse it
    return fields


def _turn_detection_fields(config: TurnDetectionConfig) -> dict[str, object] | None:
    if config.type is TurnDetectionType.NONE:
        return None
    shared: dict[str, object] = {
        "type": str(config.type),
        "create_response": config.create_response,
        "interrupt_response": config.interrupt_response,
    }
    if config.type is TurnDetectionType.SEMANTIC_VAD:
        return {**shared, "eagerness": str(config.eagerness)}
    return {
        **shared,
        "threshold": config.threshold,
        "prefix_padding_ms": config.prefix_padding_ms,
        "silence_duration_ms": config.silence_duration_ms,
        "idle_timeout_ms": config.idle_timeout_ms,
    }
