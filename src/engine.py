"""The engine: wires lines to providers, one call session each, and ends them in good order.

Invariant: the engine never decides about audio. The gating manager is made here, once, and handed
to every provider.
"""

from __future__ import annotations

__all__ = ["AIEngine", "EngineCounters", "EnginePhase"]

import asyncio
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import partial
from types import MappingProxyType

import structlog

from .call import (
    Announcements,
    CallAgents,
    CallServices,
    CallSession,
    Candidate,
    FallBackPolicy,
)
from .call_observer import CallObserver, Observers
from .clock import Clock, monotonic_ms
from .config.models import AppConfig
from .config.reload_rules import KeyChange, changes_between, restart_problems
from .core.audio_guard import AUDIO_GUARD_ENABLED
from .core.compiled import is_compiled
from .core.guard.speech_evidence import evidence_in_force
from .core.taped_gating_manager import TapedGatingManager
from .core.vad_manager import EnhancedVADManager
from .errors import ConfigError, ConfigProblem, LocalProtocolError
from .event_loop import loop_name
from .local_agent.part_pool import LocalPart
from .providers.registry import ProviderRegistry, default_registry
from .providers.tools import ToolRegistry
from .transports.base import Line, Transport
from .transports.registry import TRANSPORTS, TransportRegistry

_LINES_CLOSE_TIMEOUT_S = 10.0
"""Time in s that the lines get to close when all calls are over: to answer what their peers still
ask (Twilio: 5 s), and to say goodbye to connections that are no calls yet."""

_log = structlog.get_logger(__name__)


class EnginePhase(StrEnum):
    """Where an engine is between its making and its end."""

    STARTING = "starting"
    """It was made, and takes no calls yet."""
    RUNNING = "running"
    """It takes calls."""
    DRAINING = "draining"
    """It takes no more calls, and those that run may end by themselves."""
    STOPPED = "stopped"
    """It ends what runs, or has."""


@dataclass(slots=True)
class EngineCounters:
    """What the engine did that belongs to no single call."""

    calls_accepted: int = 0
    """Calls that were let in, those that are over included."""
    calls_refused: int = 0
    """Hung up at once: ``max_calls`` were running, the engine was ending, the id was in use, or a
    bug kept the agent from being made."""
    refusals: dict[str, int] = field(default_factory=dict)
    """The same by reason: ``max_calls``, ``not_running``, ``duplicate_call_id``,
    ``internal_error``."""

    def refuse(self, reason: str) -> None:
        """Count a call that was refused."""
        self.calls_refused += 1
        self.refusals[reason] = self.refusals.get(reason, 0) + 1


class AIEngine:
    """A voice-agent engine for many calls.

    Args:
        config: Everything that an operator may turn.
        observers: Told of every call; see :class:`CallObserver`.
        clock: Monotonic time in ms, for everything.
        environ: Where secrets are read from, by the names that the configuration gives.
        providers: The kinds of provider; those of voxgate if left out.
        transports: The kinds of lines; those of voxgate if left out.
        tools: Functions that the agent's model may call, on every call; the configuration may add
            ``hangup`` and ``transfer``.
    """

    def __init__(
        self,
        config: AppConfig,
        *,
        observers: Iterable[CallObserver] = (),
        clock: Clock = monotonic_ms,
        environ: Mapping[str, str] = os.environ,
        providers: ProviderRegistry | None = None,
        transports: TransportRegistry = TRANSPORTS,
        tools: ToolRegistry | None = None,
    ) -> None:
        self.config = config
        """What is in force; :meth:`reconfigure` changes it."""
        self.counters = EngineCounters()
        """What belongs to no single call."""
        gating = config.gating_config
        self.manager = TapedGatingManager(EnhancedVADManager(config.vad), gating)
        """The one gate of all calls."""
        self._observer = Observers(observers)
        self._clock = clock
        self._environ = environ
        known = providers or default_registry()
        self._services = CallServices(config, environ=environ, providers=known)
        tools = ToolRegistry() if tools is None else tools
        self._agents = CallAgents(known, self._services, self.manager, tools)
        self._fall_back = FallBackPolicy(
            after_s=config.engine.fall_back_after_s, hold_ms=config.engine.provider_hold_ms
        )
        self._transport_kinds = transports
        self._transports: dict[str, Transport] = {}
        self._stopped_transports: list[Transport] = []
        self._calls: dict[str, asyncio.Task[None]] = {}
        self._lines: dict[str, Line] = {}
        """The lines of the running calls, by call id."""
        self._is_running = False
        self._phase = EnginePhase.STARTING
        self._reconfiguring = asyncio.Lock()

    @property
    def phase(self) -> EnginePhase:
        """Where it is between its making and its end."""
        return self._phase

    @property
    def transports(self) -> Mapping[str, Transport]:
        """The lines that listen, by their names."""
        return MappingProxyType(self._transports)

    @property
    def local_parts(self) -> Mapping[tuple[str, str], LocalPart]:
        """The parts of local agents, by provider and section; equal ones are one object."""
        return self._services.local_parts

    @property
    def refused_realtime_sessions(self) -> int:
        """Clients that the embedded server had no room for, so far; 0 where it does not run."""
        return self._services.refused_realtime_sessions

    @property
    def observer_failures(self) -> int:
        """Observers that raised, and are told nothing more, so far."""
        return self._observer.failures

    @property
    def addresses(self) -> Mapping[str, tuple[str, int]]:
        """Host and port of each line that listens, by its name."""
        return {name: transport.address for name, transport in self._transports.items()}

    @property
    def announcements(self) -> Announcements:
        """What callers hear when a provider fails; nothing before the start."""
        return self._services.announcements

    @property
    def running_calls(self) -> int:
        """Calls that are being served now."""
        return len(self._calls)

    def add_observer(self, observer: CallObserver) -> None:
        """Tell another observer from now on; of a call that runs, what happens from now on."""
        self._observer.add(observer)

    def remove_observer(self, observer: CallObserver) -> None:
        """Tell an observer nothing more."""
        self._observer.remove(observer)

    async def start(self) -> None:
        """Start what the providers need, such as the embedded server, and then the lines.

        Where one of them can't be started, those before it are stopped again.

        Raises:
            ConfigError: the key of a provider that can answer is not set.
            ProviderError: the kind of a provider that can answer, or a part of one, can't be had; a
                part that can't be reached now is a warning, and its calls try again.
            TransportError: a line's address, or the embedded server's, can't be bound.
            LocalProtocolError: the engine is running.
        """
        if self._is_running:
            raise LocalProtocolError("start: the engine is running")
        self._is_running = True
        self._phase = EnginePhase.STARTING
        _log.info(
            "engine.starting",
            providers=list(self.config.answering_providers),
            event_loop=loop_name(),
            compiled=is_compiled(),
        )
        try:
            await self._services.start()
            await self._start_transports()
        except BaseException:
            await self._end()
            raise
        self._phase = EnginePhase.RUNNING
        policies = [self._agents.gating_of(name) for name in self.config.answering_providers]
        is_gated = any(policy is not None for policy in policies)
        _log.info(
            "engine.started",
            provider=self.config.engine.default_provider,
            routes=len(self.config.routes),
            gating="off" if policies[0] is None else str(policies[0].mode),
            audio_guard=AUDIO_GUARD_ENABLED and is_gated,
            gap_recovery=is_gated and not AUDIO_GUARD_ENABLED,
            speech_evidence=str((is_gated and self.manager.speech_evidence) or "off"),
            lines={name: f"{host}:{port}" for name, (host, port) in self.addresses.items()},
        )

    def check(self, config: AppConfig) -> tuple[ConfigProblem, ...]:
        """Return what stands against another configuration while this engine runs.

        What only shows when it is made, such as an announcement that nobody can speak, is not said.
        """
        changes = changes_between(self.config, config)
        return (*restart_problems(changes), *self._services.problems_of(config))

    async def reconfigure(self, config: AppConfig) -> tuple[KeyChange, ...]:
        """Let another configuration hold, as a whole or not at all.

        What each key takes effect on stands in ``config/reload_rules.py``: running calls take the
        gate's thresholds at their next frame and keep the providers and everything else that they
        began with, those that may still take over included. The log is the caller's to change.

        Returns:
            What differs from before.

        Raises:
            ConfigError: with everything that stands against it; nothing was changed. Keys that need
                a restart are named with both values, as is what a newly named provider lacks: its
                API key, or parts or the embedded server, which are started at the start only.
            LocalProtocolError: the engine is not running.
        """
        async with self._reconfiguring:
            self._require_running()
            changes = changes_between(self.config, config)
            if problems := self.check(config):
                raise ConfigError(problems)
            announcements = await self._services.prepare(config)
            evidence = config.audio_guard.speech_evidence
            if evidence is not self.config.audio_guard.speech_evidence:
                # To load networks that were not needed before takes longer than a frame.
                await asyncio.to_thread(evidence_in_force, evidence)
            self._require_running()
            self._follow(config, announcements)
        return changes

    async def drain(self) -> None:
        """Take no more calls and give the running ones ``drain_timeout_s`` to end by themselves."""
        self._is_running = False
        self._phase = EnginePhase.DRAINING
        await self._stop_transports()
        timeout_s = self.config.engine.drain_timeout_s
        _log.info("engine.draining", running_calls=self.running_calls, timeout_s=timeout_s)
        if self._calls:
            await asyncio.wait(self._calls.values(), timeout=timeout_s)

    async def stop(self) -> None:
        """End everything: lines, running calls, the embedded server. Idempotent.

        What the peers of some lines still ask once a call has ended is answered before.
        """
        running_calls = self.running_calls
        await self._end()
        _log.info("engine.stopped", ended_calls=running_calls)

    async def handle_call(self, line: Line) -> None:
        """Serve one line from start to end; never raises but for cancellation.

        Cancellation ends the call and waits for that.
        """
        refusal = self._refusal(line)
        if refusal is not None:
            self.counters.refuse(refusal)
            _log.warning("call.refused", call_id=line.call_id, reason=refusal)
            await line.hangup()
            return
        task = asyncio.create_task(self._serve(line), name=f"call {line.call_id}")
        self._calls[line.call_id], self._lines[line.call_id] = task, line
        task.add_done_callback(lambda _: self._forget(line.call_id))
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            raise

    async def hang_up(self, call_id: str) -> bool:
        """End a running call, which ends as one that its line has ended: ``local_hangup``.

        Returns:
            Whether there is such a call.
        """
        line = self._lines.get(call_id)
        if line is None:
            return False
        await line.hangup()
        return True

    # -- private steps: another configuration ------------------------------------------------------

    def _require_running(self) -> None:
        if not self._is_running:
            raise LocalProtocolError("reconfigure: the engine is not running")

    def _follow(self, config: AppConfig, announcements: Announcements) -> None:
        """Let a configuration hold that has been judged."""
        self.manager.reconfigure(self._agents.gating_under(config), self._clock())
        self._services.follow(config, announcements)
        self._fall_back = replace(
            self._fall_back,
            after_s=config.engine.fall_back_after_s,
            hold_ms=config.engine.provider_hold_ms,
        )
        self.config = config

    # -- private steps -----------------------------------------------------------------------------

    def _forget(self, call_id: str) -> None:
        del self._calls[call_id], self._lines[call_id]

    def _refusal(self, line: Line) -> str | None:
        """Return why a line is not served, or None if it is."""
        if not self._is_running:
            return "not_running"
        if self.running_calls >= self.config.engine.max_calls:
            return "max_calls"
        return "duplicate_call_id" if line.call_id in self._calls else None

    async def _serve(self, line: Line) -> None:
        try:
            session = self._session(line)
        except Exception:  # noqa: BLE001 - one call's trouble never reaches another
            self.counters.refuse("internal_error")
            _log.exception("call.failed", call_id=line.call_id)
            await line.hangup()
            return
        self.counters.calls_accepted += 1
        await session.run()

    def _session(self, line: Line) -> CallSession:
        """Return the session of a call, with the providers that its route names."""
        route, (first, *others) = self._agents.route(self.config, line)
        make_agent = partial(self._agents.make, self.config, line)
        agent = make_agent(first, self._clock)
        return CallSession(
            line,
            agent.provider,
            provider_name=first,
            manager=self.manager,
            observer=self._observer,
            clock=self._clock,
            control=agent.control,
            successors=[Candidate(name, partial(make_agent, name)) for name in others],
            fall_back=self._fall_back,
            announcements=self._services.announcements,
            route=route,
        )

    async def _start_transports(self) -> None:
        for line in fields(self.config.lines):
            section = getattr(self.config.lines, line.name)
            if section.enabled:
                transport = self._transport_kinds.create(line.name, section, self._environ)
                await transport.start(self.handle_call)
                self._transports[line.name] = transport

    async def _end(self) -> None:
        """End everything, the next part whatever becomes of the one before."""
        self._is_running = False
        self._phase = EnginePhase.STOPPED
        try:
            await self._stop_transports()
            for task in self._calls.values():
                task.cancel()
            if self._calls:
                await asyncio.wait(self._calls.values())
            await self._wait_lines_closed()
        finally:
            await self._services.stop()

    async def _stop_transports(self) -> None:
        for name in list(self._transports):
            transport = self._transports.pop(name)
            await transport.stop()
            self._stopped_transports.append(transport)

    async def _wait_lines_closed(self) -> None:
        """Let the lines that are stopped answer what is still asked; what takes longer is cut."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINES_CLOSE_TIMEOUT_S):
                for transport in self._stopped_transports:
                    await transport.wait_closed()
        self._stopped_transports.clear()
