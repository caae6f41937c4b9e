"""The socket of one AudioSocket call: reads bytes into the call, writes whole frames, ends.

Invariant: reading never waits for anybody but the other calls, because a call whose audio is not
read is ended by Asterisk; a frame is handed to the socket in one write, or not at all.
"""

from __future__ import annotations

__all__ = ["HANGUP_GRACE_S", "AudioSocketConnection"]

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import cast

from ..base import LineEvent, LineHangup
from ..event_queue import LineEventQueue
from ..write_backlog import Admission, WriteBacklog
from .call import AudioSocketCall
from .protocol import HANGUP_FRAME

_READ_BYTES = 1024
"""Read at once: 60 ms at 8 kHz."""

_MAX_FRAMES_PER_TURN = 16
"""Taken in one turn of the loop, about 0.5 ms of work. Asterisk's frames are 20 ms each, and a read
has three; a peer that floods us puts 340 into it, and the other calls have their turn between."""

_SEND_BUFFER_BYTES = 32_768
"""Asked of the kernel for what is sent: about 2 s of frames. The default hides a peer that does not
read for minutes."""

_MAX_WAITING_FRAMES = 100
"""2 s of audio in our own write buffer."""

_MAX_DROPPED_IN_A_ROW = 250
"""5 s of audio lost, after which a peer that does not read is given up."""

_PEER_TIMEOUT_MS = 10_000
"""How long sent data may stay unacknowledged: a host that vanished sends no FIN."""

HANGUP_GRACE_S = 1.0
"""How long a peer may take to close its side after our hangup."""


class AudioSocketConnection(asyncio.BufferedProtocol):
    """Protocol of one accepted socket.

    Args:
        on_made: Called once with the connection as soon as it can be used.
    """

    def __init__(self, on_made: Callable[[AudioSocketConnection], None]) -> None:
        self.call = AudioSocketCall()
        self.events = LineEventQueue()
        self.backlog = WriteBacklog(
            max_frames=_MAX_WAITING_FRAMES, max_dropped_in_a_row=_MAX_DROPPED_IN_A_ROW
        )
        self._on_made = on_made
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._transport: asyncio.Transport | None = None
        self._has_progressed = asyncio.Event()
        self._is_lost = asyncio.Event()
        self._grace: asyncio.TimerHandle | None = None
        self._is_paused = False
        """Nothing is read, as frames that were read are still to be taken."""

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket, and make it send small frames at once."""
        self._transport = cast("asyncio.Transport", transport)
        _tune(transport.get_extra_info("socket"))
        self._on_made(self)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        """Return where the next bytes go."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take the bytes that were read; after the end, only so that the peer can close cleanly."""
        if self.events.is_closed:
            return
        data = bytes(self._buffer[:nbytes])
        audio = self.call.receive_frame(data)
        if audio is None:
            self._take(data)
        else:
            self.events.deliver(audio)

    def eof_received(self) -> None:
        """Take the FIN: the caller hung up, and what is still to be sent is for nobody."""
        self._receive(self.call.receive_eof())
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end of the socket, whoever caused it."""
        if exc is None:
            self._end(LineHangup("local_hangup"))
        else:
            self._end(LineHangup("transport_error", type(exc).__name__))
        if self._grace is not None:
            self._grace.cancel()
        self._is_lost.set()

    # What the server and the line call.

    @property
    def peer_name(self) -> str:
        """Address of the peer, for logs."""
        name = self._transport and self._transport.get_extra_info("peername")
        return f"{name[0]}:{name[1]}" if name else "unknown"

    @property
    def peer_host(self) -> str | None:
        """Address of the peer without its port; None if the socket is gone again."""
        name = self._transport and self._transport.get_extra_info("peername")
        return name[0] if name else None

    async def wait_identified(self) -> bool:
        """Wait until the peer has said which call this is; False if it went away before."""
        await self._wait_for(lambda: self.call.call_id is not None)
        return self.call.call_id is not None and not self.events.is_closed

    async def wait_capture_format(self) -> None:
        """Wait until audio has come and fixed the capture format, or the call is over."""
        await self._wait_for(lambda: self.call.capture_format is not None)

    def send(self, frame: bytes) -> None:
        """Write one whole frame, unless the call is over or too much waits; never blocks."""
        transport = self._transport
        if transport is None or self.events.is_closed:
            return
        match self.backlog.admit(len(frame), transport.get_write_buffer_size()):
            case Admission.SEND:
                transport.write(frame)
            case Admission.GIVE_UP:
                self._end(LineHangup("transport_error", "the peer does not read"))
                self.abort()

    async def hang_up(self) -> None:
        """End the call: say so, then wait shortly for the peer to close; idempotent.

        Closing at once would reset the connection where captured audio is still unread, and the
        reset can overtake the hangup. When cancelled, the socket is closed all the same.
        """
        self.say_goodbye()
        try:
            await self._is_lost.wait()
        finally:
            self.abort()

    def say_goodbye(self) -> None:
        """End the call and tell the peer; the socket is closed when it closes, or in 1 s."""
        self._end(LineHangup("local_hangup"))
        transport = self._transport
        if transport is None or transport.is_closing() or self._grace is not None:
            return
        transport.write(HANGUP_FRAME)
        # The peer may have reset the connection just now; connection_lost follows.
        with contextlib.suppress(OSError):
            transport.write_eof()
        self._grace = asyncio.get_running_loop().call_later(HANGUP_GRACE_S, self.abort)

    def abort(self) -> None:
        """Close the socket now; what was not sent is lost."""
        if self._transport is not None:
            self._transport.abort()

    def _take(self, data: bytes) -> None:
        """Take some frames; what is left is taken in the next turns, before more is read."""
        events = self.call.receive_data(data, _MAX_FRAMES_PER_TURN)
        self._receive(events)
        if events and isinstance(events[-1], LineHangup):
            self.say_goodbye()
        if self._transport is None:
            return
        if self.call.may_have_more:
            self._is_paused = True
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._go_on)
        elif self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()

    def _go_on(self) -> None:
        if not self.events.is_closed:
            self._take(b"")
        elif self._transport is not None:
            self._transport.resume_reading()  # the peer's end is still to be seen

    def _receive(self, events: list[LineEvent]) -> None:
        for event in events:
            self.events.put(event)
        self._has_progressed.set()

    def _end(self, hangup: LineHangup) -> None:
        self.events.put(hangup)
        self._has_progressed.set()

    async def _wait_for(self, is_reached: Callable[[], bool]) -> None:
        while not is_reached() and not self.events.is_closed:
            self._has_progressed.clear()
            await self._has_progressed.wait()


def _tune(sock: socket.socket) -> None:
    # Some systems refuse options on a socket whose peer is gone again; connection_lost follows.
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _PEER_TIMEOUT_MS)
