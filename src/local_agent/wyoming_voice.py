"""Speech by a server of the Wyoming protocol, which Home Assistant's speech servers speak.

Invariant: sound is passed on as it comes, in one format for all of a text, and is read no faster
than it is taken.
"""

from __future__ import annotations

__all__ = ["WyomingVoice"]

from collections.abc import AsyncIterator, Iterator

from wyoming.event import Event
from wyoming.info import SelectProgram
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeVoice,
)

from ..config.local_models import WyomingVoiceConfig
from ..core.audio import AudioFormat
from .voice import SpokenAudio
from .wyoming_connection import WyomingConnection, describe
from .wyoming_events import (
    SelectedProgram,
    SoundEnded,
    SoundPiece,
    SoundStarted,
    SpeechEnded,
    SpeechEvent,
    parse_speech_event,
    select_voice,
)

_PIECES_PER_S = 5
"""A piece that is longer is cut: it is converted at one go, and nobody may wait for that."""


class WyomingVoice:
    """Speaks with a server's voice.

    Args:
        config: What the operator set.
    """

    def __init__(self, config: WyomingVoiceConfig) -> None:
        self._config = config
        self._program = SelectedProgram(name=None, is_streaming=False)
        self._connections: set[WyomingConnection] = set()

    async def start(self) -> None:
        """See that the server is there and has what was asked for.

        Raises:
            ProviderError: it is not, or has not; lists what it has.
        """
        config = self._config
        info = await describe(config.url, config.timeout_s)
        self._program = select_voice(info, config.url, config.voice)

    async def speak(self, text: str) -> AsyncIterator[SpokenAudio]:
        """Yield the speech of a sentence or two, over a connection of its own.

        Raises:
            ProviderError: the server failed, or took too long.
        """
        async with WyomingConnection(self._config.url, self._config.timeout_s) as connection:
            self._connections.add(connection)
            try:
                for event in self._requests(text):
                    connection.send(event)
                async for said in self._sounds(connection):
                    for piece in _cut(said):
                        yield piece
            finally:
                self._connections.discard(connection)

    async def stop(self) -> None:
        """Break off whatever is being spoken; idempotent."""
        for connection in self._connections:
            connection.abort()

    def _requests(self, text: str) -> Iterator[Event]:
        if self._program.name is not None:
            yield SelectProgram(self._program.name).event()
        name = self._config.voice
        voice = None if name is None else SynthesizeVoice(name=name)
        if not self._program.is_streaming:
            yield Synthesize(text, voice).event()
            return
        yield SynthesizeStart(voice).event()
        yield SynthesizeChunk(text).event()
        yield Synthesize(text, voice).event()  # to be sent for servers of before, says the protocol
        yield SynthesizeStop().event()

    async def _sounds(self, connection: WyomingConnection) -> AsyncIterator[SoundPiece]:
        """Yield sound until there is no more, all of it in one format."""
        # Text that is sent piece by piece has more than one end of sound.
        is_last = SpeechEnded if self._program.is_streaming else SoundEnded
        audio_format: AudioFormat | None = None
        while True:
            said: SpeechEvent = await connection.receive(parse_speech_event, self._config.timeout_s)
            if isinstance(said, is_last):
                return
            if isinstance(said, SoundStarted | SoundPiece):
                if audio_format not in {None, said.audio_format}:
                    raise connection.error("the server changed its format in mid-text")
                audio_format = said.audio_format
            if isinstance(said, SoundPiece):
                yield said


def _cut(said: SoundPiece) -> Iterator[SpokenAudio]:
    audio_format = said.audio_format
    size = audio_format.rate_hz // _PIECES_PER_S * audio_format.sample_bytes
    for start in range(0, len(said.audio), size):
        yield SpokenAudio(said.audio[start : start + size], audio_format)
