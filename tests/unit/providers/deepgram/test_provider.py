"""The shell, as far as it goes without a network; the rest is in the integration tests."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from structlog.testing import capture_logs

from support.scripted_gate import ScriptedGate
from voxgate.config.local_models import LocalConfig
from voxgate.config.provider_models import DeepgramConfig, ProviderConfig
from voxgate.core.audio import AudioFormat
from voxgate.core.gate_decision import PASS_THROUGH
from voxgate.errors import LocalProtocolError, ProviderError
from voxgate.providers.base import CallAudio, Capabilities, ProviderEnded, ProviderEvent
from voxgate.providers.deepgram import provider as shell
from voxgate.providers.deepgram.provider import DeepgramProvider
from voxgate.providers.setup import ProviderSetup

AUDIO = CallAudio(capture=AudioFormat(), playout=AudioFormat())
FRAME = bytes(320)


def _provider(gate: ScriptedGate | None = None, **settings: Any) -> DeepgramProvider:
    return DeepgramProvider(
        DeepgramConfig(url="ws://127.0.0.1:1/v1", **settings),
        call_id="call-1",
        call_audio=AUDIO,
        manager=gate or ScriptedGate(),
        clock=lambda: 42.0,
        api_key=None,
    )


def _setup(config: ProviderConfig) -> ProviderSetup:
    return ProviderSetup(
        config=config, call_id="call-1", call_audio=AUDIO, manager=ScriptedGate(), api_key="dg-key"
    )


async def _all_events(provider: DeepgramProvider) -> list[ProviderEvent]:
    return [event async for event in provider.events()]


async def test_it_is_not_gated_and_finds_turns() -> None:
    """Known before it is started."""
    assert _provider().capabilities == Capabilities(
        needs_gating=False, detects_turns=True, reports_interruption=True
    )


async def test_the_configuration_of_another_kind_is_refused() -> None:
    """A registry that is wired wrongly says so."""
    with pytest.raises(TypeError, match="local is not deepgram"):
        DeepgramProvider.from_setup(_setup(LocalConfig()))


async def test_the_gate_is_not_asked_about_frames() -> None:
    """Neither before there is a session; every frame has the one shared decision."""
    gate = ScriptedGate()
    provider = _provider(gate)

    assert await provider.send_audio(FRAME) is PASS_THROUGH
    assert await provider.advance() is PASS_THROUGH
    assert gate.frames == []


async def test_stopped_before_it_was_started_it_ends_at_once() -> None:
    """Nothing hangs, and there is no second life."""
    provider = _provider()
    await provider.stop()
    await provider.stop()

    assert await _all_events(provider) == [ProviderEnded()]
    with pytest.raises(LocalProtocolError, match="started or stopped before"):
        await provider.start()
    await provider.interrupt({})
    await provider.send_audio(FRAME)


async def test_nothing_can_be_said_without_a_session() -> None:
    """It would be said minutes later."""
    with pytest.raises(LocalProtocolError, match="no session"):
        await _provider().inject_agent_message("Hello")


@pytest.mark.parametrize(
    ("api_key", "headers"), [("dg-key", {"Authorization": "Token dg-key"}), (None, {})]
)
async def test_the_key_is_a_token(
    monkeypatch: pytest.MonkeyPatch, api_key: str | None, headers: dict[str, str]
) -> None:
    """``Bearer`` is for another kind of credential."""
    asked: list[tuple[str, dict[str, str]]] = []

    async def refuse(url: str, headers: dict[str, str], *, peer: str) -> None:
        asked.append((url, headers))
        raise ProviderError(peer, "is away", code="away", retryable=True)

    monkeypatch.setattr(shell, "open_websocket", refuse)
    provider = DeepgramProvider(
        DeepgramConfig(), call_id="c", call_audio=AUDIO, manager=ScriptedGate(), api_key=api_key
    )
    with pytest.raises(ProviderError, match="deepgram: is away"):
        await provider.start()
    assert asked == [("wss://agent.deepgram.com/v1/agent/converse", headers)]


async def test_a_key_that_crosses_the_network_in_clear_text_is_warned_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once, before it is sent, and without showing it once more."""

    async def refuse(*_: object, **__: object) -> None:
        raise ProviderError("deepgram", "is away", retryable=True)

    monkeypatch.setattr(shell, "open_websocket", refuse)
    provider = DeepgramProvider.from_setup(_setup(DeepgramConfig(url="ws://192.0.2.1/v1")))
    with capture_logs() as logs, pytest.raises(ProviderError):
        await provider.start()

    (warning,) = [entry for entry in logs if entry["event"] == "provider.key_exposed"]
    assert (warning["log_level"], warning["host"]) == ("warning", "192.0.2.1")
    assert "dg-key" not in repr(logs)


async def test_a_provider_that_was_never_used_is_collected_in_silence() -> None:
    """No task, no warning: warnings are errors here."""
    _provider()
    gc.collect()
    assert len(asyncio.all_tasks()) == 1
