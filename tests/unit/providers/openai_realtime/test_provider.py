"""The shell, as far as it goes without a network; the rest is in the integration tests."""

from __future__ import annotations

import asyncio
import gc

import pytest
from structlog.testing import capture_logs

from support.scripted_gate import ScriptedGate, decision_of
from voxgate.config.provider_models import DeepgramConfig, OpenAIRealtimeConfig, ProviderConfig
from voxgate.core.audio import AudioFormat
from voxgate.errors import LocalProtocolError, ProviderError
from voxgate.providers.base import CallAudio, Capabilities, ProviderEnded, ProviderEvent
from voxgate.providers.openai_realtime import provider as shell
from voxgate.providers.openai_realtime.provider import OpenAIRealtimeProvider
from voxgate.providers.setup import ProviderSetup

AUDIO = CallAudio(capture=AudioFormat(), playout=AudioFormat())
FRAME = bytes(320)


def _provider(gate: ScriptedGate | None = None, **settings: object) -> OpenAIRealtimeProvider:
    config = OpenAIRealtimeConfig(url="ws://127.0.0.1:1/v1", **settings)  # type: ignore[arg-type]
    return OpenAIRealtimeProvider(
        config,
        call_id="call-1",
        call_audio=AUDIO,
        manager=gate or ScriptedGate(),
        clock=lambda: 42.0,
        api_key=None,
    )


def _setup(config: ProviderConfig) -> ProviderSetup:
    return ProviderSetup(
        config=config, call_id="call-1", call_audio=AUDIO, manager=ScriptedGate(), api_key="sk-key"
    )


async def _all_events(provider: OpenAIRealtimeProvider) -> list[ProviderEvent]:
    return [event async for event in provider.events()]


async def test_it_is_gated_and_finds_turns() -> None:
    """Known before it is started."""
    assert _provider().capabilities == Capabilities(
        needs_gating=True, detects_turns=True, reports_interruption=True
    )


async def test_an_embedded_address_is_refused_when_the_provider_is_made() -> None:
    """Not at the first call's expense."""
    with pytest.raises(ValueError, match="'embedded' must be replaced"):
        OpenAIRealtimeProvider.from_setup(_setup(OpenAIRealtimeConfig(url="embedded")))


async def test_the_configuration_of_another_kind_is_refused() -> None:
    """A registry that is wired wrongly says so."""
    with pytest.raises(TypeError, match="deepgram is not openai_realtime"):
        OpenAIRealtimeProvider.from_setup(_setup(DeepgramConfig()))


async def test_the_gate_is_asked_with_the_manager_s_clock() -> None:
    """Before the provider is connected too; the answer is the gate's own object."""
    gate = ScriptedGate()
    provider = _provider(gate)
    withheld, idle = decision_of(), decision_of()
    gate.frame_decisions.append(withheld)
    gate.idle_decisions.append(idle)

    assert await provider.send_audio(FRAME) is withheld
    assert await provider.advance() is idle
    assert gate.frames == [("call-1", FRAME, 42.0)]


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


class _Unreachable:
    """Stands in for the network: every connection fails in one way, or never succeeds."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error
        self.n_attempts = 0
        self.was_asked = asyncio.Event()

    async def __call__(self, *_: object) -> None:
        self.n_attempts += 1
        self.was_asked.set()
        if self.error is None:
            await asyncio.Event().wait()
        else:
            raise self.error


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> _Unreachable:
    network = _Unreachable(None)
    monkeypatch.setattr(shell, "open_connection", network)
    return network


async def test_a_failed_start_raises_and_ends_the_events(unreachable: _Unreachable) -> None:
    """Both who started it and who listens hear the same; a start is one attempt."""
    unreachable.error = ProviderError("peer", "is away", code="away", retryable=True)
    provider = _provider()

    with pytest.raises(ProviderError) as caught:
        await provider.start()
    assert caught.value is unreachable.error
    assert await _all_events(provider) == [ProviderEnded(unreachable.error)]
    assert unreachable.n_attempts == 1
    await provider.stop()


async def test_a_start_that_takes_too_long_fails(unreachable: _Unreachable) -> None:
    """Whatever the network is doing."""
    provider = _provider(connect_timeout_s=0.1)

    with pytest.raises(ProviderError) as caught:
        await provider.start()
    assert (caught.value.code, caught.value.retryable) == ("connect_timeout", True)


async def test_a_start_that_is_cancelled_leaves_nothing_behind(unreachable: _Unreachable) -> None:
    """The caller hung up while we connected."""
    provider = _provider()
    start = asyncio.create_task(provider.start())
    await unreachable.was_asked.wait()
    start.cancel()

    with pytest.raises(asyncio.CancelledError):
        await start
    assert len(asyncio.all_tasks()) == 1
    assert await _all_events(provider) == [ProviderEnded()]


async def test_stop_ends_a_start_that_is_under_way(unreachable: _Unreachable) -> None:
    """The starter is told, not left waiting."""
    provider = _provider()
    start = asyncio.create_task(provider.start())
    await unreachable.was_asked.wait()
    await provider.stop()

    with pytest.raises(ProviderError) as caught:
        await start
    assert caught.value.code == "stopped"
    assert await _all_events(provider) == [ProviderEnded()]


async def test_a_bug_of_ours_ends_the_call_and_no_more(unreachable: _Unreachable) -> None:
    """It is an error of the call like any other, and not the end of the process."""
    unreachable.error = ZeroDivisionError()
    provider = _provider()

    with pytest.raises(ProviderError) as caught:
        await provider.start()
    assert (caught.value.code, caught.value.retryable) == ("internal", False)
    await provider.stop()


async def test_a_provider_that_was_never_used_is_collected_in_silence() -> None:
    """No task, no warning: warnings are errors here."""
    _provider()
    gc.collect()
    assert len(asyncio.all_tasks()) == 1


async def test_a_key_that_crosses_the_network_in_clear_text_is_warned_of(
    unreachable: _Unreachable,
) -> None:
    """Once, before it is sent, and without showing it once more."""
    unreachable.error = ProviderError("peer", "is away", retryable=True)
    provider = OpenAIRealtimeProvider.from_setup(
        _setup(OpenAIRealtimeConfig(url="ws://192.0.2.1/v1"))
    )
    with capture_logs() as logs, pytest.raises(ProviderError):
        await provider.start()

    (warning,) = [entry for entry in logs if entry["event"] == "provider.key_exposed"]
    assert warning["log_level"] == "warning"
    assert "sk-key" not in repr(logs)
