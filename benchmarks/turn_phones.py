"""Telephones that ask and wait: real AudioSocket and Twilio sockets, and a stamp on every frame.

Invariant: a frame out each 20 ms against monotonic deadlines, as Asterisk and Twilio send them.
"""

from __future__ import annotations

__all__ = ["PHONES", "AudioSocketPhone", "TurnPhone", "TwilioPhone", "place_call"]

import asyncio
import contextlib
import json
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from uuid import UUID, uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from voxgate.clock import monotonic_ms
from voxgate.core.audio import FRAME_MS, AudioFormat, Encoding
from voxgate.core.g711 import decode, encode
from voxgate.transports.audiosocket.protocol import (
    AudioReceived,
    AudioSocketParser,
    serialize_audio,
    serialize_call_id,
)

_PCM16 = AudioFormat()
_MULAW = AudioFormat(Encoding.MULAW)
_READ_BYTES = 4096
_PATIENCE_S = 4.0
"""How long an answer may take."""


class TurnPhone(ABC):
    """One caller's phone. Frames are 20 ms of mu-law whatever the line carries.

    Args:
        idle_frames: What the line sends while the caller is silent, over and over.
    """

    def __init__(self, idle_frames: Sequence[bytes]) -> None:
        self.sent_ms: list[float] = []
        """When each frame was written."""
        self.heard_ms: list[float] = []
        """When each frame of the agent arrived; silence that keeps a line alive is left out."""
        self._idle_frames = idle_frames
        self._to_say: deque[bytes] = deque()
        self._has_heard = asyncio.Event()

    async def say(self, frames: Sequence[bytes]) -> int:
        """Speak, and return the number of the first frame once the last one is written."""
        first = len(self.sent_ms)
        self._to_say.extend(frames)
        while len(self.sent_ms) < first + len(frames):  # noqa: ASYNC110 - frames are the clock
            await asyncio.sleep(FRAME_MS / 1000)
        return first

    async def wait_for_agent(self, since_ms: float) -> float:
        """Return when the agent was first heard after a time.

        Raises:
            TimeoutError: it is not heard for four seconds.
        """
        async with asyncio.timeout(_PATIENCE_S):
            while not self.heard_ms or self.heard_ms[-1] < since_ms:
                self._has_heard.clear()
                await self._has_heard.wait()
        return next(at_ms for at_ms in self.heard_ms if at_ms >= since_ms)

    async def wait_for_quiet(self, quiet_ms: float) -> None:
        """Wait until the agent has been silent for so long."""
        while self.heard_ms and monotonic_ms() - self.heard_ms[-1] < quiet_ms:  # noqa: ASYNC110
            await asyncio.sleep(FRAME_MS / 1000)

    async def live(self) -> None:
        """Send a frame each 20 ms until cancelled."""
        next_ms = monotonic_ms()
        for n in count():
            idle = self._idle_frames[n % len(self._idle_frames)]
            frame = self._to_say.popleft() if self._to_say else idle
            self.sent_ms.append(monotonic_ms())
            await self.send(n, frame)
            next_ms += FRAME_MS
            await asyncio.sleep(max(0.0, next_ms - monotonic_ms()) / 1000)

    @abstractmethod
    async def send(self, number: int, frame: bytes) -> None:
        """Write one frame."""

    @abstractmethod
    async def listen(self) -> None:
        """Take what the engine sends until it ends the call."""

    @abstractmethod
    async def hang_up(self) -> None:
        """End the call."""

    def receive(self, frame: bytes, silence: bytes) -> None:
        """Note when a frame of the agent arrived."""
        if frame != silence:
            self.heard_ms.append(monotonic_ms())
            self._has_heard.set()


class AudioSocketPhone(TurnPhone):
    """A phone behind an Asterisk."""

    def __init__(
        self,
        idle_frames: Sequence[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        super().__init__(idle_frames)
        self._reader = reader
        self._writer = writer

    @classmethod
    async def dial(cls, address: tuple[str, int], idle_frames: Sequence[bytes]) -> AudioSocketPhone:
        """Connect and say which call it is."""
        reader, writer = await asyncio.open_connection(*address)
        writer.write(serialize_call_id(uuid4()))
        return cls(idle_frames, reader, writer)

    async def send(self, number: int, frame: bytes) -> None:  # noqa: ARG002, D102 - as in the base
        self._writer.write(serialize_audio(encode(decode(frame, _MULAW), _PCM16)))

    async def listen(self) -> None:  # noqa: D102 - as in the base
        parser = AudioSocketParser()
        parser.receive_data(serialize_call_id(UUID(int=0)))  # which the engine does not say
        with contextlib.suppress(ConnectionError):
            while data := await self._reader.read(_READ_BYTES):
                for event in parser.receive_data(data):
                    if isinstance(event, AudioReceived):
                        self.receive(event.payload, bytes(len(event.payload)))

    async def hang_up(self) -> None:  # noqa: D102 - as in the base
        self._writer.transport.abort()


class TwilioPhone(TurnPhone):
    """A phone behind Twilio, which plays what comes at real time and returns its marks then."""

    def __init__(self, idle_frames: Sequence[bytes], connection: ClientConnection) -> None:
        super().__init__(idle_frames)
        self._connection = connection
        self._stream_sid = f"MZ{uuid4().hex}"
        self._played_until_ms = 0.0
        self._marks: dict[str, asyncio.TimerHandle] = {}
        self._answers: set[asyncio.Task[None]] = set()

    @classmethod
    async def dial(cls, address: tuple[str, int], idle_frames: Sequence[bytes]) -> TwilioPhone:
        """Connect and say which stream it is."""
        host, port = address
        connection = await connect(f"ws://{host}:{port}/twilio", compression=None, proxy=None)
        phone = cls(idle_frames, connection)
        await phone._send("connected", protocol="Call", version="1.0.0")
        await phone._send(
            "start",
            sequenceNumber="1",
            start={
                "accountSid": f"AC{'0' * 32}",
                "streamSid": phone._stream_sid,
                "callSid": f"CA{uuid4().hex}",
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": {},
            },
        )
        return phone

    async def send(self, number: int, frame: bytes) -> None:  # noqa: D102 - as in the base
        media = {
            "track": "inbound",
            "chunk": str(number + 1),
            "timestamp": str(number * FRAME_MS),
            "payload": b64encode(frame).decode("ascii"),
        }
        await self._send("media", sequenceNumber=str(number + 2), media=media)

    async def listen(self) -> None:  # noqa: D102 - as in the base
        with contextlib.suppress(ConnectionClosed):
            async for text in self._connection:
                self._take(json.loads(text))

    async def hang_up(self) -> None:  # noqa: D102 - as in the base
        for timer in self._marks.values():
            timer.cancel()
        await self._connection.close()

    def _take(self, message: Mapping[str, dict[str, str]]) -> None:
        if media := message.get("media"):
            frame = b64decode(media["payload"])
            self.receive(frame, _MULAW.silence(len(frame)))
            begins_ms = max(self._played_until_ms, monotonic_ms())
            self._played_until_ms = begins_ms + _MULAW.duration_ms(len(frame))
        elif mark := message.get("mark"):
            wait_s = max(0.0, self._played_until_ms - monotonic_ms()) / 1000
            loop, name = asyncio.get_running_loop(), mark["name"]
            self._marks[name] = loop.call_later(wait_s, self._return_mark, name)
        else:  # clear
            self._played_until_ms = 0.0
            for name in list(self._marks):
                self._return_mark(name)

    def _return_mark(self, name: str) -> None:
        self._marks.pop(name).cancel()
        answer = asyncio.create_task(self._send("mark", mark={"name": name}))
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)

    async def _send(self, event: str, **fields: object) -> None:
        with contextlib.suppress(ConnectionClosed):
            message = {"event": event, "streamSid": self._stream_sid, **fields}
            await self._connection.send(json.dumps(message))


PHONES: Mapping[str, type[AudioSocketPhone | TwilioPhone]] = {
    "audiosocket": AudioSocketPhone,
    "twilio": TwilioPhone,
}
"""The phones by the names of their lines."""


@asynccontextmanager
async def place_call(
    line: str, address: tuple[str, int], idle_frames: Sequence[bytes]
) -> AsyncIterator[TurnPhone]:
    """Place a call over a line; it ends with the block, by the caller's hangup."""
    phone = await PHONES[line].dial(address, idle_frames)
    tasks = [asyncio.create_task(phone.listen()), asyncio.create_task(phone.live())]
    try:
        yield phone
    finally:
        tasks[1].cancel()
        await phone.hang_up()
        tasks[0].cancel()
        await asyncio.wait(tasks)
