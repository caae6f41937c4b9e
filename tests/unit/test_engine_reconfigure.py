"""Another configuration holds as a whole or not at all, and running calls keep what they have."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from support.scripted_call import RecordingObserver
from support.virtual_time import in_virtual_time, virtual_ms
from voxgate.config.announcement_models import AnnouncementConfig, AnnouncementsConfig
from voxgate.config.local_models import LocalConfig
from voxgate.config.models import AppConfig, EngineConfig, GatingSection
from voxgate.config.provider_models import DeepgramConfig, OpenAIRealtimeConfig, ProviderConfig
from voxgate.config.reload_rules import TakesEffect
from voxgate.config.route_models import RouteConfig
from voxgate.core.config import (
    AudioGuardConfig,
    BargeInConfig,
    ProviderGatingPolicy,
    SpeechEvidenceKind,
)
from voxgate.core.gate_tape import GateInput, GateReconfigured
from voxgate.core.guard.speech_evidence import evidence_in_force
from voxgate.engine import AIEngine
from voxgate.errors import ConfigError, LocalProtocolError, ProviderError
from voxgate.providers.registry import ProviderRegistry
from voxgate.providers.scripted import ScriptedProvider
from voxgate.providers.setup import ProviderSetup
from voxgate.transports.base import LineHangup
from voxgate.transports.registry import TransportRegistry
from voxgate.transports.scripted import ScriptedLine, ScriptedTransport

_KEYLESS = OpenAIRealtimeConfig(url="ws://127.0.0.1:9/v1", api_key_env=None)
_OTHER = OpenAIRealtimeConfig(url="ws://127.0.0.1:10/v1", api_key_env=None)
_SILENT = AnnouncementsConfig(
    fall_back=AnnouncementConfig(text=None),
    lost=AnnouncementConfig(text=None),
    unreachable=AnnouncementConfig(text=None),
)


class Tap:
    """Keeps what one call's gate is told."""

    def __init__(self) -> None:
        self.inputs: list[GateInput] = []

    def receive(self, given: GateInput, decision: object) -> None:
        self.inputs.append(given)


class Exchange:
    """A running engine with providers that can be lost, and the calls placed on it."""

    def __init__(self, config: AppConfig, environ: Mapping[str, str] | None = None) -> None:
        self.transport = ScriptedTransport()
        self.setups: list[ProviderSetup] = []
        self.providers: list[ScriptedProvider] = []
        self.calls: dict[str, asyncio.Task[None]] = {}
        registry = ProviderRegistry()
        for kind in ("openai_realtime", "deepgram"):
            registry.register(kind, self._make)
        registry.register("local", None)
        self.engine = AIEngine(
            config,
            observers=[RecordingObserver()],
            clock=virtual_ms,
            environ=environ or {},
            providers=registry,
            transports=TransportRegistry(
                [("audiosocket", lambda section, environ: self.transport)]
            ),
        )

    def _make(self, setup: ProviderSetup) -> ScriptedProvider:
        self.setups.append(setup)
        self.providers.append(ScriptedProvider.from_setup(setup))
        return self.providers[-1]

    async def place_call(self, call_id: str) -> ScriptedLine:
        line = ScriptedLine(call_id)
        self.calls[call_id] = asyncio.create_task(self.transport.place_call(line))
        await asyncio.sleep(0.001)
        return line


def config_with(
    providers: Mapping[str, ProviderConfig] | None = None, **sections: Any
) -> AppConfig:
    sections.setdefault("engine", EngineConfig(default_provider="agent"))
    sections.setdefault("announcements", _SILENT)
    return AppConfig(providers=providers or {"agent": _KEYLESS}, **sections)


async def running(config: AppConfig, environ: Mapping[str, str] | None = None) -> Exchange:
    exchange = Exchange(config, environ)
    await exchange.engine.start()
    return exchange


async def refused(exchange: Exchange, config: AppConfig) -> ConfigError:
    """Return why a configuration is refused; nothing of the engine has changed."""
    engine = exchange.engine
    before, gating, announcements = engine.config, engine.manager.config, engine.announcements
    with pytest.raises(ConfigError) as info:
        await engine.reconfigure(config)
    assert (engine.config, engine.manager.config) == (before, gating)
    assert engine.announcements is announcements
    return info.value


@in_virtual_time
async def test_a_running_call_takes_thresholds_and_keeps_its_provider() -> None:
    """The next call has the other provider."""
    exchange = await running(config_with())
    tap = Tap()
    exchange.engine.manager.tap_call("one", tap)
    await exchange.place_call("one")
    new = config_with(
        {"agent": _KEYLESS, "other": _OTHER},
        engine=EngineConfig(default_provider="other", provider_hold_ms=77),
        barge_in=BargeInConfig(min_ms=300),
    )
    changes = await exchange.engine.reconfigure(new)
    assert {change.key: change.takes_effect for change in changes} == {
        "engine.default_provider": TakesEffect.NEW_CALLS,
        "engine.provider_hold_ms": TakesEffect.NEW_CALLS,
        "providers.other": TakesEffect.NEW_CALLS,
        "barge_in.min_ms": TakesEffect.RUNNING_CALLS,
    }
    told = [
        each.config.barge_in.min_ms for each in tap.inputs if isinstance(each, GateReconfigured)
    ]
    assert told == [300]
    await exchange.place_call("two")
    assert [setup.config.url for setup in exchange.setups] == [_KEYLESS.url, _OTHER.url]
    assert [setup.hold_ms for setup in exchange.setups] == [10_000, 77]
    assert exchange.engine.config is new
    await exchange.engine.stop()


@in_virtual_time
async def test_a_configuration_like_the_one_in_force_changes_nothing() -> None:
    """And says so."""
    exchange = await running(config_with())
    assert await exchange.engine.reconfigure(config_with()) == ()
    await exchange.engine.stop()


@in_virtual_time
async def test_who_takes_over_is_who_was_configured_when_the_call_began() -> None:
    """Though that provider is configured no more; it is gated as it would have been."""
    exchange = await running(
        config_with(
            {"agent": _KEYLESS, "spare": _OTHER},
            engine=EngineConfig(default_provider="agent", fall_back_provider="spare"),
        )
    )
    line = await exchange.place_call("one")
    await exchange.engine.reconfigure(config_with())
    exchange.providers[0].end(ProviderError("agent", "gone", retryable=False))
    await asyncio.sleep(1.0)
    assert [setup.name for setup in exchange.setups] == ["agent", "spare"]
    assert exchange.setups[1].config == _OTHER
    assert exchange.setups[1].is_gated
    assert exchange.engine.manager.get_state("one") is not None
    assert exchange.engine.manager.counters.unknown_provider_calls == 0
    line.receive(LineHangup("caller_hangup"))
    await exchange.calls["one"]
    await exchange.engine.stop()


@in_virtual_time
async def test_fewer_calls_are_a_bound_on_new_ones() -> None:
    """No running call is ended for it."""
    exchange = await running(config_with())
    for name in ("one", "two"):
        await exchange.place_call(name)
    engine = EngineConfig(default_provider="agent", max_calls=1)
    await exchange.engine.reconfigure(config_with(engine=engine))
    assert exchange.engine.running_calls == 2
    await exchange.place_call("three")
    assert exchange.engine.counters.refusals == {"max_calls": 1}
    await exchange.engine.stop()


@in_virtual_time
async def test_keys_that_need_a_restart_are_all_named_and_nothing_changes() -> None:
    """With both values, and what to do; the key beside them that could change does not either."""
    exchange = await running(config_with())
    old = config_with()
    lines = replace(old.lines, audiosocket=replace(old.lines.audiosocket, port=9999))
    server = replace(old.realtime_server, speed_ratio=2.0)
    new = config_with(lines=lines, realtime_server=server, barge_in=BargeInConfig(min_ms=300))
    error = await refused(exchange, new)
    assert [(problem.key, problem.value) for problem in error.problems] == [
        ("lines.audiosocket.port", "9999"),
        ("realtime_server.speed_ratio", "2.0"),
    ]
    assert "it is 8090" in str(error)
    assert "restart voxgate" in str(error)
    await exchange.engine.stop()


@in_virtual_time
async def test_a_provider_needs_its_key_before_it_is_named() -> None:
    """The variable and the provider are told; one that is set is taken."""
    exchange = await running(config_with(), {"THERE": "k-secret"})
    missing = {"agent": _KEYLESS, "new": OpenAIRealtimeConfig(api_key_env="NOT_THERE")}
    engine = EngineConfig(default_provider="agent", fall_back_provider="new")
    error = await refused(exchange, config_with(missing, engine=engine))
    assert [problem.key for problem in error.problems] == ["NOT_THERE"]
    assert "'new'" in str(error)
    there = {"agent": _KEYLESS, "new": OpenAIRealtimeConfig(api_key_env="THERE")}
    await exchange.engine.reconfigure(config_with(there, engine=engine))
    assert exchange.engine.config.engine.fall_back_provider == "new"
    await exchange.engine.stop()


@in_virtual_time
async def test_a_provider_that_nobody_names_needs_no_key() -> None:
    """It can wait for its key, and be named later."""
    exchange = await running(config_with())
    providers = {"agent": _KEYLESS, "new": OpenAIRealtimeConfig(api_key_env="NOT_THERE")}
    assert len(await exchange.engine.reconfigure(config_with(providers))) == 1
    await exchange.engine.stop()


@pytest.mark.parametrize(
    ("provider", "rule"),
    [
        (OpenAIRealtimeConfig(url="embedded"), "embedded server, which voxgate starts"),
        (LocalConfig(), "of the kind local"),
    ],
)
@in_virtual_time
async def test_what_is_started_at_the_start_only_cannot_be_named_later(
    provider: ProviderConfig, rule: str
) -> None:
    """The key that names it is told, a route's too."""
    exchange = await running(config_with())
    providers = {"agent": _KEYLESS, "new": provider}
    error = await refused(exchange, config_with(providers, routes=(RouteConfig(provider="new"),)))
    assert {problem.key for problem in error.problems} == {"routes[0].provider"}
    assert rule in str(error)
    await exchange.engine.stop()


@in_virtual_time
async def test_announcements_are_made_before_they_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that can't be had refuses the change; running calls keep theirs."""
    exchange = await running(config_with())
    silent = exchange.engine.announcements
    missing = AnnouncementConfig(text="Sorry.", file="/nowhere/sorry.wav")
    broken = replace(_SILENT, lost=missing)
    error = await refused(exchange, config_with(announcements=broken))
    assert [problem.key for problem in error.problems] == ["announcements.lost.file"]
    default = AppConfig().announcements
    await exchange.engine.reconfigure(config_with(announcements=default))
    assert exchange.engine.announcements is not silent
    await exchange.engine.stop()


@in_virtual_time
async def test_the_policy_of_a_kind_can_be_changed() -> None:
    """A call that starts later passes through."""
    exchange = await running(config_with())
    await exchange.place_call("one")
    policies = {**AppConfig().gating.providers}
    policies["openai_realtime"] = ProviderGatingPolicy(gating_enabled=False)
    await exchange.engine.reconfigure(config_with(gating=GatingSection(providers=policies)))
    await exchange.place_call("two")
    manager = exchange.engine.manager
    assert manager.get_state("one") is not None
    assert manager.get_state("two") is None
    assert [setup.is_gated for setup in exchange.setups] == [True, False]
    await exchange.engine.stop()


@in_virtual_time
async def test_a_kind_that_nobody_configures_any_more_is_forgotten() -> None:
    """A policy that is gone takes the names of its kind along."""
    deep = {"agent": _KEYLESS, "deep": DeepgramConfig(api_key_env=None)}
    exchange = await running(config_with(deep))
    policies = {"openai_realtime": AppConfig().gating.providers["openai_realtime"]}
    await exchange.engine.reconfigure(config_with(gating=GatingSection(providers=policies)))
    assert exchange.engine.manager.config.policy_for("deep") is None
    await exchange.engine.stop()


async def test_other_networks_are_loaded_before_the_change_counts() -> None:
    """Aside, as it takes longer than a frame."""
    exchange = Exchange(config_with())
    await exchange.engine.start()
    guard = AudioGuardConfig(speech_evidence=SpeechEvidenceKind.AUTO)
    (change,) = await exchange.engine.reconfigure(config_with(audio_guard=guard))
    assert change.takes_effect is TakesEffect.NEW_CALLS
    assert exchange.engine.manager.speech_evidence is evidence_in_force(SpeechEvidenceKind.AUTO)
    await exchange.engine.stop()


async def test_an_engine_that_does_not_run_follows_nothing() -> None:
    """Before its start it is made with what is to hold, and while it ends nothing changes."""
    exchange = Exchange(config_with())
    new = config_with(barge_in=BargeInConfig(min_ms=300))
    with pytest.raises(LocalProtocolError, match="not running"):
        await exchange.engine.reconfigure(new)
    await exchange.engine.start()
    await exchange.engine.stop()
    with pytest.raises(LocalProtocolError, match="not running"):
        await exchange.engine.reconfigure(new)
