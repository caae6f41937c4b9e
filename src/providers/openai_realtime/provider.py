"""The OpenAI Realtime provider: the shell that owns the socket, its tasks and the reconnects.

What is decided is decided in :mod:`.conversation` and :mod:`.session`. Invariant: one task owns the
connection from :meth:`~OpenAIRealtimeProvider.start` to its end, and whichever way it ends, the
last event is :class:`~voxgate.providers.base.ProviderEnded`.
"""

from __future__ import annotations

__all__ = ["OpenAIRealtimeProvider"]

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import NoReturn
from urllib.parse import urlsplit

import structlog
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)
from tenacity.wait import wait_base
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from ...clock import Clock, monotonic_ms
from ...config.provider_models import OpenAIRealtimeConfig
from ...core.gate_decision import GateDecision
from ...errors import LocalProtocolError, ProviderError
from ..base import (
    CallAudio,
    Capabilities,
    ProviderDisconnected,
    ProviderEnded,
    ProviderEvent,
)
from ..event_queue import EventQueue
from ..gating import GatingManager
from ..setup import DEFAULT_HOLD_MS, ProviderSetup
from ..tools import ToolRegistry
from ..websocket import ABNORMAL_CLOSE, error_for_close, error_for_exception, is_key_exposed
from .connection import connection_url, open_connection
from .conversation import Conversation
from .error_table import PEER, provider_error
from .server_events import FunctionRequest

_STABLE_MS = 10_000
"""A connection that lived so long was a good one: the next outage has all its attempts again. A
server that accepts and hangs up at once would else be asked without end."""

_log = structlog.get_logger(__name__)


class _Renewal(Exception):  # noqa: N818 - no error: it ends the task group of a connection
    """The session is old, and the next one can begin."""

    def __init__(self, successor: ClientConnection) -> None:
        super().__init__()
        self.successor = successor


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
        self._events = EventQueue()
        self._has_messages = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None
        self._started: asyncio.Future[None] | None = None
        self._call_id = call_id
        self._log = _log.bind(call_id=call_id, provider=config.kind)

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
        if self._supervisor is not None or self._events.is_closed:
            raise LocalProtocolError("start: the provider was started or stopped before")
        started = self._started = asyncio.get_running_loop().create_future()
        self._supervisor = asyncio.create_task(
            self._supervise(started), name=f"provider {self._call_id}"
        )
        try:
            await started
        except asyncio.CancelledError:
            await self.stop()
            raise

    async def send_audio(self, frame: bytes) -> GateDecision:
        """Ask the gate about one captured frame and queue what it lets through; never waits."""
        decision = self._conversation.process(frame, self._clock())
        self._pass_on()
        return decision

    async def advance(self) -> GateDecision:
        """Let time pass without a frame and queue what the gate sends; never waits."""
        decision = self._conversation.advance(self._clock())
        self._pass_on()
        return decision

    async def interrupt(self, heard_ms: Mapping[str, float]) -> None:
        """Cancel what is under way, and truncate each item at what was heard of it; never waits."""
        self._conversation.interrupt(heard_ms, self._clock())
        self._has_messages.set()

    async def events(self) -> AsyncIterator[ProviderEvent]:
        """Yield events, the last one a ``ProviderEnded``; one consumer."""
        while True:
            event = await self._events.get()
            if self._conversation.deliver(event):
                yield event
            if isinstance(event, ProviderEnded):
                return

    async def stop(self) -> None:
        """Close the connection; idempotent."""
        self._events.close(ProviderEnded())
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait([self._supervisor])
        # A supervisor that is cancelled before its first step runs not even its last one.
        self._settle(self._started, None)

    async def _supervise(self, started: asyncio.Future[None]) -> None:
        """Own the connection for the whole call, and end the events however that ends."""
        error: ProviderError | None = None
        try:
            if is_key_exposed(self._config.url, self._api_key):
                self._log.warning("provider.key_exposed", host=urlsplit(self._config.url).hostname)
            connection = await self._connect()
            self._log.info("provider.connected", host=urlsplit(self._config.url).hostname)
            if not started.done():
                started.set_result(None)
            await self._serve_with_reconnects(connection)
        except ProviderError as exc:
            error = exc
        except Exception:  # noqa: BLE001 - a bug of ours ends this call, and is logged whole
            self._log.exception("provider.crashed")
            error = provider_error("an error of our own", code="internal", retryable=False)
        finally:
            await self._stop_functions()
            self._end(started, error)

    def _end(self, started: asyncio.Future[None], error: ProviderError | None) -> None:
        self._events.close(ProviderEnded(error))
        self._settle(started, error)
        if error is not None:
            self._log.error("provider.lost", code=error.code, retryable=error.retryable)
        self._log.info("provider.ended", **self._conversation.counts)

    @staticmethod
    def _settle(started: asyncio.Future[None] | None, error: ProviderError | None) -> None:
        """Let nobody wait for a start that will not come any more."""
        if started is not None and not started.done():
            stopped = provider_error("stopped while connecting", code="stopped", retryable=False)
            started.set_exception(error or stopped)

    async def _serve_with_reconnects(self, connection: ClientConnection) -> None:
        """Serve the connection and its successors.

        Raises:
            ProviderError: when the last one is lost.
        """
        current: ClientConnection | None = connection
        retrying = AsyncRetrying(
            stop=stop_after_attempt(1 + self._config.max_reconnects),
            wait=self._backoff(),
            retry=retry_if_exception(_is_retryable),
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                if current is None:
                    current = await self._connect()
                    self._log.info(
                        "provider.reconnected", attempt=attempt.retry_state.attempt_number - 1
                    )
                serving, current = current, None
                await self._serve(serving, attempt.retry_state)

    def _backoff(self) -> wait_base:
        initial_s = self._config.reconnect_initial_ms / 1000
        max_s = self._config.reconnect_max_ms / 1000
        return wait_exponential(multiplier=initial_s, max=max_s) + wait_random(0, initial_s)

    async def _connect(self) -> ClientConnection:
        """Open a connection and configure its session.

        Raises:
            ProviderError: if that fails, or takes too long.
        """
        try:
            async with asyncio.timeout(self._config.connect_timeout_s):
                connection = await open_connection(self._config, self._api_key)
                try:
                    await self._configure(connection)
                except BaseException:
                    connection.transport.abort()
                    raise
                return connection
        except TimeoutError as exc:
            raise provider_error(
                f"no session within {self._config.connect_timeout_s} s",
                code="connect_timeout",
                retryable=True,
            ) from exc

    async def _configure(self, connection: ClientConnection) -> None:
        self._conversation.open_session()
        while not self._conversation.is_ready:
            await self._receive_one(connection)
            if not self._conversation.is_ready:
                await self._send_waiting(connection)

    async def _serve(self, connection: ClientConnection, retry_state: RetryCallState) -> None:
        """Serve one connection, and those that renew its session, until one is lost.

        Raises:
            ProviderError: when it is lost.
        """
        outcome: ProviderError | ClientConnection = connection
        while not isinstance(outcome, ProviderError):
            began_ms = self._clock()
            outcome = await self._run_connection(outcome)
            if self._clock() - began_ms >= _STABLE_MS:
                retry_state.attempt_number = 1
            if not isinstance(outcome, ProviderError):
                outcome = await self._take_over(outcome)
        await self._report_loss(outcome)

    async def _take_over(self, successor: ClientConnection) -> ClientConnection | ProviderError:
        """Begin the next session on a connection that stands; return it, or why that failed."""
        try:
            await self._lose_session()
            async with asyncio.timeout(self._config.connect_timeout_s):
                await self._configure(successor)
        except (ProviderError, TimeoutError) as exc:
            successor.transport.abort()
            if isinstance(exc, ProviderError):
                return exc
            return provider_error("no session in time", code="connect_timeout", retryable=True)
        except BaseException:
            successor.transport.abort()
            raise
        self._log.info("provider.renewed")
        return successor

    async def _lose_session(self) -> None:
        for event in self._conversation.lose_session(self._clock()):
            await self._events.put(event)

    async def _report_loss(self, error: ProviderError) -> NoReturn:
        await self._lose_session()
        if error.retryable:
            self._log.warning("provider.disconnected", code=error.code)
            await self._events.put(ProviderDisconnected(error))
        raise error

    async def _run_connection(
        self, connection: ClientConnection
    ) -> ProviderError | ClientConnection:
        """Move messages both ways until the connection is lost, and return why it was.

        A session that is renewed ends too: what is returned is the connection of the next one.
        """
        outcome: ProviderError | ClientConnection = error_for_close(ABNORMAL_CLOSE, PEER)
        name = f"provider {self._call_id}"
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send_all(connection), name=f"{name} sender")
                tasks.create_task(self._receive_all(connection), name=f"{name} receiver")
        except* _Renewal as renewals:
            outcome = _successor(renewals)
        except* ProviderError as group:
            if isinstance(outcome, ProviderError):
                outcome = _first_error(group, default=outcome)
        finally:
            await self._close(connection, outcome)
        return outcome

    @staticmethod
    async def _close(
        connection: ClientConnection, outcome: ProviderError | ClientConnection
    ) -> None:
        """Close a connection; as a context manager it would call a hangup an error."""
        try:
            await connection.close()
        except BaseException:
            if not isinstance(outcome, ProviderError):
                outcome.transport.abort()  # the successor, which nobody will take over now
            raise

    async def _send_all(self, connection: ClientConnection) -> None:
        """Send what waits, whenever something does; why that ended, the receiver says."""
        with contextlib.suppress(ProviderError):
            while True:
                self._has_messages.clear()
                await self._send_waiting(connection)
                await self._renew_if_due()
                await self._has_messages.wait()

    async def _renew_if_due(self) -> None:
        """Leave for a new session if the old one is old, it is quiet, and there is another.

        Raises:
            _Renewal: with the connection of the new one.
        """
        if not self._conversation.is_renewal_due(self._clock()):
            return
        try:
            async with asyncio.timeout(self._config.connect_timeout_s):
                successor = await open_connection(self._config, self._api_key)
        except (ProviderError, TimeoutError) as exc:
            code = exc.code if isinstance(exc, ProviderError) else "connect_timeout"
            self._log.warning("provider.renewal_failed", code=code)
            self._conversation.postpone_renewal(self._clock())
            return
        if self._conversation.is_renewal_due(self._clock()):
            raise _Renewal(successor)
        successor.transport.abort()  # somebody has begun to speak; the next quiet moment will do

    async def _send_waiting(self, connection: ClientConnection) -> None:
        while (message := self._conversation.next_message(self._clock())) is not None:
            try:
                await connection.send(message)
            except ConnectionClosed as exc:
                raise error_for_exception(exc, PEER) from exc

    async def _receive_all(self, connection: ClientConnection) -> None:
        while True:
            await self._receive_one(connection)
            self._has_messages.set()

    async def _receive_one(self, connection: ClientConnection) -> None:
        try:
            message = await connection.recv()
        except ConnectionClosed as exc:
            raise error_for_exception(exc, PEER) from exc
        for event in self._conversation.receive_message(message, self._clock()):
            await self._events.put(event)
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
            self._events.put_nowait(event)
        self._has_messages.set()


def _successor(group: BaseExceptionGroup[_Renewal]) -> ClientConnection:
    first = group.exceptions[0]
    assert isinstance(first, _Renewal), "a task group is flat"  # noqa: S101
    return first.successor


def _first_error(
    group: BaseExceptionGroup[ProviderError], *, default: ProviderError
) -> ProviderError:
    errors = (error for error in group.exceptions if isinstance(error, ProviderError))
    return next(errors, default)


def _is_retryable(exc: BaseException) -> bool:
    return isinstance(exc, ProviderError) and exc.retryable
