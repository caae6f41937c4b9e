"""An asyncio transport that writes into a list: connections without sockets, for unit tests."""

from __future__ import annotations

__all__ = ["FakeSocketTransport"]

import asyncio
from typing import Any


class _FakeSocket:
    def __init__(self, *, is_dead: bool) -> None:
        self.options: list[tuple[int, int, int]] = []
        self.is_dead = is_dead

    def setsockopt(self, level: int, option: int, value: int) -> None:
        if self.is_dead:
            raise OSError("the peer is gone")
        self.options.append((level, option, value))


class FakeSocketTransport(asyncio.Transport):
    """Records each write; a test says how much of it the peer has not taken yet.

    ``abort`` reports the loss of the connection to the protocol at once. With ``closes_when_told``
    the peer closes its side as soon as it is told that nothing more comes, as Asterisk does.
    """

    def __init__(
        self,
        protocol: asyncio.BufferedProtocol,
        *,
        has_dead_socket: bool = False,
        closes_when_told: bool = False,
    ) -> None:
        super().__init__()
        self.protocol = protocol
        self.socket = _FakeSocket(is_dead=has_dead_socket)
        self.writes: list[bytes] = []
        self.waiting_bytes = 0
        self.has_written_eof = False
        self.is_aborted = False
        self.is_paused = False
        self._unread = b""
        self._closes_when_told = closes_when_told

    def receive(self, data: bytes) -> None:
        """Let the peer's bytes arrive, in as many reads as the protocol's buffer asks for.

        What the protocol does not want to read for now comes as soon as it does.
        """
        self._unread += data
        self._read()

    def _read(self) -> None:
        while self._unread and not self.is_paused:
            buffer = self.protocol.get_buffer(-1)
            data = self._unread[: len(buffer)]
            self._unread = self._unread[len(data) :]
            buffer[: len(data)] = data  # type: ignore[index]
            self.protocol.buffer_updated(len(data))

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        if self.is_paused:
            self.is_paused = False
            asyncio.get_running_loop().call_soon(self._read)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"socket": self.socket, "peername": ("127.0.0.1", 5038)}.get(name, default)

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        assert not self.has_written_eof, "a real transport refuses this"
        self.writes.append(bytes(data))

    def write_eof(self) -> None:
        self.has_written_eof = True
        if self.socket.is_dead:
            raise OSError("the peer is gone")
        if self._closes_when_told:
            asyncio.get_running_loop().call_soon(self.protocol.eof_received)

    def get_write_buffer_size(self) -> int:
        return self.waiting_bytes

    def is_closing(self) -> bool:
        return self.is_aborted

    def abort(self) -> None:
        if not self.is_aborted:
            self.is_aborted = True
            self.protocol.connection_lost(None)
