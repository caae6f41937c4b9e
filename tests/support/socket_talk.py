"""A conversation over a WebSocket with both ends in memory: each does what a test says."""

from __future__ import annotations

__all__ = ["FakeConnection", "FakeTalk", "client_message"]

import asyncio
import math
from collections import deque
from collections.abc import Mapping

from websockets.exceptions import ConnectionClosedError
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.streams import StreamReader

from voxgate.errors import ProviderError
from voxgate.providers.base import ProviderEvent, ProviderReady, ResponseDone, ResponseStarted


def client_message(data: bytes) -> str | bytes:
    """Return the message that a client's frame is, as the library's own parser reads it."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    parsing = Frame.parse(reader.read_exact, mask=True, max_size=None)
    try:
        next(parsing)
    except StopIteration as done:
        frame: Frame = done.value
    assert frame.fin
    assert next(reader.at_eof(), None) is None
    text = frame.opcode is Opcode.TEXT
    return bytes(frame.data).decode() if text else bytes(frame.data)


class FakeConnection:
    """The other end of a connection, in memory."""

    def __init__(self) -> None:
        self.sent: list[str | bytes] = []
        self.sent_at_once: list[str | bytes] = []
        self.unsent_bytes = 0
        self.is_closed = False
        self.was_aborted = False
        self.is_broken = False
        self.closes_after_s = 0.0
        self.is_unread = False
        """What is sent waits for ever, the goodbye too."""
        self._coming: asyncio.Queue[str | Exception] = asyncio.Queue()

    @property
    def transport(self) -> FakeConnection:
        return self

    @property
    def n_waiting(self) -> int:
        return self._coming.qsize()

    @property
    def protocol(self) -> FakeConnection:
        return self

    @property
    def extensions(self) -> list[object]:
        return []

    @property
    def expect_continuation_frame(self) -> bool:
        return False

    @property
    def writes(self) -> list[bytes]:
        return []

    @property
    def state(self) -> State:
        return State.CLOSED if self.is_broken else State.OPEN

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return self.unsent_bytes

    def write(self, data: bytes) -> None:
        message = client_message(data)
        self.sent_at_once.append(message)
        self.sent.append(message)

    def abort(self) -> None:
        self.was_aborted = True

    def come(self, *messages: str | Exception) -> None:
        for message in messages:
            self._coming.put_nowait(message)

    async def send(self, message: str | bytes) -> None:
        if self.is_broken:
            raise ConnectionClosedError(None, None)
        self.sent.append(message)
        if self.is_unread:
            await asyncio.Event().wait()

    async def recv(self) -> str:
        message = await self._coming.get()
        if isinstance(message, Exception):
            raise message
        return message

    async def close(self) -> None:
        if self.is_unread and not self.was_aborted:
            await asyncio.Event().wait()
        await asyncio.sleep(self.closes_after_s)
        self.is_closed = True


class FakeTalk:
    """A conversation that is ready with the first ``ready`` and says what a test queues."""

    def __init__(self) -> None:
        self.is_ready = False
        self.messages: deque[str] = deque()
        self.deadline_ms: float | None = None
        self.due: list[float] = []
        self.due_error: ProviderError | None = None
        self.n_sessions = 0
        self.renewal_ms = math.inf

    @property
    def counts(self) -> Mapping[str, int]:
        return {"sessions": self.n_sessions}

    def open_session(self) -> None:
        self.n_sessions += 1
        self.renewal_ms = math.inf
        self.messages.appendleft("settings")

    def receive_message(self, message: str | bytes, now_ms: float) -> tuple[ProviderEvent, ...]:
        if message == "ready":
            self.is_ready = True
            return (ProviderReady(self.n_sessions > 1),)
        if message == "refuse":
            raise ProviderError("peer", "no", code="refused", retryable=False)
        if message == "bug":
            raise ZeroDivisionError
        return (ResponseStarted(str(message)),)

    def lose_session(self, now_ms: float) -> tuple[ProviderEvent, ...]:
        self.is_ready = False
        return (ResponseDone("lost", "failed"),)

    def next_message(self, now_ms: float) -> str | None:
        return self.messages.popleft() if self.messages else None

    def confirm_sent(self) -> bool:
        return bool(self.messages)

    def next_deadline_ms(self) -> float | None:
        return self.deadline_ms

    def handle_deadline(self, now_ms: float) -> None:
        if self.deadline_ms is not None and now_ms >= self.deadline_ms:
            self.due.append(now_ms)
            self.deadline_ms = None
            if self.due_error is not None:
                raise self.due_error

    def is_renewal_due(self, now_ms: float) -> bool:
        return self.is_ready and now_ms >= self.renewal_ms

    def postpone_renewal(self, now_ms: float) -> None:
        self.renewal_ms = now_ms + 1000.0

    def deliver(self, event: ProviderEvent) -> bool:
        return event != ResponseStarted("cut off")
