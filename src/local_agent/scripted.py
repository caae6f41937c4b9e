"""A recogniser and a voice that do what they are told: for tests, and to try the rest without them.

Invariant: the same audio and the same script give the same text and the same sound; nothing waits
for a clock.
"""

from __future__ import annotations

__all__ = ["ScriptedRecogniser", "ScriptedRecognition", "ScriptedVoice"]

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable

import numpy as np

from ..core.audio import AudioFormat, Encoding
from ..core.g711 import encode
from ..errors import ProviderError
from .recogniser import RECOGNISER_FORMAT
from .voice import SpokenAudio

_PEER = "scripted"
_TONE_HZ = 440.0
_TONE_PEAK = 8000.0
_PIECE_MS = 200


class ScriptedRecogniser:
    """Recognises one text after the other, whatever is said.

    Args:
        texts: What is heard in turns that are not silent, in the order of their ends; then
            ``otherwise``.
        otherwise: What is heard in all further turns.
        ms_per_word: Sound in ms after which one more word shows, while the turn goes on.
    """

    def __init__(
        self,
        texts: Iterable[str] = (),
        *,
        otherwise: str = "",
        ms_per_word: float = 300.0,
    ) -> None:
        self._texts = deque(texts)
        self._otherwise = otherwise
        self.ms_per_word = ms_per_word
        self.failure: ProviderError | None = None
        """Raised by the next turn that ends; then gone."""
        self.turns: list[ScriptedRecognition] = []
        """All of them, in the order of their beginnings."""
        self.is_running = False

    async def start(self) -> None:
        """Be ready."""
        self.is_running = True

    def begin(self) -> ScriptedRecognition:
        """Begin a turn."""
        self.turns.append(ScriptedRecognition(self))
        return self.turns[-1]

    async def stop(self) -> None:
        """Fail all turns that have not ended."""
        self.is_running = False

    def next_text(self, *, take: bool) -> str:
        """Return what is heard next, and go on to the one after it if it is taken."""
        if not self._texts:
            return self._otherwise
        return self._texts.popleft() if take else self._texts[0]


class ScriptedRecognition:
    """One turn; :class:`ScriptedRecogniser` makes it."""

    def __init__(self, recogniser: ScriptedRecogniser) -> None:
        self._recogniser = recogniser
        self._has_sound = False
        self.audio = b""
        """All that was sent."""
        self.is_cancelled = False

    @property
    def text(self) -> str:
        """As many words of the next text as there was sound for."""
        if not self._has_sound:
            return ""
        heard = RECOGNISER_FORMAT.duration_ms(len(self.audio)) / self._recogniser.ms_per_word
        return " ".join(self._recogniser.next_text(take=False).split()[: int(heard)])

    def send_audio(self, audio: bytes) -> None:
        """Take the next audio."""
        self.audio += audio
        self._has_sound = self._has_sound or any(audio)

    async def finish(self) -> str:
        """Return the next text, or ``""`` if nothing was said.

        Raises:
            ProviderError: it was told to fail, or is not running.
        """
        await asyncio.sleep(0)  # as others do, it lets everybody else have a turn
        recogniser = self._recogniser
        if recogniser.failure is not None:
            failure, recogniser.failure = recogniser.failure, None
            raise failure
        if not recogniser.is_running:
            raise ProviderError(_PEER, "is not running", retryable=False)
        return recogniser.next_text(take=True) if self._has_sound else ""

    async def cancel(self) -> None:
        """Take note of it."""
        self.is_cancelled = True


class ScriptedVoice:
    """Says a tone for every text, as long as it is told.

    Args:
        audio_format: Of the tone.
        ms_per_letter: How long it is for each letter, in ms.
    """

    def __init__(
        self,
        audio_format: AudioFormat = AudioFormat(Encoding.PCM16, 16_000),
        *,
        ms_per_letter: float = 20.0,
    ) -> None:
        self._format = audio_format
        self._ms_per_letter = ms_per_letter
        self.failure: ProviderError | None = None
        """Raised after the next piece; then gone."""
        self.texts: list[str] = []
        """All that was asked for."""
        self.is_running = False

    async def start(self) -> None:
        """Be ready."""
        self.is_running = True

    async def speak(self, text: str) -> AsyncIterator[SpokenAudio]:
        """Yield the tone in pieces of 200 ms, the last one shorter.

        Raises:
            ProviderError: it was told to fail, or is not running.
        """
        self.texts.append(text)
        audio = self.tone(text)
        size = self._format.rate_hz * _PIECE_MS // 1000 * self._format.sample_bytes
        for start in range(0, len(audio), size):
            await asyncio.sleep(0)  # as others do, it lets everybody else have a turn
            if not self.is_running:
                raise ProviderError(_PEER, "is not running", retryable=False)
            yield SpokenAudio(audio[start : start + size], self._format)
            if self.failure is not None:
                failure, self.failure = self.failure, None
                raise failure

    async def stop(self) -> None:
        """Fail all texts that are not said to their end."""
        self.is_running = False

    def tone(self, text: str) -> bytes:
        """Return all of the sound of a text."""
        rate_hz = self._format.rate_hz
        at = np.arange(int(len(text.strip()) * self._ms_per_letter * rate_hz / 1000)) / rate_hz
        samples = np.round(_TONE_PEAK * np.sin(2 * np.pi * _TONE_HZ * at)).astype(np.int16)
        return encode(samples, self._format)
