"""Keeps one call in session with a provider over a WebSocket: connects, reconnects, ends.

What is said is decided in a conversation without I/O, and moved by :mod:`.socket_exchange`.
Invariant: one task owns the connection from :meth:`SessionKeeper.start` to its end, and whichever
way it ends, the last event is :class:`~voxgate.providers.base.ProviderEnded`.
"""

from __future__ import annotations

__all__ = ["ReconnectPolicy", "SessionKeeper"]

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

import structlog
from structlog.typing import FilteringBoundLogger
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

from ..clock import Clock
from ..errors import LocalProtocolError, ProviderError
from .base import ProviderDisconnected, ProviderEnded, ProviderEvent
from .event_queue import EventQueue
from .socket_conversation import RENEWAL, Deadlines, Renewal, SocketConversation
from .socket_exchange import SocketExchange

_STABLE_MS = 10_000
"""A connection that lived so long was a good one: the next outage has all its attempts again. A
server that accepts and hangs up at once would else be asked without end."""

_LONGEST_WISH_S = 20.0
"""Longest pause that a server may ask for, in s; the caller has given up after that."""

_log = structlog.get_logger(__name__)


async def _nothing() -> None:
    """Do what is done at the end where there is nothing to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconnectPolicy:
    """How long connecting may take, and how often a lost connection is tried again."""

    connect_timeout_s: float
    """Time in s that connecting and configuring may take, each time."""
    max_reconnects: int
    """Attempts to get a lost connection back."""
    initial_ms: float
    """Pause in ms before the first attempt; it doubles with each further one."""
    max_ms: float
    """Longest pause in ms."""


class _Pause(wait_base):
    """Pauses that double, longer by chance, and no shorter than the server asks for."""

    def __init__(self, initial_s: float, max_s: float) -> None:
        self._growing = wait_exponential(multiplier=initial_s, max=max_s)
        self._by_chance = wait_random(0, initial_s)

    def __call__(self, retry_state: RetryCallState) -> float:
        """Return the pause before the next attempt, in s."""
        error = retry_state.outcome.exception() if retry_state.outcome else None
        wish_s = error.retry_after_s or 0.0 if isinstance(error, ProviderError) else 0.0
        own_s = self._growing(retry_state) + self._by_chance(retry_state)
        return max(own_s, min(wish_s, _LONGEST_WISH_S))


class SessionKeeper:
    """The tasks of one call's connection.

    Args:
        conversation: What is said.
        connect: Opens a connection; raises ``ProviderError``.
        policy: When to give up.
        clock: The manager's clock.
        call_id: The call, for names of tasks and the log.
        kind: The kind of provider: how errors name the other side.
        name: How the log names it; as errors do if left out.
        host: Where it is, for the log.
        deadlines: What the conversation has to do at certain times; None: nothing.
        renewal: How the conversation goes on in another session; None: it does not, unless it ends
            one with the code :data:`RENEWAL`.
        on_message: Called after each message that was taken, to do what else it asks for.
        on_end: Awaited when the call's session is over, before the last event.
    """

    def __init__(
        self,
        conversation: SocketConversation,
        *,
        connect: Callable[[], Awaitable[ClientConnection]],
        policy: ReconnectPolicy,
        clock: Clock,
        call_id: str,
        kind: str,
        name: str | None = None,
        host: str | None,
        deadlines: Deadlines | None = None,
        renewal: Renewal | None = None,
        on_message: Callable[[], None] = lambda: None,
        on_end: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        self._conversation = conversation
        self._open = connect
        self._policy = policy
        self._clock = clock
        self._kind = kind
        self._host = host
        self._on_end = on_end
        self._name = f"provider {call_id}"
        self._events = EventQueue()
        self._supervisor: asyncio.Task[None] | None = None
        self._started: asyncio.Future[None] | None = None
        self._log: FilteringBoundLogger = _log.bind(call_id=call_id, provider=name or kind)
        self._exchange = SocketExchange(
            conversation,
            connect=connect,
            connect_timeout_s=policy.connect_timeout_s,
            events=self._events,
            clock=clock,
            kind=kind,
            name=self._name,
            log=self._log,
            deadlines=deadlines,
            renewal=renewal,
            on_message=on_message,
        )

    async def start(self) -> None:
        """Connect and configure; one attempt.

        Cancellation-safe: nothing is left behind.

        Raises:
            ProviderError: if the server can't be reached or refuses us, or we are stopped first.
            LocalProtocolError: if it was started or stopped before.
        """
        if self._supervisor is not None or self._events.is_closed:
            raise LocalProtocolError("start: the provider was started or stopped before")
        started = self._started = asyncio.get_running_loop().create_future()
        self._supervisor = asyncio.create_task(self._supervise(started), name=self._name)
        try:
            await started
        except asyncio.CancelledError:
            await self.stop()
            raise

    def wake(self) -> None:
        """Look for messages to send: the conversation may have some."""
        self._exchange.wake()

    def emit(self, event: ProviderEvent) -> None:
        """Give the engine what happened here, not at the server."""
        self._events.put_nowait(event)

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

    # -- the call ----------------------------------------------------------------------------------

    async def _supervise(self, started: asyncio.Future[None]) -> None:
        """Own the connection for the whole call, and end the events however that ends."""
        error: ProviderError | None = None
        try:
            connection = await self._connect()
            self._log.info("provider.connected", host=self._host)
            if not started.done():
                started.set_result(None)
            await self._serve_with_reconnects(connection)
        except ProviderError as exc:
            error = exc
        except Exception:  # noqa: BLE001 - a bug of ours ends this call, and is logged whole
            self._log.exception("provider.crashed")
            error = self._error("an error of our own", code="internal", retryable=False)
        finally:
            await self._on_end()
            self._end(started, error)

    def _end(self, started: asyncio.Future[None], error: ProviderError | None) -> None:
        self._events.close(ProviderEnded(error))
        self._settle(started, error)
        if error is not None:
            self._log.error("provider.lost", code=error.code, retryable=error.retryable)
        self._log.info("provider.ended", **self._conversation.counts)

    def _settle(self, started: asyncio.Future[None] | None, error: ProviderError | None) -> None:
        """Let nobody wait for a start that will not come any more."""
        if started is not None and not started.done():
            stopped = self._error("stopped while connecting", code="stopped", retryable=False)
            started.set_exception(error or stopped)

    async def _serve_with_reconnects(self, connection: ClientConnection) -> None:
        """Serve the connection and its successors.

        Raises:
            ProviderError: when the last one is lost.
        """
        current: ClientConnection | None = connection
        initial_s, max_s = self._policy.initial_ms / 1000, self._policy.max_ms / 1000
        retrying = AsyncRetrying(
            stop=stop_after_attempt(1 + self._policy.max_reconnects),
            wait=_Pause(initial_s, max_s),
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

    # -- one connection ----------------------------------------------------------------------------

    async def _connect(self) -> ClientConnection:
        """Open a connection and configure its session.

        Raises:
            ProviderError: if that fails, or takes too long.
        """
        timeout_s = self._policy.connect_timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                connection = await self._open()
                try:
                    await self._exchange.configure(connection)
                except BaseException:
                    connection.transport.abort()
                    raise
                return connection
        except TimeoutError as exc:
            raise self._error(
                f"no session within {timeout_s} s", code="connect_timeout", retryable=True
            ) from exc

    async def _serve(self, connection: ClientConnection, retry_state: RetryCallState) -> None:
        """Serve one connection, and those that renew its session, until one is lost.

        Raises:
            ProviderError: when it is lost.
        """
        outcome: ProviderError | ClientConnection = connection
        while not isinstance(outcome, ProviderError):
            began_ms = self._clock()
            outcome = await self._exchange.run(outcome)
            if self._clock() - began_ms >= _STABLE_MS:
                retry_state.attempt_number = 1
            if not isinstance(outcome, ProviderError):
                outcome = await self._take_over(outcome)
        await self._report_loss(outcome)

    async def _take_over(self, successor: ClientConnection) -> ClientConnection | ProviderError:
        """Begin the next session on a connection that stands; return it, or why that failed."""
        try:
            await self._lose_session()
            async with asyncio.timeout(self._policy.connect_timeout_s):
                await self._exchange.configure(successor)
        except (ProviderError, TimeoutError) as exc:
            successor.transport.abort()
            if isinstance(exc, ProviderError):
                return exc
            return self._error("no session in time", code="connect_timeout", retryable=True)
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
            if error.code == RENEWAL:
                self._log.info("provider.session_replaced")
            else:
                self._log.warning("provider.disconnected", code=error.code)
            await self._events.put(ProviderDisconnected(error))
        raise error

    def _error(self, reason: str, *, code: str, retryable: bool) -> ProviderError:
        return ProviderError(self._kind, reason, code=code, retryable=retryable)


def _is_retryable(exc: BaseException) -> bool:
    return isinstance(exc, ProviderError) and exc.retryable
