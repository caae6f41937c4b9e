"""The telephone network's side of one call, for each kind of line: a socket, and nothing else.

Invariant: what comes is taken at once, and what is sent goes in one write.
"""

from __future__ import annotations

__all__ = ["AudioSocketPeer", "LinePeer", "TakeFrame"]

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast
from uuid import uuid4

from ...clock import monotonic_ms
from ...transports.audiosocket.protocol import serialize_audio, serialize_call_id

_PCM_BYTES = 320
_FRAME_HEAD = serialize_audio(bytes(_PCM_BYTES))[:-_PCM_BYTES]
_FRAME_BYTES = len(_FRAME_HEAD) + _PCM_BYTES
_SILENCE = bytes(_PCM_BYTES)
_MAX_WAITING = 10
"""Frames that wait for the telephone's clock: 200 ms, as its jitter buffer has."""
_PREFILLED = 2
"""Frames that are waited for before the telephone plays."""

TakeFrame = Callable[[float, bool], None]
"""Told of each frame of the engine when it comes: when, and whether it has sound."""


class LinePeer(Protocol):
    """One call."""

    is_over: bool
    """Whether the engine has ended the call, or the socket broke."""

    def send(self, mulaw: bytes, pcm: bytes) -> None:
        """Send the caller's next frame."""

    def next_far_end(self) -> bytes:
        """Return what the telephone plays in the next slot: 320 bytes of int16."""

    def hang_up(self) -> None:
        """End the call as the network does."""


class FarEnd:
    """Frames of the engine that wait for the telephone to play them."""

    __slots__ = ("_is_playing", "_waiting")

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque(maxlen=_MAX_WAITING)
        self._is_playing = False

    def push(self, pcm: bytes) -> None:
        """Take a frame; the oldest goes where too many wait."""
        self._waiting.append(pcm)

    def pop(self) -> bytes:
        """Return the frame of the next slot; silence where there is none."""
        if not self._is_playing and len(self._waiting) < _PREFILLED:
            return _SILENCE
        self._is_playing = bool(self._waiting)
        return self._waiting.popleft() if self._waiting else _SILENCE


class AudioSocketPeer(asyncio.Protocol):
    """Asterisk's side of a call over AudioSocket.

    Args:
        take_frame: Told of each frame.
    """

    def __init__(self, take_frame: TakeFrame) -> None:
        self.is_over = False
        self._take_frame = take_frame
        self._far_end = FarEnd()
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def dial(cls, address: tuple[str, int], take_frame: TakeFrame) -> AudioSocketPeer:
        """Place a call.

        Raises:
            OSError: nobody answers.
        """
        loop = asyncio.get_running_loop()
        _, peer = await loop.create_connection(lambda: cls(take_frame), *address)
        return peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say which call this is."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(serialize_call_id(uuid4()))

    def data_received(self, data: bytes) -> None:
        """Take frames of the engine."""
        now_ms = monotonic_ms()
        data = self._rest + data if self._rest else data
        at = 0
        while data.startswith(_FRAME_HEAD, at) and len(data) - at >= _FRAME_BYTES:
            pcm = data[at + len(_FRAME_HEAD) : at + _FRAME_BYTES]
            self._take_frame(now_ms, pcm != _SILENCE)
            self._far_end.push(pcm)
            at += _FRAME_BYTES
        self._rest = data[at:]
        if len(self._rest) >= len(_FRAME_HEAD) and not self._rest.startswith(_FRAME_HEAD):
            self._end()  # a hangup, or what no line of ours says

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The engine has closed the connection, or we have."""
        self.is_over = True

    def send(self, mulaw: bytes, pcm: bytes) -> None:  # noqa: ARG002 - as the protocol has it
        """Send the caller's next frame."""
        if self._transport is not None:
            self._transport.write(_FRAME_HEAD + pcm)

    def next_far_end(self) -> bytes:
        """Return what the telephone plays in the next slot."""
        return self._far_end.pop()

    def hang_up(self) -> None:
        """Close the connection: a bare FIN, as Asterisk does."""
        if self._transport is not None and not self.is_over:
            self._transport.close()

    def _end(self) -> None:
        self.is_over = True
        if self._transport is not None:
            self._transport.abort()
