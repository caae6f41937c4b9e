"""The engine with scripted lines and providers, in made-up time."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

import voxgate.call.embedded_server
from support.scripted_call import RecordingObserver, loud_frame
from support.stand_in_server import StandInServer
from support.virtual_time import in_virtual_time, virtual_ms
from voxgate.call.agent_seat import AgentSeat, Handover
from voxgate.call_observer import CallObserver, CallStarted
from voxgate.config.announcement_models import AnnouncementConfig, AnnouncementsConfig
from voxgate.config.line_models import AudioSocketConfig, LinesConfig
from voxgate.config.models import AppConfig, EngineConfig
from voxgate.config.provider_models import DeepgramConfig, OpenAIRealtimeConfig, ProviderConfig
from voxgate.config.route_models import RouteConfig, RouteMatch
from voxgate.config.tools_config import ToolsConfig
from voxgate.core.compiled import is_compiled
from voxgate.engine import AIEngine, EnginePhase
from voxgate.errors import ConfigError, LocalProtocolError, ProviderError, TransportError
from voxgate.providers.registry import ProviderRegistry, default_registry
from voxgate.providers.scripted import ScriptedProvider
from voxgate.providers.setup import ProviderSetup
from voxgate.providers.tools import ToolCall, ToolRegistry
from voxgate.transports.base import CallHandler, LineAudio, LineHangup
from voxgate.transports.registry import TransportRegistry
from voxgate.transports.scripted import ScriptedLine, ScriptedTransport

_KEYLESS = OpenAIRealtimeConfig(url="ws://127.0.0.1:9/v1", api_key_env=None)
_EMBEDDED = OpenAIRealtimeConfig(url="embedded")
_SILENT = AnnouncementsConfig(
    fall_back=AnnouncementConfig(text=None),
    lost=AnnouncementConfig(text=None),
    unreachable=AnnouncementConfig(text=None),
)


class Exchange:
    """An engine, what it is wired to, and the calls that are placed."""

    def __init__(
        self,
        *,
        provider: ProviderConfig = _KEYLESS,
        environ: Mapping[str, str] | None = None,
        transport: ScriptedTransport | None = None,
        factory: Callable[[ProviderSetup], Any] | None = None,
        tools: ToolRegistry | None = None,
        **engine: Any,
    ) -> None:
        self.transport = transport or ScriptedTransport()
        self.observer = RecordingObserver()
        self.providers: dict[str, ScriptedProvider] = {}
        self.setups: list[ProviderSetup] = []
        self.calls: dict[str, asyncio.Task[None]] = {}
        registry = ProviderRegistry()
        registry.register("openai_realtime", factory or self._make)
        registry.register("deepgram", None)
        self.engine = AIEngine(
            config_with(provider, **engine),
            observers=[self.observer],
            clock=virtual_ms,
            environ=environ or {},
            providers=registry,
            tools=tools,
            transports=TransportRegistry(
                [("audiosocket", lambda section, environ: self.transport)]
            ),
        )

    def _make(self, setup: ProviderSetup) -> ScriptedProvider:
        self.setups.append(setup)
        self.providers[setup.call_id] = ScriptedProvider.from_setup(setup)
        return self.providers[setup.call_id]

    async def place_call(self, call_id: str, line: ScriptedLine | None = None) -> ScriptedLine:
        """Place a call, and return when the engine has taken it or not."""
        line = line or ScriptedLine(call_id)
        self.calls[call_id] = asyncio.create_task(self.transport.place_call(line))
        await asyncio.sleep(0.001)
        return line

    def reasons(self) -> list[str]:
        """Return why the calls ended that are over, in the order of their ends."""
        return [ended.reason for ended in self.observer.ended]


def config_with(provider: ProviderConfig = _KEYLESS, **engine: Any) -> AppConfig:
    return AppConfig(
        engine=EngineConfig(default_provider="agent", **engine), providers={"agent": provider}
    )


async def started(exchange: Exchange) -> Exchange:
    await exchange.engine.start()
    return exchange


class TestCalls:
    """What becomes of a line."""

    @in_virtual_time
    async def test_a_line_is_served_to_its_end(self) -> None:
        """The provider hears the caller, the caller hears the provider, and both end together."""
        exchange = await started(Exchange())
        line = await exchange.place_call("one")
        assert exchange.engine.running_calls == 1
        assert [event.line for event in exchange.observer.started] == ["scripted"]
        assert exchange.observer.started[0].playout_format == line.playout_format
        assert exchange.observer.started[0].capture_format == line.capture_format
        line.receive(LineAudio(loud_frame()))
        exchange.providers["one"].speak(loud_frame(1))
        await asyncio.sleep(0.1)
        assert exchange.providers["one"].frames == [loud_frame()]
        assert loud_frame(1) in line.heard
        line.receive(LineHangup("caller_hangup"))
        await exchange.calls["one"]
        assert exchange.engine.running_calls == 0
        assert exchange.reasons() == ["caller_hangup"]
        assert len(exchange.engine.manager) == 0
        await exchange.engine.stop()

    @in_virtual_time
    async def test_two_calls_do_not_mix(self) -> None:
        """Each has its own provider, playout and gate."""
        exchange = await started(Exchange())
        lines = {name: await exchange.place_call(name) for name in ("one", "two")}
        for number, name in enumerate(lines):
            lines[name].receive(LineAudio(loud_frame(number)))
            exchange.providers[name].speak(loud_frame(10 + number))
        await asyncio.sleep(0.1)
        for number, name in enumerate(lines):
            assert exchange.providers[name].frames == [loud_frame(number)]
            assert {loud_frame(10), loud_frame(11)} & set(lines[name].heard) == {
                loud_frame(10 + number)
            }
        lines["one"].receive(LineHangup("caller_hangup"))
        await exchange.calls["one"]
        lines["two"].receive(LineAudio(loud_frame(2)))
        await asyncio.sleep(0.1)
        assert exchange.providers["two"].frames[-1] == loud_frame(2)
        await exchange.engine.stop()

    @in_virtual_time
    async def test_calls_beyond_the_bound_are_refused(self) -> None:
        """One more than ``max_calls`` is hung up at once and counted; when one ends there is room
        for another."""
        exchange = await started(Exchange(max_calls=2))
        first = await exchange.place_call("one")
        await exchange.place_call("two")
        refused = await exchange.place_call("three")
        await exchange.calls["three"]
        assert refused.hangup_event == LineHangup("local_hangup")
        assert "three" not in exchange.providers
        first.receive(LineHangup("caller_hangup"))
        await exchange.calls["one"]
        await exchange.place_call("four")
        assert exchange.engine.running_calls == 2
        assert exchange.engine.counters.calls_accepted == 3
        assert exchange.engine.counters.calls_refused == 1
        assert exchange.engine.counters.refusals == {"max_calls": 1}
        await exchange.engine.stop()

    @in_virtual_time
    async def test_a_call_id_in_use_is_refused(self) -> None:
        """The running call of that id does not notice."""
        exchange = await started(Exchange())
        first = await exchange.place_call("one")
        second = ScriptedLine("one")
        await exchange.engine.handle_call(second)
        assert second.hangup_event == LineHangup("local_hangup")
        first.receive(LineAudio(loud_frame()))
        await asyncio.sleep(0.05)
        assert exchange.providers["one"].frames == [loud_frame()]
        assert exchange.engine.counters.calls_refused == 1
        assert exchange.engine.counters.refusals == {"duplicate_call_id": 1}
        await exchange.engine.stop()

    @in_virtual_time
    async def test_each_call_has_the_engine_s_functions_and_those_of_its_own(self) -> None:
        """What is registered in code, what the configuration allows, and the line's transfer."""
        numbers: list[str] = []

        class TransferringLine(ScriptedLine):
            async def transfer(self, number: str) -> None:
                numbers.append(f"{self.call_id} {number}")

        async def look(call: ToolCall) -> object:
            return call.call_id

        tools = ToolRegistry()
        tools.register("look", look, description="Looks.")
        config = ToolsConfig(hangup=True, transfer_targets={"sales": "123"})
        exchange = Exchange(provider=replace(_KEYLESS, tools=config), tools=tools)
        await started(exchange)
        await exchange.place_call("one", TransferringLine("one"))
        await exchange.place_call("two")
        first, second = (setup.tools for setup in exchange.setups)

        assert [spec.name for spec in first.specs] == ["look", "hangup", "transfer"]
        assert await first.call("look", "", call_id="one") == '"one"'
        assert "error" not in await first.call("transfer", '{"target":"sales"}', call_id="one")
        assert "not_supported" in await second.call("transfer", '{"target":"sales"}', call_id="two")
        assert numbers == ["one 123"]
        assert [spec.name for spec in tools.specs] == ["look"]
        await first.call("hangup", "", call_id="one")
        await exchange.calls["one"]
        assert exchange.reasons() == ["agent_hangup"]
        assert exchange.engine.running_calls == 1
        await exchange.engine.stop()

    @in_virtual_time
    async def test_a_provider_that_cannot_be_made_ends_that_call_only(self) -> None:
        """The handler does not raise, the line is hung up, and the next call is served."""
        made: list[ScriptedProvider] = []

        def make(setup: ProviderSetup) -> ScriptedProvider:
            if setup.call_id == "one":
                raise ZeroDivisionError
            made.append(ScriptedProvider.from_setup(setup))
            return made[-1]

        exchange = await started(Exchange(factory=make))
        line = ScriptedLine("one")
        await exchange.engine.handle_call(line)
        assert line.hangup_event == LineHangup("local_hangup")
        assert exchange.observer.started == []
        assert exchange.engine.counters.refusals == {"internal_error": 1}
        await exchange.place_call("two")
        assert len(made) == 1
        assert exchange.engine.counters.calls_accepted == 1
        assert exchange.engine.running_calls == 1
        await exchange.engine.stop()

    @in_virtual_time
    async def test_cancelling_the_handler_ends_its_call(self) -> None:
        """A transport that goes down takes its calls with it, and waits for their end."""
        exchange = await started(Exchange())
        await exchange.place_call("one")
        exchange.calls["one"].cancel()
        with pytest.raises(asyncio.CancelledError):
            await exchange.calls["one"]
        assert exchange.reasons() == ["drained"]
        assert exchange.engine.running_calls == 0
        await exchange.engine.stop()

    @in_virtual_time
    async def test_an_operator_hangs_one_call_up(self) -> None:
        """It ends as by its own line, the others go on, and one that is over is not there."""
        exchange = await started(Exchange())
        await exchange.place_call("one")
        await exchange.place_call("two")
        assert await exchange.engine.hang_up("one")
        await exchange.calls["one"]
        assert exchange.reasons() == ["local_hangup"]
        assert exchange.engine.running_calls == 1
        assert not await exchange.engine.hang_up("one")

    @in_virtual_time
    async def test_calls_that_ended_leave_nothing_behind(self) -> None:
        """Neither the gate nor the engine keeps anything of a thousand calls."""
        exchange = await started(Exchange(max_calls=1))
        seen: list[weakref.ref[ScriptedLine]] = []
        for number in range(1000):
            line = await exchange.place_call(f"call-{number}")
            line.receive(LineAudio(loud_frame()))
            line.receive(LineHangup("caller_hangup"))
            await exchange.calls.pop(line.call_id)
            exchange.providers.clear()
            exchange.setups.clear()
            exchange.observer.forget()
            seen.append(weakref.ref(line))
            del line
        gc.collect()
        assert [line for line in seen if line() is not None] == []
        assert len(exchange.engine.manager) == 0
        assert exchange.engine.running_calls == 0
        assert exchange.engine.counters.calls_accepted == 1000
        await exchange.engine.stop()


_OTHER = OpenAIRealtimeConfig(
    url="ws://127.0.0.1:10/v1", api_key_env=None, tools=ToolsConfig(hangup=True)
)


class TestRoutes:
    """Which provider answers."""

    def exchange(self) -> Exchange:
        exchange = Exchange()
        config = AppConfig(
            engine=EngineConfig(
                default_provider="agent", fall_back_provider="deep", provider_hold_ms=1234
            ),
            providers={
                "agent": _KEYLESS,
                "other": _OTHER,
                "deep": DeepgramConfig(api_key_env=None),
            },
            routes=(
                RouteConfig(match=RouteMatch(called_number="+4930*"), provider="other"),
                RouteConfig(
                    match=RouteMatch(parameters={"queue": "night"}),
                    provider="other",
                    fall_back_provider="agent",
                ),
                RouteConfig(match=RouteMatch(call_id="five"), provider="deep"),
            ),
            announcements=_SILENT,
        )
        registry = ProviderRegistry()
        for kind in ("openai_realtime", "deepgram"):
            registry.register(kind, exchange._make)
        exchange.engine = AIEngine(
            config,
            observers=[exchange.observer],
            clock=virtual_ms,
            environ={},
            providers=registry,
            transports=TransportRegistry(
                [("audiosocket", lambda section, environ: exchange.transport)]
            ),
        )
        return exchange

    @in_virtual_time
    @pytest.mark.parametrize(
        ("call_id", "metadata", "provider", "route"),
        [
            ("one", {}, "agent", None),
            ("two", {"called_number": "+4930123"}, "other", 0),
            ("three", {"called_number": "+4940123"}, "agent", None),
            ("four", {"queue": "night"}, "other", 1),
            ("FIVE", {}, "deep", 2),
        ],
    )
    async def test_what_is_known_of_a_call_decides(
        self, call_id: str, metadata: dict[str, str], provider: str, route: int | None
    ) -> None:
        """Observers are told which route it was, not what it was chosen by."""
        exchange = await started(self.exchange())
        await exchange.place_call(call_id, ScriptedLine(call_id, metadata=metadata))
        (call,) = exchange.observer.started
        assert (call.provider, call.route) == (provider, route)
        assert exchange.setups[0].config == exchange.engine.config.providers[provider]
        await exchange.engine.stop()

    @in_virtual_time
    @pytest.mark.parametrize(("metadata", "second"), [({}, "deep"), ({"queue": "night"}, "agent")])
    async def test_the_second_is_that_of_the_route(
        self, metadata: dict[str, str], second: str
    ) -> None:
        """Of the engine where there is none; with its own configuration, tools and gate."""
        exchange = await started(self.exchange())
        line = await exchange.place_call("one", ScriptedLine("one", metadata=metadata))
        first = exchange.providers["one"]
        first.end(ProviderError("agent", "gone", retryable=True))
        await asyncio.sleep(0.05)
        assert exchange.providers["one"] is not first
        (switched,) = exchange.observer.switched
        assert switched.provider == second
        before, setup = exchange.setups
        assert setup.config == exchange.engine.config.providers[second]
        assert setup.is_gated is (second == "agent")
        assert setup.hold_ms == 1234
        assert [spec.name for spec in before.tools.specs] == (["hangup"] if metadata else [])
        assert setup.tools.specs == ()
        line.receive(LineHangup("caller_hangup"))
        await exchange.calls["one"]
        (ended,) = exchange.observer.ended
        assert ended.provider == second
        await exchange.engine.stop()

    @in_virtual_time
    async def test_of_many_that_fall_back_at_once_one_is_shown_the_past_at_a_time(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A provider that fails fails for all of them, and other calls go on."""
        running = most = 0
        take_next = AgentSeat.take_next

        async def counted(seat: AgentSeat, *arguments: Any) -> Handover:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.01)
            running -= 1
            return await take_next(seat, *arguments)

        monkeypatch.setattr(AgentSeat, "take_next", counted)
        exchange = await started(self.exchange())
        for number in range(5):
            await exchange.place_call(f"call {number}")
        for provider in list(exchange.providers.values()):
            provider.end(ProviderError("agent", "gone", retryable=True))
        await asyncio.sleep(0.1)
        assert len(exchange.observer.switched) == 5
        assert most == 1
        await exchange.engine.stop()

    @in_virtual_time
    async def test_a_route_without_a_second_has_none(self) -> None:
        """The engine's is for calls without a route."""
        exchange = await started(self.exchange())
        line = ScriptedLine("one", metadata={"called_number": "+4930123"})
        await exchange.place_call("one", line)
        exchange.providers["one"].end(ProviderError("other", "gone", retryable=True))
        await exchange.calls["one"]
        assert exchange.reasons() == ["provider_lost"]
        assert exchange.observer.switched == []
        await exchange.engine.stop()

    @in_virtual_time
    async def test_what_answers_is_logged_at_the_start(self) -> None:
        """How many routes there are; and the guard, if it is at work before any of them."""
        exchange = self.exchange()
        with capture_logs() as logged:
            await exchange.engine.start()
        *_, event = logged
        assert (event["routes"], event["gating"], event["audio_guard"]) == (3, "echo_aware", True)
        await exchange.engine.stop()


class TestEnd:
    """Draining and stopping."""

    @in_virtual_time
    async def test_an_engine_says_where_it_is_between_its_making_and_its_end(self) -> None:
        """With the lines that listen meanwhile."""
        exchange = Exchange(drain_timeout_s=30.0)
        phases, lines = [exchange.engine.phase], [dict(exchange.engine.transports)]
        await started(exchange)
        phases.append(exchange.engine.phase)
        lines.append(dict(exchange.engine.transports))
        await exchange.place_call("one")
        await exchange.engine.drain()
        phases.append(exchange.engine.phase)
        lines.append(dict(exchange.engine.transports))
        await exchange.engine.stop()
        phases.append(exchange.engine.phase)
        assert phases == ["starting", "running", "draining", "stopped"]
        assert lines == [{}, {"audiosocket": exchange.transport}, {}]
        await exchange.engine.start()
        assert exchange.engine.phase is EnginePhase.RUNNING
        await exchange.engine.stop()

    @in_virtual_time
    async def test_an_observer_that_raises_is_counted(self) -> None:
        """The call goes on without it."""
        exchange = await started(Exchange())

        class Broken(CallObserver):
            def on_call_started(self, event: CallStarted) -> None:
                raise ValueError(event)

        exchange.engine.add_observer(Broken())
        assert exchange.engine.observer_failures == 0
        await exchange.place_call("one")
        assert (exchange.engine.running_calls, exchange.engine.observer_failures) == (1, 1)
        await exchange.engine.stop()

    @in_virtual_time
    async def test_draining_lets_calls_end_by_themselves(self) -> None:
        """It returns as soon as the last one has ended."""
        exchange = await started(Exchange(drain_timeout_s=30.0))
        line = await exchange.place_call("one")
        draining = asyncio.create_task(exchange.engine.drain())
        await asyncio.sleep(10)
        assert not draining.done()
        line.receive(LineHangup("caller_hangup"))
        await draining
        assert virtual_ms() < 11_000
        assert exchange.reasons() == ["caller_hangup"]

    @in_virtual_time
    async def test_draining_does_not_wait_for_ever(self) -> None:
        """After ``drain_timeout_s`` the calls that still run are left to be stopped."""
        exchange = await started(Exchange(drain_timeout_s=30.0))
        line = await exchange.place_call("one")
        await exchange.engine.drain()
        assert virtual_ms() == pytest.approx(30_000, abs=100)
        assert exchange.engine.running_calls == 1
        await exchange.engine.stop()
        assert exchange.reasons() == ["drained"]
        assert line.hangup_event == LineHangup("local_hangup")

    @in_virtual_time
    async def test_no_call_is_taken_while_draining(self) -> None:
        """A line that was on its way already is hung up."""
        exchange = await started(Exchange())
        await exchange.place_call("one")
        draining = asyncio.create_task(exchange.engine.drain())
        await asyncio.sleep(0.001)
        late = ScriptedLine("late")
        await exchange.engine.handle_call(late)
        assert late.hangup_event == LineHangup("local_hangup")
        with pytest.raises(LocalProtocolError):
            await exchange.transport.place_call(ScriptedLine("later"))
        draining.cancel()
        await exchange.engine.stop()

    @in_virtual_time
    async def test_stopping_ends_every_call(self) -> None:
        """It returns when the last one has ended; the handlers return as after any call."""
        exchange = await started(Exchange())
        for name in ("one", "two", "three"):
            await exchange.place_call(name)
        await exchange.engine.stop()
        assert exchange.reasons() == ["drained"] * 3
        assert exchange.engine.running_calls == 0
        await asyncio.gather(*exchange.calls.values())
        await exchange.engine.stop()

    @in_virtual_time
    @pytest.mark.parametrize(("time_s", "most_s"), [(3.0, 3.0), (1000.0, 10.0)])
    async def test_stopping_lets_the_lines_answer_what_is_still_asked(
        self, time_s: float, most_s: float
    ) -> None:
        """Of the calls that have ended, and within a bound."""
        transport = AskedTransport(time_s)
        exchange = Exchange(transport=transport)
        transport.engine = exchange.engine
        await exchange.engine.start()
        await exchange.place_call("one")
        began_ms = virtual_ms()
        await exchange.engine.stop()
        assert virtual_ms() - began_ms == pytest.approx(1000 * most_s, abs=100)
        assert transport.running_calls == [0]
        await exchange.engine.stop()
        assert transport.running_calls == [0]

    @in_virtual_time
    async def test_an_engine_can_be_started_again(self) -> None:
        """Once it has ended, and not before."""
        exchange = await started(Exchange())
        with pytest.raises(LocalProtocolError):
            await exchange.engine.start()
        await exchange.engine.stop()
        await exchange.engine.start()
        await exchange.place_call("one")
        assert exchange.engine.running_calls == 1
        await exchange.engine.stop()


class AskedTransport(ScriptedTransport):
    """Its peers still ask something once a call has ended."""

    def __init__(self, time_s: float) -> None:
        super().__init__()
        self.time_s = time_s
        self.running_calls: list[int] = []
        """How many ran whenever the engine began to wait."""
        self.engine: AIEngine | None = None

    async def wait_closed(self) -> None:
        assert self.engine is not None
        self.running_calls.append(self.engine.running_calls)
        await asyncio.sleep(self.time_s)


class UnableTransport(ScriptedTransport):
    """Finds its address taken."""

    async def start(self, handler: CallHandler) -> None:
        raise TransportError("audiosocket 127.0.0.1:8090", "can't listen", retryable=True)


class TestStart:
    """What must be right before the first call."""

    async def test_a_kind_that_is_not_available_is_an_error(self) -> None:
        """Named in one line, with what there is instead."""
        config = replace(AppConfig(), engine=EngineConfig(default_provider="local"))
        registry = ProviderRegistry()
        registry.register("openai_realtime", ScriptedProvider.from_setup)
        registry.register("local", None)
        engine = AIEngine(config, environ={}, providers=registry)
        with pytest.raises(ProviderError, match=r"local: not available.*openai_realtime") as info:
            await engine.start()
        assert "\n" not in str(info.value)
        assert not engine.addresses

    @in_virtual_time
    @pytest.mark.parametrize("environ", [{}, {"AGENT_KEY": ""}, {"AGENT_KEY": " \n"}])
    async def test_a_key_that_is_not_set_is_an_error(self, environ: Mapping[str, str]) -> None:
        """Named with its variable and the provider; nothing is started."""
        provider = OpenAIRealtimeConfig(api_key_env="AGENT_KEY")
        exchange = Exchange(provider=provider, environ=environ)
        with pytest.raises(ConfigError, match=r"AGENT_KEY: is not set; provider 'agent'"):
            await exchange.engine.start()
        assert not exchange.engine.addresses

    @in_virtual_time
    async def test_deepgram_wants_its_key_too(self) -> None:
        """Every kind with a variable for it does."""
        config = replace(AppConfig(), engine=EngineConfig(default_provider="deepgram"))
        engine = AIEngine(config, environ={}, providers=default_registry())
        with pytest.raises(ConfigError, match=r"DEEPGRAM_API_KEY: is not set; provider 'deepgram'"):
            await engine.start()

    @in_virtual_time
    async def test_the_key_goes_to_the_provider_and_not_into_the_log(self) -> None:
        """It is read from the variable that the configuration names."""
        provider = OpenAIRealtimeConfig(api_key_env="AGENT_KEY")
        exchange = Exchange(provider=provider, environ={"AGENT_KEY": "k-secret"})
        with capture_logs() as logged:
            await exchange.engine.start()
            await exchange.place_call("one")
            await exchange.engine.stop()
        assert [setup.api_key for setup in exchange.setups] == ["k-secret"]
        assert "k-secret" not in repr(logged)
        assert "k-secret" not in repr(exchange.setups)

    @in_virtual_time
    async def test_a_provider_is_set_up_for_its_call(self) -> None:
        """With the call's id and formats, the engine's gate and clock, and the operator's bound."""
        exchange = await started(Exchange(provider_hold_ms=1234))
        line = await exchange.place_call("one")
        (setup,) = exchange.setups
        assert setup.config == _KEYLESS
        assert setup.call_id == "one"
        assert setup.call_audio.capture == line.capture_format
        assert setup.call_audio.playout == line.playout_format
        assert setup.manager is exchange.engine.manager
        assert setup.clock is virtual_ms
        assert setup.hold_ms == 1234
        await exchange.engine.stop()

    @in_virtual_time
    async def test_the_start_is_logged_with_what_guards_the_calls(self) -> None:
        """Provider, gating mode, guard and addresses; one event."""
        exchange = Exchange()
        with capture_logs() as logged:
            await exchange.engine.start()
        starting, event = logged
        assert starting["event"] == "engine.starting"
        assert starting["compiled"] is is_compiled()
        assert event["event"] == "engine.started"
        assert event["provider"] == "agent"
        assert event["gating"] == "echo_aware"
        assert event["audio_guard"] is True
        assert event["gap_recovery"] is False
        assert event["speech_evidence"] == "light"
        assert event["lines"] == {"audiosocket": "scripted:0"}
        await exchange.engine.stop()

    @in_virtual_time
    async def test_a_provider_that_passes_through_has_neither_gate_nor_guard(self) -> None:
        """The start says so."""
        exchange = Exchange()
        config = exchange.engine.config
        policies = dict(config.gating.providers)
        policies["openai_realtime"] = replace(policies["openai_realtime"], gating_enabled=False)
        ungated = replace(config, gating=replace(config.gating, providers=policies))
        registry = TransportRegistry(
            [("audiosocket", lambda section, environ: ScriptedTransport())]
        )
        engine = AIEngine(ungated, environ={}, transports=registry)
        with capture_logs() as logged:
            await engine.start()
        assert (logged[-1]["gating"], logged[-1]["audio_guard"]) == ("off", False)
        await engine.stop()

    @in_virtual_time
    async def test_a_line_that_is_not_enabled_is_not_started(self) -> None:
        """Its address may be in use by another program."""
        lines = LinesConfig(audiosocket=AudioSocketConfig(enabled=False))
        registry = TransportRegistry([("audiosocket", lambda section, environ: UnableTransport())])
        engine = AIEngine(replace(config_with(), lines=lines), environ={}, transports=registry)
        await engine.start()
        assert not engine.addresses
        await engine.stop()

    @in_virtual_time
    async def test_the_embedded_server_runs_as_long_as_the_engine(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Providers get its address; the key in the environment is none of its business."""
        server = StandInServer()
        monkeypatch.setattr(voxgate.call.embedded_server, "RealtimeServer", server)
        environ = {"OPENAI_API_KEY": "k-secret"}
        exchange = await started(Exchange(provider=_EMBEDDED, environ=environ))
        assert server.is_running
        assert server.arguments == {
            "host": "127.0.0.1",
            "port": 0,
            "max_sessions": 200,
            "speed_ratio": 8.0,
        }
        await exchange.place_call("one")
        (setup,) = exchange.setups
        assert isinstance(setup.config, OpenAIRealtimeConfig)
        assert setup.config.url == server.url
        assert setup.api_key is None
        await exchange.engine.stop()
        assert not server.is_running

    @in_virtual_time
    async def test_no_embedded_server_without_a_provider_that_needs_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An engine for the cloud opens no port but its lines'."""
        server = StandInServer()
        monkeypatch.setattr(voxgate.call.embedded_server, "RealtimeServer", server)
        exchange = await started(Exchange())
        assert not server.is_running
        await exchange.engine.stop()

    @in_virtual_time
    async def test_a_line_that_cannot_listen_stops_the_server_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A failed start leaves nothing behind, and can be tried again."""
        server = StandInServer()
        monkeypatch.setattr(voxgate.call.embedded_server, "RealtimeServer", server)
        exchange = Exchange(provider=_EMBEDDED, transport=UnableTransport())
        with pytest.raises(TransportError):
            await exchange.engine.start()
        assert not server.is_running
        assert not exchange.engine.addresses
        exchange.transport = ScriptedTransport()
        await exchange.engine.start()
        await exchange.place_call("one")
        assert exchange.engine.running_calls == 1
        await exchange.engine.stop()

    @in_virtual_time
    async def test_an_embedded_server_that_cannot_listen_is_an_error_of_ours(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not an OSError: what is wrong is named with the address."""
        error = OSError(98, "Address already in use")
        monkeypatch.setattr(voxgate.call.embedded_server, "RealtimeServer", StandInServer(error))
        exchange = Exchange(provider=_EMBEDDED)
        with pytest.raises(TransportError, match=r"realtime_server 127.0.0.1:0: can't listen"):
            await exchange.engine.start()
        assert not exchange.engine.addresses

    def test_a_deepgram_configuration_is_no_error_as_long_as_it_is_not_chosen(self) -> None:
        """A file may name providers of the future."""
        config = AppConfig(providers={"embedded": _EMBEDDED, "deepgram": DeepgramConfig()})
        assert AIEngine(config, environ={}).running_calls == 0
