"""Moves the messages of a call both ways over one connection, until it is lost or another follows.

Invariant: messages are sent in the conversation's order, and each event that a message brings is
queued before the next message is read: an engine that takes none stops the server. A server that
sends more than any call can use is read more slowly, and one that reads nothing is left.
"""

from __future__ import annotations

__all__ = ["SocketExchange"]

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from structlog.typing import FilteringBoundLogger
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from ..clock import Clock
from ..errors import ProviderError
from .event_queue import EventQueue
from .message_budget import MessageBudget
from .socket_conversation import Deadlines, Renewal, SocketConversation
from .websocket import (
    ABNORMAL_CLOSE,
    error_for_close,
    error_for_exception,
    send_at_once,
    takes_at_once,
)

_UNREAD_S = 20.0
"""How long a message may wait for a server that does not read, in s: as long as a ping's answer may
take. The ping itself can't find such a server: it waits behind what is unread, without an end."""
_GOODBYE_S = 2.0
"""How long closing may take in s, a second of it for the peer's answer; a server that does not read
keeps the goodbye from being sent at all."""
_UNREAD = "not_read"


class _Renewed(Exception):  # noqa: N818 - no error: it ends the task group of a connection
    """The session is old, and the next one can begin."""

    def __init__(self, successor: ClientConnection) -> None:
        super().__init__()
        self.successor = successor


class SocketExchange:
    """Speaks for a conversation over one connection after the other.

    Args:
        conversation: What is said.
        connect: Opens the connection of a session that renews another; raises ``ProviderError``.
        connect_timeout_s: How long that may take.
        events: Where what the server tells goes to.
        clock: The manager's clock.
        kind: The kind of provider: how errors name the other side.
        name: Of the tasks.
        log: Bound to the call.
        deadlines: What the conversation has to do at certain times; None: nothing.
        renewal: How the conversation goes on in another session; None: it does not.
        on_message: Called after each message that was taken.
    """

    def __init__(
        self,
        conversation: SocketConversation,
        *,
        connect: Callable[[], Awaitable[ClientConnection]],
        connect_timeout_s: float,
        events: EventQueue,
        clock: Clock,
        kind: str,
        name: str,
        log: FilteringBoundLogger,
        deadlines: Deadlines | None,
        renewal: Renewal | None,
        on_message: Callable[[], None],
    ) -> None:
        self._conversation = conversation
        self._open = connect
        self._connect_timeout_s = connect_timeout_s
        self._events = events
        self._clock = clock
        self._kind = kind
        self._name = name
        self._log = log
        self._deadlines = deadlines
        self._renewal = renewal
        self._on_message = on_message
        self._has_messages = asyncio.Event()
        self._idle: ClientConnection | None = None
        """The connection, while its sender waits for work: then it is free for others to send."""

    def wake(self) -> None:
        """Send what the conversation has: at once as far as the socket takes it, else in a task."""
        if self._idle is None or not self._send_at_once(self._idle):
            self._has_messages.set()

    async def configure(self, connection: ClientConnection) -> None:
        """Begin a session on a connection, and return when it is ready.

        Raises:
            ProviderError: if the server refuses it, or the connection is lost.
        """
        self._conversation.open_session()
        while not self._conversation.is_ready:
            await self._receive_one(connection)
            if not self._conversation.is_ready:
                await self._send_waiting(connection)

    async def run(self, connection: ClientConnection) -> ProviderError | ClientConnection:
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
            async with asyncio.timeout(_GOODBYE_S):
                await connection.close()
        except TimeoutError:
            connection.transport.abort()
        except BaseException:
            if not isinstance(outcome, ProviderError):
                outcome.transport.abort()  # the successor, which nobody will take over now
            raise

    async def _send_all(self, connection: ClientConnection) -> None:
        """Send what waits, whenever something does, and do what is due when it is.

        Raises:
            ProviderError: if what was due ends the session, or the server does not read. Why
                sending fails otherwise, the receiver says.
        """
        while True:
            self._has_messages.clear()
            try:
                await self._send_waiting(connection)
            except ProviderError as error:
                if error.code == _UNREAD:
                    raise
                return
            if self._renewal is not None:
                await self._renew_if_due(self._renewal)
            await self._wait_for_work(connection)
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
            async with asyncio.timeout(self._connect_timeout_s):
                successor = await self._open()
        except (ProviderError, TimeoutError) as exc:
            code = exc.code if isinstance(exc, ProviderError) else "connect_timeout"
            self._log.warning("provider.renewal_failed", code=code)
            renewal.postpone_renewal(self._clock())
            return
        if renewal.is_renewal_due(self._clock()):
            raise _Renewed(successor)
        successor.transport.abort()  # somebody has begun to speak; the next quiet moment will do

    async def _wait_for_work(self, connection: ClientConnection) -> None:
        deadline_ms = None if self._deadlines is None else self._deadlines.next_deadline_ms()
        left_s = None if deadline_ms is None else max(0.0, deadline_ms - self._clock()) / 1000
        self._idle = connection
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._has_messages.wait()
        finally:
            self._idle = None

    def _send_at_once(self, connection: ClientConnection) -> bool:
        """Send what waits; False if the sender has something left to do.

        Most audio of a call goes out here: nobody is woken for it.
        """
        now_ms = self._clock()
        may_have_more = True
        while may_have_more:
            if not takes_at_once(connection):
                return False
            message = self._conversation.next_message(now_ms)
            if message is None:
                break
            send_at_once(connection, message)
            may_have_more = self._conversation.confirm_sent()
        is_renewal_due = self._renewal is not None and self._renewal.is_renewal_due(now_ms)
        return self._deadlines is None and not is_renewal_due

    async def _send_waiting(self, connection: ClientConnection) -> None:
        while (message := self._conversation.next_message(self._clock())) is not None:
            try:
                async with asyncio.timeout(_UNREAD_S):
                    await connection.send(message)
            except ConnectionClosed as exc:
                raise error_for_exception(exc, self._kind) from exc
            except TimeoutError as exc:
                connection.transport.abort()
                reason = f"the server reads nothing for {_UNREAD_S:g} s"
                raise ProviderError(self._kind, reason, code=_UNREAD, retryable=True) from exc

    async def _receive_all(self, connection: ClientConnection) -> None:
        budget = MessageBudget(self._clock())
        while True:
            n_bytes = await self._receive_one(connection)
            self.wake()
            wait_ms = budget.spend(n_bytes, self._clock())
            if wait_ms:
                await asyncio.sleep(wait_ms / 1000)

    async def _receive_one(self, connection: ClientConnection) -> int:
        """Take a message, and return its length."""
        try:
            message = await connection.recv()
        except ConnectionClosed as exc:
            raise error_for_exception(exc, self._kind) from exc
        events = self._conversation.receive_message(message, self._clock())
        for event in events:
            await self._events.put(event)
        self._on_message()
        return len(message)


def _successor(group: BaseExceptionGroup[_Renewed]) -> ClientConnection:
    first = group.exceptions[0]
    assert isinstance(first, _Renewed), "a task group is flat"  # noqa: S101
    return first.successor


def _first_error(
    group: BaseExceptionGroup[ProviderError], *, default: ProviderError
) -> ProviderError:
    errors = (error for error in group.exceptions if isinstance(error, ProviderError))
    return next(errors, default)
