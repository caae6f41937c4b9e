"""What turns speech into text: one recogniser for all calls, one recognition a turn.

Invariant: nothing here waits but what is marked ``async``; a recognition that fails ends nothing
but its own turn.
"""

from __future__ import annotations

__all__ = ["LONGEST_TURN_BYTES", "RECOGNISER_FORMAT", "Recogniser", "Recognition"]

from typing import Protocol

from ..core.audio import AudioFormat, Encoding

RECOGNISER_FORMAT = AudioFormat(Encoding.PCM16, 16_000)
"""What every recogniser takes: the rate that speech models are trained at."""

LONGEST_TURN_BYTES = 300 * RECOGNISER_FORMAT.rate_hz * RECOGNISER_FORMAT.sample_bytes
"""Audio of one turn that is taken, 300 s; what is said after that is left out and counted."""


class Recognition(Protocol):
    """One turn of one caller on its way to text."""

    @property
    def text(self) -> str:
        """The words so far, which may still change; ``""`` where none are known yet."""

    def send_audio(self, audio: bytes) -> None:
        """Take the next audio of the turn in :data:`RECOGNISER_FORMAT`; never blocks."""

    async def finish(self) -> str:
        """Return all words of the turn; ``""`` if there were none. To be called once.

        Raises:
            ProviderError: the recogniser failed, or took too long.
        """

    async def cancel(self) -> None:
        """Forget the turn; idempotent."""


class Recogniser(Protocol):
    """Recognises the turns of all calls."""

    async def start(self) -> None:
        """Be ready: load what is needed, or see that the server is there.

        Raises:
            ProviderError: it can't be had; says what is missing and how to get it.
        """

    def begin(self) -> Recognition:
        """Begin a turn; any number may run at a time."""

    async def stop(self) -> None:
        """Let go of everything; idempotent."""
