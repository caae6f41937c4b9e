"""One connection to a Wyoming server; each turn and each text has its own.

Invariant: nothing waits for ever, and a server that is gone, mute or mad is a ProviderError.
"""

from __future__ import annotations

__all__ = ["WyomingConnection", "describe"]

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit

from wyoming.event import Event
from wyoming.info import Describe, Info

from ..errors import ProviderError, RemoteProtocolError
from .wyoming_events import parse_info, raise_error_event
from .wyoming_stream import EventReader, serialize_event

Said = TypeVar("Said")

_READ_BYTES = 1 << 16
_UNSENT_BYTES = 1 << 21
"""What a server may leave unread, a minute of sound; then it is given up."""


class WyomingConnection:
    """Events to and from a server. To be used as a context manager; leaving it closes.

    Args:
        url: ``tcp://host:port``.
        timeout_s: Time in s to connect.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._events = EventReader()
        self._received: deque[Event] = deque()

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            ProviderError: nobody answers.
        """
        address = urlsplit(self._url)
        try:
            async with asyncio.timeout(self._timeout_s):
                self._reader, self._writer = await asyncio.open_connection(
                    address.hostname, address.port
                )
        except TimeoutError:
            raise self.error(f"no connection within {self._timeout_s:g} s") from None
        except (OSError, ValueError) as exc:
            reason = getattr(exc, "strerror", None) or type(exc).__name__
            raise self.error(f"can't connect: {reason}") from exc
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close at once; what was not sent is not wanted any more."""
        self.abort()
        if self._writer is not None:
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    def abort(self) -> None:
        """Break the connection off; whoever waits for it is told so."""
        if self._writer is not None:
            self._writer.transport.abort()

    def send(self, event: Event) -> None:
        """Send an event; never waits.

        Raises:
            ProviderError: the server does not read.
        """
        if self._writer is None or self._writer.is_closing():
            return  # the next receive says why
        self._writer.write(serialize_event(event))
        if self._writer.transport.get_write_buffer_size() > _UNSENT_BYTES:
            self.abort()
            raise self.error("the server does not read")

    async def receive(
        self,
        parse: Callable[[Event], Said | None],
        timeout_s: float | None,
        *,
        tell_text: bool = False,
    ) -> Said:
        """Return what the server says next that matters. Cancellation loses none.

        Args:
            parse: Returns what an event means, or None for one that does not matter.
            timeout_s: Time in s that it may take; None: any.
            tell_text: Whether an error may show the server's own words.

        Raises:
            ProviderError: it took too long, the server is gone or broke the protocol, or it
                reports an error.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    event = await self._next_event()
                    raise_error_event(event, self._url, tell_text=tell_text)
                    if (said := parse(event)) is not None:
                        return said
        except TimeoutError:
            raise self.error(f"no answer within {timeout_s:g} s") from None
        except RemoteProtocolError as exc:
            raise self.error(f"the server broke the protocol: {exc}") from exc

    def error(self, reason: str) -> ProviderError:
        """Return an error after which trying again can help."""
        return ProviderError(self._url, reason, retryable=True)

    async def _next_event(self) -> Event:
        while not self._received:
            self._received += self._events.receive(await self._read())
        return self._received.popleft()

    async def _read(self) -> bytes:
        if self._reader is None:
            raise self.error("is not connected")
        try:
            data = await self._reader.read(_READ_BYTES)
        except OSError:
            data = b""
        if not data:
            raise self.error("the server closed the connection")
        return data


async def describe(url: str, timeout_s: float) -> Info:
    """Ask a server what it has.

    Args:
        url: ``tcp://host:port``.
        timeout_s: Time in s for connection and answer each.

    Raises:
        ProviderError: it does not say, or can't be reached.
    """
    async with WyomingConnection(url, timeout_s) as connection:
        connection.send(Describe().event())
        return await connection.receive(parse_info, timeout_s, tell_text=True)
