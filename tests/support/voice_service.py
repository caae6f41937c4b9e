"""An engine with AudioSocket lines on a free port, and what it told its observers.

Its provider is whatever speaks the Realtime protocol at a URL: the embedded server, or a peer that
does what a test says.
"""

from __future__ import annotations

__all__ = ["CallRecord", "Recorder", "VoiceService", "gate_states", "realtime_config"]

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from support.telephone import Telephone, until
from support.virtual_time import virtual_ms
from voxgate.call_observer import CallEnded, CallObserver, CallStarted
from voxgate.config.line_models import AudioSocketConfig, LinesConfig
from voxgate.config.models import AppConfig, EngineConfig, GatingSection
from voxgate.config.provider_models import (
    OpenAIRealtimeConfig,
    ProviderConfig,
    ProviderKind,
)
from voxgate.core.config import ForwardedAudio, GatingMode, ProviderGatingPolicy
from voxgate.core.gate_decision import GateDecision, GateEvent, GateEventType, GateState
from voxgate.core.playout import PlayoutFrame
from voxgate.engine import AIEngine
from voxgate.providers.base import ProviderEvent
from voxgate.providers.tools import ToolRegistry


def realtime_config(url: str, **fields: Any) -> OpenAIRealtimeConfig:
    """Return a provider at a URL that wants no key and is reconnected to soon."""
    defaults: dict[str, Any] = {"api_key_env": None, "greeting": None, "reconnect_initial_ms": 100}
    return OpenAIRealtimeConfig(url=url, **{**defaults, **fields})


@dataclass
class CallRecord:
    """What the engine told of one call."""

    decisions: list[tuple[float, GateDecision]] = field(default_factory=list)
    """Of frames and of slots, with their times."""
    gate_events: list[GateEvent] = field(default_factory=list)
    playout: list[tuple[float, PlayoutFrame]] = field(default_factory=list)
    provider_events: list[tuple[float, ProviderEvent]] = field(default_factory=list)
    ended: CallEnded | None = None

    @property
    def state(self) -> GateState:
        """Where the gate stands."""
        return self.decisions[-1][1].state if self.decisions else GateState.OPEN

    @property
    def barge_ins(self) -> int:
        """How often the gate opened over the agent, or came near to it."""
        early = {GateEventType.CANDIDATE_STARTED, GateEventType.BARGE_IN_COMMITTED}
        return sum(event.type in early for event in self.gate_events)

    def times_of(self, event_type: GateEventType) -> list[float]:
        """Return when something happened at the gate."""
        return [event.t_ms for event in self.gate_events if event.type is event_type]

    def provider_times_of(self, event_type: type[object]) -> list[float]:
        """Return when the provider said something."""
        return [t_ms for t_ms, event in self.provider_events if isinstance(event, event_type)]

    def agent_slots(self) -> list[float]:
        """Return the times of the slots in which the agent was played."""
        return [t_ms for t_ms, frame in self.playout if frame.is_agent_audio]


def _policies(*, is_gated: bool) -> dict[ProviderKind, ProviderGatingPolicy]:
    """Return policies that don't depend on trained weights: voice and level decide.

    Audio goes out raw, as tests know sentences by their very bytes.
    """
    policies = dict(GatingSection().providers)
    kind: ProviderKind = "openai_realtime"
    policies[kind] = replace(
        policies[kind],
        gating_enabled=is_gated,
        mode=GatingMode.VAD,
        forwarded_audio=ForwardedAudio.RAW,
    )
    return policies


def gate_states(record: CallRecord, start_ms: float, end_ms: float) -> set[GateState]:
    """Return where the gate stood after the decisions of a while."""
    return {made.state for t_ms, made in record.decisions if start_ms <= t_ms < end_ms}


class Recorder(CallObserver):
    """Keeps a record of each call."""

    def __init__(self) -> None:
        self.calls: dict[str, CallRecord] = {}

    def on_call_started(self, event: CallStarted) -> None:
        self.calls[event.call_id] = CallRecord()

    def on_decision(
        self, call_id: str, now_ms: float, frame: bytes | None, decision: GateDecision
    ) -> None:
        self.calls[call_id].decisions.append((now_ms, decision))

    def on_gate_event(self, call_id: str, event: GateEvent) -> None:
        self.calls[call_id].gate_events.append(event)

    def on_playout(self, call_id: str, now_ms: float, frame: PlayoutFrame) -> None:
        self.calls[call_id].playout.append((now_ms, frame))

    def on_provider_event(self, call_id: str, now_ms: float, event: ProviderEvent) -> None:
        self.calls[call_id].provider_events.append((now_ms, event))

    def on_call_ended(self, event: CallEnded) -> None:
        self.calls[event.call_id].ended = event


class VoiceService:
    """A running engine."""

    def __init__(self, engine: AIEngine, recorder: Recorder) -> None:
        self.engine = engine
        self._recorder = recorder

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        provider: ProviderConfig,
        *,
        observers: Iterable[CallObserver] = (),
        environ: dict[str, str] | None = None,
        tools: ToolRegistry | None = None,
        is_gated: bool = True,
        **engine: Any,
    ) -> AsyncIterator[VoiceService]:
        """Run an engine in the time of the loop, for the length of a block.

        Args:
            provider: Who answers.
            is_gated: False: every frame passes.
            observers: Told after the recorder.
            environ: Where its key is.
            tools: Functions of its model.
            engine: Fields of the engine's configuration.
        """
        config = AppConfig(
            engine=EngineConfig(default_provider="agent", **engine),
            lines=LinesConfig(audiosocket=AudioSocketConfig(port=0)),
            providers={"agent": provider},
            gating=GatingSection(providers=_policies(is_gated=is_gated)),
        )
        recorder = Recorder()
        running = AIEngine(
            config,
            observers=[recorder, *observers],
            clock=virtual_ms,
            environ=environ or {},
            tools=tools,
        )
        await running.start()
        try:
            yield cls(running, recorder)
        finally:
            async with asyncio.timeout(60):
                await running.stop()

    @property
    def address(self) -> tuple[str, int]:
        """Where Asterisk connects to."""
        return self.engine.addresses["audiosocket"]

    def record(self, phone: Telephone) -> CallRecord:
        """Return what is known of a call."""
        return self._recorder.calls[phone.call_id]

    async def taken(self, phone: Telephone) -> CallRecord:
        """Wait until the engine serves a call, and return its record, which goes on growing."""
        await until(lambda: phone.call_id in self._recorder.calls)
        return self.record(phone)

    async def ended_after_hangup(self, phone: Telephone) -> CallEnded:
        """Let the caller hang up, and wait for the end of the call."""
        phone.hang_up()
        return await self.ended(phone)

    async def ended(self, phone: Telephone) -> CallEnded:
        """Wait for the end of a call."""
        record = await self.taken(phone)
        await until(lambda: record.ended)
        assert record.ended is not None
        return record.ended
