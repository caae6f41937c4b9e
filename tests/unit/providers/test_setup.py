"""What the engine hands to a provider."""

from __future__ import annotations

from support.scripted_gate import ScriptedGate
from voxgate.config.provider_models import OpenAIRealtimeConfig
from voxgate.core.audio import AudioFormat
from voxgate.providers.base import CallAudio
from voxgate.providers.setup import DEFAULT_HOLD_MS, ProviderSetup


def test_the_key_does_not_show_in_a_log_of_the_setup() -> None:
    """``repr`` of a setup may end up anywhere; the key may not."""
    setup = ProviderSetup(
        config=OpenAIRealtimeConfig(),
        call_id="call-1",
        call_audio=CallAudio(capture=AudioFormat(), playout=AudioFormat()),
        manager=ScriptedGate(),
        api_key="sk-secret",
    )

    assert "sk-secret" not in repr(setup)
    assert setup.hold_ms == DEFAULT_HOLD_MS
