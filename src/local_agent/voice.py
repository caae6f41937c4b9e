"""What turns text into speech.

Invariant: speech comes piece by piece, in order, as soon as each is there.
"""

from __future__ import annotations

__all__ = ["SpokenAudio", "Voice"]

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from ..core.audio import AudioFormat


@dataclass(frozen=True, slots=True)
class SpokenAudio:
    """A piece of speech."""

    audio: bytes
    audio_format: AudioFormat
    """The same for all pieces of one text."""


class Voice(Protocol):
    """Speaks for all calls."""

    async def start(self) -> None:
        """Be ready: load what is needed, or see that the server is there.

        Raises:
            ProviderError: it can't be had; says what is missing and how to get it.
        """

    def speak(self, text: str) -> AsyncIterator[SpokenAudio]:
        """Yield the speech of a sentence or two; any number may run at a time.

        Closing the iterator ends it.

        Raises:
            ProviderError: while iterating; the voice failed, or took too long.
        """

    async def stop(self) -> None:
        """Let go of everything; idempotent."""
