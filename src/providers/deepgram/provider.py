"""The Deepgram provider: the shell that owns the call's session and runs the model's functions.

What is decided is decided in :mod:`.conversation`; the connection is kept by
:mod:`voxgate.providers.session_keeper`. Invariant: a captured frame is queued as it is, without a
look into it; no function of the model holds up the audio.
"""

from __future__ import annotations

__all__ = ["DeepgramProvider"]

import asyncio
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlsplit

import structlog
from websockets.asyncio.client import ClientConnection

from ...clock import Clock, monotonic_ms
from ...config.provider_models import DeepgramConfig
from ...core.gate_decision import PASS_THROUGH, GateDecision
from ..base import CallAudio, Capabilities, ProviderEvent
from ..gating import GatingManager
from ..session_keeper import ReconnectPolicy, SessionKeeper
from ..setup import DEFAULT_HOLD_MS, ProviderSetup
from ..tools import ToolRegistry
from ..websocket import checked_key, is_key_exposed, open_websocket
from .client_messages import InjectionBehavior
from .conversation import Conversation
from .error_table import PEER
from .server_messages import FunctionCall

_log = structlog.get_logger(__name__)


class DeepgramProvider:
    """One call's agent at Deepgram.

    Args:
        config: What the operator set.
        call_id: The call, as the manager knows it.
        call_audio: Formats of the call's line.
        manager: The gate; told of every event, never asked about a frame.
        clock: The manager's clock.
        api_key: The key, or None for a server that wants none. Never logged.
        hold_ms: Caller's audio that is held while there is no session, in ms, oldest dropped.
        tools: Functions that the model may call; none if left out.
        name: Its name in the configuration, for the log; that of the kind if left out.
    """

    def __init__(
        self,
        config: DeepgramConfig,
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
        self._config = config
        self._api_key = api_key
        self._clock = clock
        self._call_id = call_id
        self._tools = tools or ToolRegistry()
        self._conversation = Conversation(
            config,
            call_id=call_id,
            call_audio=call_audio,
            manager=manager,
            hold_ms=hold_ms,
            tools=self._tools.specs,
        )
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
            deadlines=self._conversation,
            on_message=self._follow_function_calls,
            on_end=self._stop_functions,
        )
        self._running: dict[str, asyncio.Task[None]] = {}
        self._log = _log.bind(call_id=call_id, provider=name or config.kind)

    @classmethod
    def from_setup(cls, setup: ProviderSetup) -> DeepgramProvider:
        """Make the provider of one call, as the registry does.

        Raises:
            TypeError: if the configuration is that of another kind.
        """
        if not isinstance(setup.config, DeepgramConfig):
            raise TypeError(f"config: {setup.config.kind} is not deepgram")
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
        """Not gated: the vendor tells echo and noise from the caller itself."""
        return Capabilities(needs_gating=False, detects_turns=True, reports_interruption=True)

    @property
    def counts(self) -> Mapping[str, int]:
        """What happened so far: odd messages, audio dropped, by a closed set of names."""
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
        """Queue one captured frame as it is; never waits."""
        return self.send_audio_at_once(frame)

    def send_audio_at_once(self, frame: bytes) -> GateDecision:
        """Do so without a coroutine."""
        self._conversation.send_frame(frame, self._clock())
        self._keeper.wake()
        return PASS_THROUGH

    async def advance(self) -> GateDecision:
        """Let time pass without a frame: nothing is put in its place."""
        return self.advance_at_once()

    def advance_at_once(self) -> GateDecision:
        """Do so without a coroutine."""
        return PASS_THROUGH

    async def interrupt(self, heard_ms: Mapping[str, float]) -> None:
        """Cut off what is under way; the server has stopped by itself, and is told nothing."""
        self.interrupt_at_once(heard_ms)

    def interrupt_at_once(self, heard_ms: Mapping[str, float]) -> None:
        """Do so without a coroutine."""
        del heard_ms
        self._conversation.interrupt(self._clock())

    async def inject_agent_message(
        self, text: str, behavior: InjectionBehavior = InjectionBehavior.DEFAULT
    ) -> None:
        """Have the agent say exactly this; a refusal comes as a ``ProviderWarning``.

        Raises:
            LocalProtocolError: if there is no session.
        """
        self._conversation.inject(text, behavior)
        self._keeper.wake()

    def events(self) -> AsyncIterator[ProviderEvent]:
        """Yield events, the last one a ``ProviderEnded``; one consumer."""
        return self._keeper.events()

    async def stop(self) -> None:
        """Close the connection and give up the functions that run; idempotent."""
        await self._keeper.stop()

    async def _stop_functions(self) -> None:
        running = tuple(self._running.values())
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    async def _connect(self) -> ClientConnection:
        url = self._config.url
        key = checked_key(self._api_key, url, peer=PEER)
        headers = {} if key is None else {"Authorization": f"Token {key}"}
        return await open_websocket(url, headers, peer=PEER)

    def _follow_function_calls(self) -> None:
        """Begin the functions that the model asked for, and give up those that it took back."""
        functions = self._conversation.functions
        while (call := functions.next_requested()) is not None:
            name = f"provider {self._call_id} function"
            task = asyncio.create_task(self._run_function(call), name=name)
            self._running[call.id] = task
        while (cancelled_id := functions.next_cancelled()) is not None:
            if cancelled_id in self._running:
                self._running[cancelled_id].cancel()

    async def _run_function(self, call: FunctionCall) -> None:
        try:
            content = await self._tools.call(call.name, call.arguments, call_id=self._call_id)
            self._conversation.receive_function_result(call, content)
            self._keeper.wake()
        finally:
            if self._running.get(call.id) is asyncio.current_task():
                del self._running[call.id]
