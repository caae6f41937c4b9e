"""The Asterisk end of an AudioSocket connection, for tests.

Frames are put together and taken apart here by hand, so that a mistake in the product's own
protocol module cannot hide behind itself. The peer is as strict as Asterisk's
``res_audiosocket.c``: of what it is sent, only hangup and audio with something in it are good.
"""

from __future__ import annotations

__all__ = [
    "AUDIO",
    "CALL_ID",
    "DTMF",
    "ERROR",
    "HANGUP",
    "AudioSocketPeer",
    "ServerBrokeProtocolError",
    "wire_frame",
]

import asyncio
import socket
import struct
from collections.abc import Iterable
from types import TracebackType
from typing import Self
from uuid import UUID, uuid4

HANGUP = 0x00
CALL_ID = 0x01
DTMF = 0x03
AUDIO = 0x10
ERROR = 0xFF

_AUDIO_KINDS = range(0x10, 0x19)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class ServerBrokeProtocolError(AssertionError):
    """The server sent what makes Asterisk end the call."""


def wire_frame(kind: int, payload: bytes = b"") -> bytes:
    """Return one frame as it stands on the wire."""
    return bytes((kind, len(payload) >> 8, len(payload) & 0xFF)) + payload


class AudioSocketPeer:
    """One connection to the server under test; use it as ``async with``.

    It reads only when asked to, as nothing happens behind a test's back.
    """

    def __init__(self, sock: socket.socket, call_id: UUID) -> None:
        self.call_id = call_id
        self._socket = sock
        self._unread = b""

    @classmethod
    async def connect(
        cls,
        address: tuple[str, int],
        *,
        call_id: UUID | None = None,
        is_identified: bool = True,
        receive_buffer_bytes: int | None = None,
    ) -> AudioSocketPeer:
        """Connect and, unless told otherwise, say which call this is, as Asterisk does at once."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        try:
            await asyncio.get_running_loop().sock_connect(sock, address)
        except OSError:
            sock.close()
            raise
        peer = cls(sock, call_id or uuid4())
        if is_identified:
            await peer.send(CALL_ID, peer.call_id.bytes)
        return peer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.hang_up()

    async def send(self, kind: int, payload: bytes = b"") -> None:
        """Send one frame in one write."""
        await self.send_bytes(wire_frame(kind, payload))

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes that need not be a frame."""
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def send_paced(
        self, payloads: Iterable[bytes], *, kind: int = AUDIO, interval_s: float = 0.02
    ) -> None:
        """Send audio frames one by one at the pace of a call."""
        for payload in payloads:
            await self.send(kind, payload)
            await asyncio.sleep(interval_s)

    async def send_digit(self, digit: str) -> None:
        """Send a key press."""
        await self.send(DTMF, digit.encode("ascii"))

    async def read_frame(self) -> tuple[int, bytes] | None:
        """Return kind and payload of the next frame from the server; None at its FIN.

        Raises:
            ServerBrokeProtocolError: if Asterisk would end the call over the frame.
        """
        header = await self._read_exactly(3)
        if header is None:
            return None
        kind, length = header[0], header[1] << 8 | header[2]
        if kind != HANGUP and (kind not in _AUDIO_KINDS or length == 0):
            raise ServerBrokeProtocolError(f"kind 0x{kind:02x}, length {length}")
        payload = await self._read_exactly(length)
        if payload is None:
            raise ServerBrokeProtocolError("the connection ended inside a frame")
        return kind, payload

    async def read_audio(self, n_frames: int) -> list[bytes]:
        """Return the payloads of the next ``n_frames`` audio frames."""
        payloads: list[bytes] = []
        while len(payloads) < n_frames:
            frame = await self.read_frame()
            if frame is None or frame[0] == HANGUP:
                raise ServerBrokeProtocolError("the call ended before its audio was complete")
            payloads.append(frame[1])
        return payloads

    async def read_to_end(self) -> list[tuple[int, bytes]]:
        """Return every frame up to the server's FIN or reset."""
        frames: list[tuple[int, bytes]] = []
        try:
            while frame := await self.read_frame():
                frames.append(frame)
        except ConnectionError:
            pass
        return frames

    def hang_up(self) -> None:
        """End the call as Asterisk does when the caller hangs up: a bare FIN."""
        self._socket.close()

    def finish_sending(self) -> None:
        """Send a FIN but stay open for what the server still sends."""
        self._socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Break the connection with a RST."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._socket.close()

    async def _read_exactly(self, n_bytes: int) -> bytes | None:
        while len(self._unread) < n_bytes:
            data = await asyncio.get_running_loop().sock_recv(self._socket, 65_536)
            if not data:
                if self._unread:
                    raise ServerBrokeProtocolError("the connection ended inside a frame")
                return None
            self._unread += data
        wanted, self._unread = self._unread[:n_bytes], self._unread[n_bytes:]
        return wanted
