"""What a session is configured with, judged by the vendor's types."""

from __future__ import annotations

from typing import Any

import pytest

from support.deepgram_peer import judge_client_message
from voxgate.config.provider_models import (
    DeepgramConfig,
    DeepgramListenConfig,
    DeepgramSpeakConfig,
    DeepgramThinkConfig,
    DeepgramThinkProvider,
)
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.providers.deepgram.function_calls import FunctionCalls
from voxgate.providers.deepgram.history import ConversationHistory
from voxgate.providers.deepgram.settings import (
    input_format_for,
    output_format_for,
    settings_fields,
)
from voxgate.providers.tools import ToolSpec

NARROW = AudioFormat()
MULAW = AudioFormat(Encoding.MULAW)
ALAW = AudioFormat(Encoding.ALAW)


def _linear(rate_hz: int) -> AudioFormat:
    return AudioFormat(Encoding.PCM16, rate_hz)


def _settings(config: DeepgramConfig | None = None, **others: Any) -> Any:
    fields = settings_fields(config or DeepgramConfig(), wire_in=NARROW, wire_out=NARROW, **others)
    judge_client_message({"type": "Settings", **fields})
    return fields


@pytest.mark.parametrize(
    "line", [MULAW, ALAW, NARROW, _linear(16_000), _linear(24_000), _linear(48_000)], ids=str
)
def test_what_the_vendor_takes_stays_as_it_is(line: AudioFormat) -> None:
    """Both ways."""
    assert input_format_for(line) is line
    assert output_format_for(line) is line


@pytest.mark.parametrize(
    ("rate_hz", "in_hz", "out_hz"),
    [
        (12_000, 16_000, 16_000),
        (44_100, 44_100, 48_000),
        (96_000, 48_000, 48_000),
        (192_000, 48_000, 48_000),
    ],
)
def test_other_rates_become_the_next_one(rate_hz: int, in_hz: int, out_hz: int) -> None:
    """Up where that loses nothing."""
    assert input_format_for(_linear(rate_hz)) == _linear(in_hz)
    assert output_format_for(_linear(rate_hz)) == _linear(out_hz)


@pytest.mark.parametrize(
    ("wire", "encoding", "rate_hz"),
    [(MULAW, "mulaw", 8000), (ALAW, "alaw", 8000), (_linear(16_000), "linear16", 16_000)],
)
def test_formats_have_the_vendor_s_names(wire: AudioFormat, encoding: str, rate_hz: int) -> None:
    """The voice comes raw: a header would be heard as a click."""
    fields = settings_fields(DeepgramConfig(), wire_in=wire, wire_out=wire)
    judge_client_message({"type": "Settings", **fields})

    assert fields["audio"] == {
        "input": {"encoding": encoding, "sample_rate": rate_hz},
        "output": {"encoding": encoding, "sample_rate": rate_hz, "container": "none"},
    }


def test_everything_that_can_be_set_is_said() -> None:
    """A server's own defaults never decide."""
    config = DeepgramConfig(
        think=DeepgramThinkConfig(temperature=0.5, prompt="Be kind."), greeting="Hello!"
    )
    fields = _settings(config)

    assert fields["mip_opt_out"] is False
    assert fields["agent"] == {
        "listen": {
            "provider": {"type": "deepgram", "model": "nova-3", "version": "v1", "language": "en"}
        },
        "think": {
            "provider": {"type": "open_ai", "model": "gpt-4o-mini", "temperature": 0.5},
            "prompt": "Be kind.",
        },
        "speak": {"provider": {"type": "deepgram", "version": "v1", "model": "aura-2-thalia-en"}},
        "greeting": "Hello!",
    }


@pytest.mark.parametrize(
    ("listen", "provider"),
    [
        (DeepgramListenConfig(language=None), {"model": "nova-3", "version": "v1"}),
        (
            DeepgramListenConfig(model="flux-general-en"),
            {"model": "flux-general-en", "version": "v2"},
        ),
        (
            DeepgramListenConfig(model="flux-general-multi", language="es"),
            {"model": "flux-general-multi", "version": "v2", "language_hints": ["es"]},
        ),
        (
            DeepgramListenConfig(model="flux-general-multi", language="multi"),
            {"model": "flux-general-multi", "version": "v2"},
        ),
    ],
)
def test_the_recogniser_s_version_follows_from_its_name(
    listen: DeepgramListenConfig, provider: dict[str, object]
) -> None:
    """A flux model under the first version is not found; it takes hints, not a language."""
    fields = _settings(DeepgramConfig(listen=listen))
    assert fields["agent"]["listen"]["provider"] == {"type": "deepgram", **provider}


def test_the_voice_s_version_follows_from_its_name_too() -> None:
    """And its speed is said where it is changed."""
    speak = DeepgramSpeakConfig(voice="flux-kit-en", speed=1.1)
    fields = _settings(DeepgramConfig(speak=speak))

    assert fields["agent"]["speak"]["provider"] == {
        "type": "deepgram",
        "version": "v2",
        "model": "flux-kit-en",
        "speed": 1.1,
    }


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-sonnet-4-5"),
        ("google", "gemini-2.5-flash"),
        ("deepgram", "think-fast"),
    ],
)
def test_other_models_can_think(provider: str, model: str) -> None:
    """Those that Deepgram runs or resells."""
    think = DeepgramThinkConfig(provider=DeepgramThinkProvider(provider), model=model)
    fields = _settings(DeepgramConfig(think=think))
    assert fields["agent"]["think"]["provider"] == {"type": provider, "model": model}


def test_a_session_that_takes_over_knows_what_was_said_and_does_not_greet() -> None:
    """Turns and function calls, in the order of the conversation."""
    history = ConversationHistory()
    history.add_text("Hello?", is_caller=True)
    history.add_call(call_id="c", name="weather", arguments="{}", response='"sun"')
    history.add_text("Sunny.", is_caller=False)
    fields = _settings(history=history.answered, is_greeting=False)

    assert "greeting" not in fields["agent"]
    assert fields["agent"]["context"] == {"messages": list(history.answered)}


def test_functions_are_declared() -> None:
    """With their schemas."""
    spec = ToolSpec(name="weather", description="Tells.", parameters={"type": "object"})
    declared = FunctionCalls([spec]).declared
    assert _settings(functions=declared)["agent"]["think"]["functions"] == [dict(declared[0])]


@pytest.mark.parametrize("greeting", [None, ""])
def test_no_greeting_is_no_field(greeting: str | None) -> None:
    """The agent waits for the caller."""
    assert "greeting" not in _settings(DeepgramConfig(greeting=greeting))["agent"]
