"""The telephone network's side of one call, for each kind of line: a socket, and nothing else.

Invariant: what comes is taken at once, and what is sent goes in one write.
"""

from __future__ import annotations

__all__ = ["AudioSocketPeer", "LinePeer", "TakeFrame", "TwilioPeer"]

import asyncio
from collections.abc import Callable
from typing import Protocol, cast
from uuid import uuid4

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import Event, State
from websockets.uri import parse_uri

from ...clock import monotonic_ms
from ...core.g711 import decode_mulaw
from ...transports.audiosocket.protocol import serialize_audio, serialize_call_id
from .far_end import SILENT_PCM, FarEnd
from .frame_log import PLAYED_SOUND
from .twilio_wire import parse_message, say_connected, say_mark, say_media, say_start

_PCM_BYTES = len(SILENT_PCM)
_FRAME_HEAD = serialize_audio(SILENT_PCM)[:-_PCM_BYTES]
_FRAME_BYTES = len(_FRAME_HEAD) + _PCM_BYTES
_JITTER_FRAMES = 10
"""Frames that wait at a telephone behind an Asterisk: 200 ms."""
_BUFFERED_FRAMES = 30_000
"""Frames that Twilio holds: ten minutes."""
_MULAW_BYTES = 160
_SILENT_MULAW = b"\xff" * _MULAW_BYTES

TakeFrame = Callable[[float, int], None]
"""Told of each frame of the engine when it comes: when, and 1 where it has sound, else 0; and of
each that was played later with :data:`PLAYED_SOUND`."""


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


class AudioSocketPeer(asyncio.Protocol):
    """Asterisk's side of a call over AudioSocket.

    Args:
        take_frame: Told of each frame.
    """

    def __init__(self, take_frame: TakeFrame) -> None:
        self.is_over = False
        self._take_frame = take_frame
        self._far_end = FarEnd(_JITTER_FRAMES)
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
            self._take_frame(now_ms, pcm != SILENT_PCM)
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
        if self._transport is not None and not self.is_over:
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


class TwilioPeer(asyncio.Protocol):
    """Twilio's side of a Media Stream: buffers what it is sent, and returns marks.

    Args:
        url: Of the engine's WebSocket.
        take_frame: Told of each frame.
    """

    def __init__(self, url: str, take_frame: TakeFrame) -> None:
        self.is_over = False
        self._take_frame = take_frame
        self._far_end = FarEnd(_BUFFERED_FRAMES)
        self._socket = ClientProtocol(parse_uri(url), max_size=2**20)
        self._stream_sid = f"MZ{uuid4().hex}"
        self._n_sent = 0
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def dial(
        cls, address: tuple[str, int], take_frame: TakeFrame, *, path: str = "/twilio"
    ) -> TwilioPeer:
        """Open a stream.

        Raises:
            OSError: nobody answers, or not with a WebSocket.
        """
        loop = asyncio.get_running_loop()
        url = f"ws://{address[0]}:{address[1]}{path}"
        _, peer = await loop.create_connection(lambda: cls(url, take_frame), *address)
        await peer.wait_open()
        return peer

    async def wait_open(self) -> None:
        """Wait for the WebSocket.

        Raises:
            OSError: there is none.
        """
        await self._opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        self._transport = cast("asyncio.Transport", transport)
        self._socket.send_request(self._socket.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take what the engine says."""
        self._socket.receive_data(data)
        for event in self._socket.events_received():
            self._take(event)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """The engine has closed the connection, or we have."""
        self.is_over = True
        if not self._opened.done():
            self._opened.set_exception(exc or ConnectionResetError("it closed the connection"))

    def send(self, mulaw: bytes, pcm: bytes) -> None:  # noqa: ARG002 - as the protocol has it
        """Send the caller's next frame."""
        if not self.is_over:
            self._say(say_media(self._stream_sid, self._n_sent, mulaw))
            self._n_sent += 1
            self._flush()

    def next_far_end(self) -> bytes:
        """Return what the telephone plays in the next slot, and send marks back that it passes."""
        frame = self._far_end.pop()
        if frame != SILENT_PCM:
            self._take_frame(monotonic_ms(), PLAYED_SOUND)
        self._return_marks()
        return frame

    def hang_up(self) -> None:
        """Say that the call is over, and close the stream."""
        if self._transport is not None and not self.is_over:
            self._say(f'{{"event":"stop","streamSid":"{self._stream_sid}","stop":{{}}}}')
            self._flush()
            self._transport.close()

    def _take(self, event: Event) -> None:
        if isinstance(event, Response):
            self._open()
        elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
            self._follow(event.data)
        elif isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
            self.is_over = True

    def _open(self) -> None:
        if self._socket.handshake_exc is not None:
            self._opened.set_exception(ConnectionRefusedError("it opens no WebSocket"))
            return
        self._say(say_connected())
        self._say(say_start(self._stream_sid, f"CA{uuid4().hex}"))
        self._opened.set_result(None)

    def _follow(self, data: bytes | bytearray | memoryview) -> None:
        message = parse_message(bytes(data))
        if message is None:
            return
        if message.media is not None:
            self._take_audio(message.media.payload)
        elif message.mark is not None:
            self._far_end.push_mark(message.mark.name)
        elif message.event == "clear":
            self._far_end.clear()
        self._return_marks()

    def _take_audio(self, mulaw: bytes) -> None:
        now_ms = monotonic_ms()
        for at in range(0, len(mulaw), _MULAW_BYTES):
            frame = mulaw[at : at + _MULAW_BYTES].ljust(_MULAW_BYTES, b"\xff")
            self._take_frame(now_ms, frame != _SILENT_MULAW)
            self._far_end.push(decode_mulaw(frame).tobytes())

    def _return_marks(self) -> None:
        for name in self._far_end.passed_marks():
            self._say(say_mark(self._stream_sid, name))
            self._flush()

    def _say(self, text: str) -> None:
        if self._socket.state is State.OPEN:
            self._socket.send_text(text.encode())

    def _flush(self) -> None:
        if self._transport is not None and (parts := self._socket.data_to_send()):
            self._transport.write(b"".join(parts))
