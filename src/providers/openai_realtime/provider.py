"""The OpenAI Realtime provider: the shell that owns the call's session and runs its functions.

What is decided is decided in :mod:`.conversation` and :mod:`.session`; the connection is kept by
:mod:`voxgate.providers.session_keeper`. Invariant: no function of the model holds up the audio.
"""

from __future__ import annotations

__all__ = ["OpenAIRealtimeProvider"]

import asyncio
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlsplit

import structlog
from websockets.asyncio.client import ClientConnection

from ...clock import Clock, monotonic_ms
from ...config.provider_models import OpenAIRealtimeConfig
from ...core.gate_decision import GateDecision
from ..base import CallAudio, Capabilities, ProviderEvent
from ..gating import GatingManager
from ..session_keeper import ReconnectPolicy, SessionKeeper
from ..setup import DEFAULT_HOLD_MS, ProviderSetup
from ..tools import ToolRegistry
from ..websocket import is_key_exposed
from .connection import connection_url, open_connection
from .conversation import Conversation
from .server_events import FunctionRequest

_log = structlog.get_logger(__name__)


class OpenAIRealtimeProvider:
    """One call's agent behind a server that speaks the OpenAI Realtime protocol.

    Args:
        config: What the operator set; its URL is a real address, not ``embedded``.
        call_id: The call, as the manager knows it.
        call_audio: Formats of the call's line.
        manager: The gate; asked about every frame, told of every event.
        clock: The manager's clock.
        api_key: The key, or None for a server that wants none. Never logged.
        hold_ms: Caller's audio that is held while there is no session, in ms, oldest dropped.
        tools: Functions that the model may call.
        name: Its name in the configuration, for the log; that of the kind if left out.

    Raises:
        ValueError: if the URL is still ``embedded``.
    """

    def __init__(
        self,
        config: OpenAIRealtimeConfig,
        *,
        call_id: str,
        call_audio: CallAudio,
        manager: GatingManager,
        clock: Clock = monotonic_ms,
        api_key: str | None,
        hold_ms: float = DEFAULT_HOLD_MS,
        tools: ToolRegistry | None = None,
        name: str | None = None,
    ) -> None:
        connection_url(config)
        self._config = config
        self._api_key = api_key
        self._clock = clock
        self._tools = ToolRegistry() if tools is None else tools
        self._conversation = Conversation(
            config,
            call_id=call_id,
            call_audio=call_audio,
            manager=manager,
            hold_ms=hold_ms,
            tools=self._tools,
        )
        self._functions: set[asyncio.Task[None]] = set()
        self._call_id = call_id
        self._keeper = SessionKeeper(
            self._conversation,
            connect=self._connect,
            policy=ReconnectPolicy(
                connect_timeout_s=config.connect_timeout_s,
                max_reconnects=config.max_reconnects,
                initial_ms=config.reconnect_initial_ms,
                max_ms=config.reconnect_max_ms,
            ),
            clock=clock,
            call_id=call_id,
            kind=config.kind,
            name=name,
            host=urlsplit(config.url).hostname,
            renewal=self._conversation,
            on_message=self._run_functions,
            on_end=self._stop_functions,
        )
        self._log = _log.bind(call_id=call_id, provider=name or config.kind)

    @classmethod
    def from_setup(cls, setup: ProviderSetup) -> OpenAIRealtimeProvider:
        """Make the provider of one call, as the registry does.

        Raises:
            TypeError: if the configuration is that of another kind.
            ValueError: if the URL is still ``embedded``.
        """
        if not isinstance(setup.config, OpenAIRealtimeConfig):
            raise TypeError(f"config: {setup.config.kind} is not openai_realtime")
        return cls(
            setup.config,
            call_id=setup.call_id,
            call_audio=setup.call_audio,
            manager=setup.manager,
            clock=setup.clock,
            api_key=setup.api_key,
            hold_ms=setup.hold_ms,
            tools=setup.tools,
            name=setup.name,
        )

    @property
    def capabilities(self) -> Capabilities:
        """Gated: the server hears all that it is sent, and has no echo canceller."""
        return Capabilities(needs_gating=True, detects_turns=True, reports_interruption=True)

    @property
    def counts(self) -> Mapping[str, int]:
        """What happened so far: odd events, audio cut off or dropped, by a closed set of names."""
        return self._conversation.counts

    async def start(self) -> None:
        """Connect, configure and greet; one attempt.

        Cancellation-safe: nothing is left behind.

        Raises:
            ProviderError: if the server can't be reached or refuses us, or we are stopped first.
            LocalProtocolError: if it was started or stopped before.
        """
        if is_key_exposed(self._config.url, self._api_key):
            host = urlsplit(self._config.url).hostname
            self._log.warning("provider.key_exposed", host=host)
        await self._keeper.start()

    async def send_audio(self, frame: bytes) -> GateDecision:
        """Ask the gate about one captured frame and queue what it lets through; never waits."""
        return self.send_audio_at_once(frame)

    def send_audio_at_once(self, frame: bytes) -> GateDecision:
        """Do so without a coroutine."""
        decision = self._conversation.process(frame, self._clock())
        self._pass_on()
        return decision

    async def advance(self) -> GateDecision:
        """Let time pass without a frame and queue what the gate sends; never waits."""
        return self.advance_at_once()

    def advance_at_once(self) -> GateDecision:
        """Do so without a coroutine."""
        now_ms = self._clock()
        decision = self._conversation.advance(now_ms)
        if self._conversation.has_work(now_ms):
            self._pass_on()
        return decision

    async def interrupt(self, heard_ms: Mapping[str, float]) -> None:
        """Cancel what is under way, and truncate each item at what was heard of it; never waits."""
        self.interrupt_at_once(heard_ms)

    def interrupt_at_once(self, heard_ms: Mapping[str, float]) -> None:
        """Do so without a coroutine."""
        self._conversation.interrupt(heard_ms, self._clock())
        self._keeper.wake()

    def events(self) -> AsyncIterator[ProviderEvent]:
        """Yield events, the last one a ``ProviderEnded``; one consumer."""
        return self._keeper.events()

    async def stop(self) -> None:
        """Close the connection and give up the functions that run; idempotent."""
        await self._keeper.stop()

    async def _connect(self) -> ClientConnection:
        return await open_connection(self._config, self._api_key)

    def _run_functions(self) -> None:
        """Begin the functions that the model asked for."""
        while (request := self._conversation.next_function()) is not None:
            name = f"provider {self._call_id} function"
            task = asyncio.create_task(self._run_function(request), name=name)
            self._functions.add(task)
            task.add_done_callback(self._functions.discard)

    async def _run_function(self, request: FunctionRequest) -> None:
        output = await self._tools.call(request.name, request.arguments, call_id=self._call_id)
        self._conversation.return_function(request, output)
        self._pass_on()

    async def _stop_functions(self) -> None:
        for task in self._functions:
            task.cancel()
        if self._functions:
            await asyncio.wait(self._functions)

    def _pass_on(self) -> None:
        """Give the engine what happened here, and let the sender look for what is to be sent."""
        while (event := self._conversation.next_event()) is not None:
            self._keeper.emit(event)
        self._keeper.wake()
