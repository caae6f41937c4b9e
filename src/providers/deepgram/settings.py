"""What a session is configured with: the wire formats of a line, and the fields of ``Settings``.

Invariant: every field that the operator can set is in them, so that a server's own defaults never
decide; audio that the vendor takes as the line has it stays as the line has it.
"""

from __future__ import annotations

__all__ = ["input_format_for", "output_format_for", "settings_fields"]

from collections.abc import Mapping, Sequence

from ...config.provider_models import DeepgramConfig, DeepgramListenConfig, DeepgramSpeakConfig
from ...core.audio import AudioFormat, Encoding

_INPUT_RATES_HZ = (8000, 16_000, 24_000, 32_000, 44_100, 48_000)
"""Rates at which linear audio is heard as it is."""

_OUTPUT_RATES_HZ = (8000, 16_000, 24_000, 32_000, 48_000)
"""Rates at which linear audio is spoken."""

_ENCODINGS = {Encoding.MULAW: "mulaw", Encoding.ALAW: "alaw", Encoding.PCM16: "linear16"}

_FLUX = "flux-"
"""Start of the names of models that the second version of the recogniser and the voice serves."""

_FLUX_MULTILINGUAL = "flux-general-multi"
_ANY_LANGUAGE = "multi"


def input_format_for(line: AudioFormat) -> AudioFormat:
    """Return the format to send a line's captured audio in: the line's own wherever it is taken."""
    return _nearest(line, _INPUT_RATES_HZ)


def output_format_for(line: AudioFormat) -> AudioFormat:
    """Return the format to get the agent's voice in: the line's own wherever it is spoken."""
    return _nearest(line, _OUTPUT_RATES_HZ)


def settings_fields(
    config: DeepgramConfig,
    *,
    wire_in: AudioFormat,
    wire_out: AudioFormat,
    functions: Sequence[Mapping[str, object]] = (),
    history: Sequence[Mapping[str, object]] = (),
    is_greeting: bool = True,
) -> dict[str, object]:
    """Return the fields of ``Settings``.

    Args:
        config: What the operator set.
        wire_in: Format of the audio that we send.
        wire_out: Format of the audio that we get.
        functions: Functions that the model may call, in the shape of ``agent.think.functions``.
        history: What was said before, in the shape of ``agent.context.messages``.
        is_greeting: Whether the agent greets the caller, if it has a greeting.
    """
    think: dict[str, object] = {"provider": _think_fields(config), "prompt": config.think.prompt}
    if functions:
        think["functions"] = [dict(function) for function in functions]
    agent: dict[str, object] = {
        "listen": {"provider": _listen_fields(config.listen)},
        "think": think,
        "speak": {"provider": _speak_fields(config.speak)},
    }
    if history:
        agent["context"] = {"messages": [dict(message) for message in history]}
    if is_greeting and config.greeting:
        agent["greeting"] = config.greeting
    return {
        "mip_opt_out": config.mip_opt_out,
        "audio": {
            "input": _format_fields(wire_in),
            "output": {**_format_fields(wire_out), "container": "none"},
        },
        "agent": agent,
    }


def _nearest(line: AudioFormat, rates_hz: tuple[int, ...]) -> AudioFormat:
    if line.encoding is not Encoding.PCM16 or line.rate_hz in rates_hz:
        return line
    above = [rate_hz for rate_hz in rates_hz if rate_hz > line.rate_hz]
    return AudioFormat(Encoding.PCM16, above[0] if above else rates_hz[-1])


def _format_fields(wire: AudioFormat) -> dict[str, object]:
    return {"encoding": _ENCODINGS[wire.encoding], "sample_rate": wire.rate_hz}


def _listen_fields(listen: DeepgramListenConfig) -> dict[str, object]:
    fields: dict[str, object] = {"type": str(listen.provider), "model": listen.model}
    if not listen.model.startswith(_FLUX):
        fields["version"] = "v1"
        return fields if listen.language is None else {**fields, "language": listen.language}
    fields["version"] = "v2"
    is_hinted = listen.model == _FLUX_MULTILINGUAL and listen.language not in {None, _ANY_LANGUAGE}
    return {**fields, "language_hints": [listen.language]} if is_hinted else fields


def _think_fields(config: DeepgramConfig) -> dict[str, object]:
    think = config.think
    fields: dict[str, object] = {"type": str(think.provider), "model": think.model}
    if think.temperature is not None:
        fields["temperature"] = think.temperature
    return fields


def _speak_fields(speak: DeepgramSpeakConfig) -> dict[str, object]:
    version = "v2" if speak.voice.startswith(_FLUX) else "v1"
    fields: dict[str, object] = {
        "type": str(speak.provider),
        "version": version,
        "model": speak.voice,
    }
    # A voice that is not to be changed is told nothing: not every voice takes a speed.
    return fields if speak.speed == 1.0 else {**fields, "speed": speak.speed}
