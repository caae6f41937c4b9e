"""A Wyoming server on a free port, made of the package's own server, that does what a test says."""

from __future__ import annotations

__all__ = ["WyomingPeer"]

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import (
    AsrModel,
    AsrProgram,
    Attribution,
    Describe,
    Info,
    SelectProgram,
    TtsProgram,
    TtsVoice,
)
from wyoming.server import AsyncEventHandler, AsyncTcpServer
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
)

_COMMON: dict[str, Any] = {
    "attribution": Attribution(name="nobody", url=""),
    "installed": True,
    "description": None,
    "version": None,
}
_WORDS = "Are you still there?"
_RATE_HZ = 22_050


class WyomingPeer:
    """What the server has, what it does, and what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.info = Info(
            asr=[
                AsrProgram(
                    name="hear",
                    models=[AsrModel(name="tiny", languages=["en", "de"], **_COMMON)],
                    supports_transcript_streaming=True,
                    **_COMMON,
                )
            ],
            tts=[
                TtsProgram(
                    name="speak",
                    voices=[TtsVoice(name="joe", languages=["en_US"], **_COMMON)],
                    supports_synthesize_streaming=True,
                    **_COMMON,
                )
            ],
        )
        self.received: list[Event] = []
        """All but audio."""
        self.audio = b""
        self.is_streaming = True
        """Whether it says words as they grow, and takes text piece by piece."""
        self.is_mute = False
        """It takes everything and never answers."""
        self.reported: Error | None = None
        """Said in place of any other answer."""
        self.raw: bytes | None = None
        """Said in place of any other answer, whatever it is."""
        self.answers: list[Event] | None = None
        """Said in place of words or sound."""
        self.endless: asyncio.Event | None = None
        """While it is there and not set, speech does not end."""
        self._handlers: set[_Handler] = set()

    @classmethod
    @asynccontextmanager
    async def serving(cls) -> AsyncIterator[WyomingPeer]:
        """Yield a server that runs."""
        peer = cls()
        server = AsyncTcpServer("127.0.0.1", 0)
        await server.start(peer._handler)
        listening = server._server
        assert listening is not None
        peer.url = f"tcp://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        try:
            yield peer
        finally:
            await peer.hang_up()
            listening.close()
            await listening.wait_closed()

    async def hang_up(self) -> None:
        """Close all connections."""
        if self.endless is not None:
            self.endless.set()
        for handler in list(self._handlers):
            handler.writer.transport.abort()
        while self._handlers:  # noqa: ASYNC110 - the package does not say when a handler has ended
            await asyncio.sleep(0.01)

    def types(self) -> list[str]:
        """Return the types of what was received, audio left out."""
        return [event.type for event in self.received]

    def _handler(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> _Handler:
        handler = _Handler(self, reader, writer)
        self._handlers.add(handler)
        return handler


class _Handler(AsyncEventHandler):
    """One connection."""

    def __init__(
        self, peer: WyomingPeer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        super().__init__(reader, writer)
        self._peer = peer
        self._has_sound = False
        self._has_words = False
        self._streamed: str | None = None

    async def run(self) -> None:
        with contextlib.suppress(ConnectionError):
            await super().run()

    async def disconnect(self) -> None:
        self._peer._handlers.discard(self)

    async def handle_event(self, event: Event) -> bool:
        peer = self._peer
        if AudioChunk.is_type(event.type):
            return await self._hear(AudioChunk.from_event(event).audio)
        peer.received.append(event)
        if peer.is_mute:
            return True
        if peer.raw is not None:
            self.writer.write(peer.raw)
            return True
        if Describe.is_type(event.type):
            await self.write_event(peer.info.event())
        elif peer.reported is not None:
            await self.write_event(peer.reported.event())
        elif AudioStop.is_type(event.type):
            return await self._transcribe()
        elif not (Transcribe.is_type(event.type) or SelectProgram.is_type(event.type)):
            await self._synthesize(event)
        return True

    async def _hear(self, audio: bytes) -> bool:
        peer = self._peer
        peer.audio += audio
        self._has_sound = self._has_sound or any(audio)
        if self._has_sound and not self._has_words and peer.is_streaming and not peer.is_mute:
            self._has_words = True
            await self.write_event(TranscriptStart().event())
            await self.write_event(TranscriptChunk("Are you").event())
        return True

    async def _transcribe(self) -> bool:
        if self._peer.answers is not None:
            for answer in self._peer.answers:
                await self.write_event(answer)
            return True
        words = f" {_WORDS} " if self._has_sound else ""
        await self.write_event(Transcript(words).event())
        if self._peer.is_streaming:
            await self.write_event(TranscriptStop().event())
        return False  # as faster-whisper's server does, it closes

    async def _synthesize(self, event: Event) -> None:
        if SynthesizeStart.is_type(event.type):
            self._streamed = ""
        elif SynthesizeChunk.is_type(event.type) and self._streamed is not None:
            self._streamed += SynthesizeChunk.from_event(event).text
        elif SynthesizeStop.is_type(event.type) and self._streamed is not None:
            for sentence in self._streamed.split(".")[:-1]:
                await self._speak(sentence)
            await self.write_event(SynthesizeStopped().event())
        elif Synthesize.is_type(event.type) and self._streamed is None:
            await self._speak(Synthesize.from_event(event).text)

    async def _speak(self, text: str) -> None:
        if self._peer.answers is not None:
            for answer in self._peer.answers:
                await self.write_event(answer)
            return
        await self.write_event(AudioStart(_RATE_HZ, 2, 1).event())
        for letter in text.strip():
            sample = int(8000 * math.sin(ord(letter))).to_bytes(2, "little", signed=True)
            await self.write_event(AudioChunk(_RATE_HZ, 2, 1, sample * 500).event())
        if self._peer.endless is not None and text.strip():
            await self._peer.endless.wait()
        await self.write_event(AudioStop().event())
