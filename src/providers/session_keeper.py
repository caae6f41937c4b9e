"""Keeps one call in session with a provider over a WebSocket: connects, moves messages, reconnects.

What is said is decided in a conversation without I/O; this is the shell around any such. Invariant:
one task owns the connection from :meth:`SessionKeeper.start` to its end, and whichever way it ends,
the last event is :class:`~voxgate.providers.base.ProviderEnded`.
"""

from __future__ import annotations

__all__ = [
    "RENEWAL",
    "Deadlines",
    "ReconnectPolicy",
    "Renewal",
    "SessionKeeper",
    "SocketConversation",
]

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn, Protocol

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
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from ..clock import Clock
from ..errors import LocalProtocolError, ProviderError
from .base import ProviderDisconnected, ProviderEnded, ProviderEvent
from .event_queue import EventQueue
from .websocket import ABNORMAL_CLOSE, error_for_close, error_for_exception

RENEWAL = "session_renewed"
"""Code of the error with which a conversation ends a session to have another: nobody's fault."""

_STABLE_MS = 10_000
"""A connection that lived so long was a good one: the next outage has all its attempts again. A
server that accepts and hangs up at once would else be asked without end."""

_log = structlog.get_logger(__name__)


class SocketConversation(Protocol):
    """One call's side of a provider, without I/O."""

    @property
    def is_ready(self) -> bool:
        """Whether there is a session and it is configured."""

    @property
    def counts(self) -> Mapping[str, int]:
        """What happened so far, by a closed set of names."""

    def open_session(self) -> None:
        """Begin a session on a new connection."""

    def receive_message(self, message: str | bytes, now_ms: float) -> tuple[ProviderEvent, ...]:
        """Take one message of the server.

        Raises:
            ProviderError: if it ends the session; retryable if another session may do.
        """

    def lose_session(self, now_ms: float) -> tuple[ProviderEvent, ...]:
        """Note that the connection is gone."""

    def next_message(self, now_ms: float) -> str | bytes | None:
        """Take the next message to send, or None; asking again confirms that the last was sent."""

    def deliver(self, event: ProviderEvent) -> bool:
        """Return whether an event that waited is still to be given to the engine."""


class Deadlines(Protocol):
    """What a conversation has to do at certain times, messages or not."""

    def next_deadline_ms(self) -> float | None:
        """Return when :meth:`handle_deadline` has something to do, or None."""

    def handle_deadline(self, now_ms: float) -> None:
        """Do what is due.

        Raises:
            ProviderError: if that ends the session.
        """


class Renewal(Protocol):
    """A conversation that goes on in a session on another connection before the old one expires."""

    def is_renewal_due(self, now_ms: float) -> bool:
        """Say whether the session is old, and nobody would notice that another takes its place."""

    def postpone_renewal(self, now_ms: float) -> None:
        """Note that no other session was to be had; ask again later."""


class _Renewed(Exception):  # noqa: N818 - no error: it ends the task group of a connection
    """The session is old, and the next one can begin."""

    def __init__(self, successor: ClientConnection) -> None:
        super().__init__()
        self.successor = successor


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


class SessionKeeper:
    """The tasks of one call's connection.

    Args:
        conversation: What is said.
        connect: Opens a connection; raises ``ProviderError``.
        policy: When to give up.
        clock: The manager's clock.
        call_id: The call, for names of tasks and the log.
        kind: The kind of provider: how errors and the log name the other side.
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
        self._deadlines = deadlines
        self._renewal = renewal
        self._on_message = on_message
        self._on_end = on_end
        self._name = f"provider {call_id}"
        self._events = EventQueue()
        self._has_messages = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None
        self._started: asyncio.Future[None] | None = None
        self._log: FilteringBoundLogger = _log.bind(call_id=call_id, provider=kind)

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
        self._has_messages.set()

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
            wait=wait_exponential(multiplier=initial_s, max=max_s) + wait_random(0, initial_s),
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
                    await self._configure(connection)
                except BaseException:
                    connection.transport.abort()
                    raise
                return connection
        except TimeoutError as exc:
            raise self._error(
                f"no session within {timeout_s} s", code="connect_timeout", retryable=True
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
            async with asyncio.timeout(self._policy.connect_timeout_s):
                await self._configure(successor)
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

    async def _run_connection(
        self, connection: ClientConnection
    ) -> ProviderError | ClientConnection:
        """Move messages both ways until the connection is lost, and return why it was.

        A session that is renewed ends too: what is returned is the connection of the next one.
        """
        outcome: ProviderError | ClientConnection = error_for_close(ABNORMAL_CLOSE, self._kind)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send_all(connection), name=f"{self._name} sender")
                tasks.create_task(self._receive_all(connection), name=f"{self._name} receiver")
        except* _Renewed as renewals:
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
        """Send what waits, whenever something does, and do what is due when it is.

        Raises:
            ProviderError: if what was due ends the session. Why sending fails, the receiver says.
        """
        while True:
            self._has_messages.clear()
            try:
                await self._send_waiting(connection)
            except ProviderError:
                return
            if self._renewal is not None:
                await self._renew_if_due(self._renewal)
            await self._wait_for_work()
            if self._deadlines is not None:
                self._deadlines.handle_deadline(self._clock())

    async def _renew_if_due(self, renewal: Renewal) -> None:
        """Leave for a new session if the old one is old, it is quiet, and there is another.

        Raises:
            _Renewed: with the connection of the new one.
        """
        if not renewal.is_renewal_due(self._clock()):
            return
        try:
            async with asyncio.timeout(self._policy.connect_timeout_s):
                successor = await self._open()
        except (ProviderError, TimeoutError) as exc:
            code = exc.code if isinstance(exc, ProviderError) else "connect_timeout"
            self._log.warning("provider.renewal_failed", code=code)
            renewal.postpone_renewal(self._clock())
            return
        if renewal.is_renewal_due(self._clock()):
            raise _Renewed(successor)
        successor.transport.abort()  # somebody has begun to speak; the next quiet moment will do

    async def _wait_for_work(self) -> None:
        deadline_ms = None if self._deadlines is None else self._deadlines.next_deadline_ms()
        left_s = None if deadline_ms is None else max(0.0, deadline_ms - self._clock()) / 1000
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left_s):
                await self._has_messages.wait()

    async def _send_waiting(self, connection: ClientConnection) -> None:
        while (message := self._conversation.next_message(self._clock())) is not None:
            try:
                await connection.send(message)
            except ConnectionClosed as exc:
                raise error_for_exception(exc, self._kind) from exc

    async def _receive_all(self, connection: ClientConnection) -> None:
        while True:
            await self._receive_one(connection)
            self._has_messages.set()

    async def _receive_one(self, connection: ClientConnection) -> None:
        try:
            message = await connection.recv()
        except ConnectionClosed as exc:
            raise error_for_exception(exc, self._kind) from exc
        events = self._conversation.receive_message(message, self._clock())
        for event in events:
            await self._events.put(event)
        self._on_message()

    def _error(self, reason: str, *, code: str, retryable: bool) -> ProviderError:
        return ProviderError(self._kind, reason, code=code, retryable=retryable)


def _successor(group: BaseExceptionGroup[_Renewed]) -> ClientConnection:
    first = group.exceptions[0]
    assert isinstance(first, _Renewed), "a task group is flat"  # noqa: S101
    return first.successor


def _first_error(
    group: BaseExceptionGroup[ProviderError], *, default: ProviderError
) -> ProviderError:
    errors = (error for error in group.exceptions if isinstance(error, ProviderError))
    return next(errors, default)


def _is_retryable(exc: BaseException) -> bool:
    return isinstance(exc, ProviderError) and exc.retryable
