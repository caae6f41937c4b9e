"""The engine: wires lines to providers, one call session each, and ends them in good order.

Invariant: the engine never decides about audio. The gating manager is made here, once, and handed
to every provider.
"""

from __future__ import annotations

__all__ = ["AIEngine"]

import asyncio
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import structlog

from .call import CallSession
from .call_observer import CallObserver, Observers
from .clock import Clock, monotonic_ms
from .config.models import AppConfig, OpenAIRealtimeConfig, ProviderConfig
from .core.audio_gating_manager import AudioGatingManager
from .core.vad_manager import EnhancedVADManager
from .errors import ConfigError, ConfigProblem
from .providers.base import CallAudio
from .providers.registry import ProviderRegistry, default_registry
from .providers.setup import ProviderSetup
from .realtime_server.server import RealtimeServer
from .transports.base import Line, Transport
from .transports.registry import TRANSPORTS, TransportRegistry

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class EngineCounters:
    """What the engine did that belongs to no single call."""

    calls_accepted: int = 0
    calls_refused: int = 0
    """Hung up at once because ``max_calls`` were running."""


class AIEngine:
    """A voice-agent engine for many calls.

    Args:
        config: Everything that an operator may turn.
        observers: Told of every call; see :class:`CallObserver`.
        clock: Monotonic time in ms, for everything.
        environ: Where secrets are read from, by the names that the configuration gives.
        providers: The kinds of provider; those of voxgate if left out.
        transports: The kinds of lines; those of voxgate if left out.
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
    ) -> None:
        self.config = config
        self.counters = EngineCounters()
        self.manager = AudioGatingManager(EnhancedVADManager(config.vad), config.gating_config)
        self._observer = Observers(observers)
        self._clock = clock
        self._environ = environ
        self._providers = providers or default_registry()
        self._transport_kinds = transports
        self._transports: dict[str, Transport] = {}
        self._realtime_server: RealtimeServer | None = None
        self._calls: dict[asyncio.Task[None], Line] = {}
        self._is_draining = False

    @property
    def addresses(self) -> Mapping[str, tuple[str, int]]:
        """Host and port of each line that listens, by its name."""
        return {name: transport.address for name, transport in self._transports.items()}

    @property
    def running_calls(self) -> int:
        """Calls that are being served now."""
        return len(self._calls)

    async def start(self) -> None:
        """Start the embedded server, if a provider needs it, and then the lines.

        Raises:
            ConfigError: the default provider's key is not set.
            ProviderError: the default provider's kind is not available.
            TransportError: a line's address can't be bound.
        """
        self._providers.require(self._provider_config.kind)
        self._check_key()
        try:
            await self._start_realtime_server()
            await self._start_transports()
        except BaseException:
            await self.stop()
            raise
        _log.info(
            "engine.started",
            provider=self.config.engine.default_provider,
            lines={name: f"{host}:{port}" for name, (host, port) in self.addresses.items()},
        )

    async def drain(self) -> None:
        """Take no more calls and give the running ones ``drain_timeout_s`` to end by themselves."""
        self._is_draining = True
        await self._stop_transports()
        timeout_s = self.config.engine.drain_timeout_s
        _log.info("engine.draining", running_calls=self.running_calls, timeout_s=timeout_s)
        if self._calls:
            await asyncio.wait(self._calls, timeout=timeout_s)

    async def stop(self) -> None:
        """End everything: lines, running calls, the embedded server. Idempotent."""
        self._is_draining = True
        await self._stop_transports()
        for task in list(self._calls):
            task.cancel()
        if self._calls:
            await asyncio.wait(self._calls)
        if self._realtime_server is not None:
            await self._realtime_server.stop()
            self._realtime_server = None
        _log.info("engine.stopped")

    async def handle_call(self, line: Line) -> None:
        """Serve one line from start to end; never raises but for cancellation."""
        if self._is_draining or self.running_calls >= self.config.engine.max_calls:
            self.counters.calls_refused += 1
            _log.warning("call.refused", call_id=line.call_id, running_calls=self.running_calls)
            await line.hangup()
            return
        self.counters.calls_accepted += 1
        task = asyncio.create_task(self._serve(line), name=f"call {line.call_id}")
        self._calls[task] = line
        task.add_done_callback(self._calls.pop)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            raise

    # -- private steps -----------------------------------------------------------------------------

    @property
    def _provider_config(self) -> ProviderConfig:
        return self.config.providers[self.config.engine.default_provider]

    def _check_key(self) -> None:
        """Refuse to start where every call would fail for want of a key."""
        config = self._provider_config
        if not isinstance(config, OpenAIRealtimeConfig) or config.is_embedded:
            return
        if config.api_key_env is not None and not self._environ.get(config.api_key_env):
            raise ConfigError(
                [
                    ConfigProblem(
                        key=config.api_key_env,
                        value="",
                        rule=f"is not set; provider "
                        f"{self.config.engine.default_provider!r} reads its key from it",
                        source="environment",
                    )
                ]
            )

    async def _serve(self, line: Line) -> None:
        session = CallSession(
            line,
            self._providers.create(self._setup(line)),
            provider_name=self.config.engine.default_provider,
            manager=self.manager,
            observer=self._observer,
            clock=self._clock,
        )
        await session.run()

    def _setup(self, line: Line) -> ProviderSetup:
        config = self._reachable_config()
        key_name = config.api_key_env if isinstance(config, OpenAIRealtimeConfig) else None
        return ProviderSetup(
            config=config,
            call_id=line.call_id,
            call_audio=CallAudio(capture=line.capture_format, playout=line.playout_format),
            manager=self.manager,
            clock=self._clock,
            api_key=None if key_name is None else self._environ.get(key_name),
            hold_ms=self.config.engine.provider_hold_ms,
        )

    def _reachable_config(self) -> ProviderConfig:
        """Return the provider's configuration with the embedded server's address filled in."""
        config = self._provider_config
        if isinstance(config, OpenAIRealtimeConfig) and config.is_embedded:
            assert self._realtime_server is not None, "started with the engine"  # noqa: S101
            return replace(config, url=self._realtime_server.url)
        return config

    async def _start_realtime_server(self) -> None:
        config = self._provider_config
        if isinstance(config, OpenAIRealtimeConfig) and config.is_embedded:
            section = self.config.realtime_server
            self._realtime_server = RealtimeServer(
                host=section.host, port=section.port, speed_ratio=section.speed_ratio
            )
            await self._realtime_server.start()

    async def _start_transports(self) -> None:
        section = self.config.lines.audiosocket
        if section.enabled:
            transport = self._transport_kinds.create("audiosocket", section)
            await transport.start(self.handle_call)
            self._transports["audiosocket"] = transport

    async def _stop_transports(self) -> None:
        for name in list(self._transports):
            await self._transports.pop(name).stop()
