"""An engine is told what the run needs of it, and says where it listens."""

from __future__ import annotations

import pytest

from voxgate.config.load import load_config
from voxgate.config.provider_models import OpenAIRealtimeConfig
from voxgate.core.config import GatingMode
from voxgate.lab.load.engine_process import EngineSettings, engine_environment, parse_addresses

URL = "ws://127.0.0.1:9/v1/realtime"


@pytest.mark.parametrize("line", ["audiosocket", "twilio"])
def test_the_default_configuration_becomes_that_of_the_run(line: str) -> None:
    """One line, one provider, the server of the run, and room for its calls."""
    settings = EngineSettings(line=line, mode="vad", max_calls=150)
    config = load_config(None, engine_environment(settings, URL))
    provider = config.providers["embedded"]
    assert isinstance(provider, OpenAIRealtimeConfig)
    assert (provider.url, provider.api_key_env) == (URL, None)
    assert config.engine.max_calls == 150
    assert config.lines.audiosocket.enabled is (line == "audiosocket")
    assert config.lines.twilio.enabled is (line == "twilio")
    assert getattr(config.lines, line).max_connections >= 150
    assert config.gating.providers["openai_realtime"].mode is GatingMode.VAD
    assert config.gating.providers["openai_realtime"].gating_enabled


def test_a_run_without_a_gate_turns_it_off() -> None:
    """Frames pass untouched then."""
    config = load_config(None, engine_environment(EngineSettings(mode="off"), URL))
    assert not config.gating.providers["openai_realtime"].gating_enabled


def test_a_mode_that_nobody_chose_stays_as_configured() -> None:
    """The user's own configuration is what is measured."""
    changes = engine_environment(EngineSettings(), URL)
    assert not [name for name in changes if "GATING" in name]


def test_addresses_are_read_from_what_serve_says() -> None:
    """Other lines of its output are none."""
    said = ["it starts", "audiosocket listens on 127.0.0.1:8090\n", "twilio listens on [::1]:9"]
    assert parse_addresses(said) == {"audiosocket": ("127.0.0.1", 8090), "twilio": ("[::1]", 9)}
