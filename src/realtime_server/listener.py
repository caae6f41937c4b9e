"""The turns of one session on their way to words, while the caller still speaks.

Invariant: what a recogniser raises concerns one turn; a turn that nobody wants is forgotten there.
"""

from __future__ import annotations

__all__ = ["Listener"]

import asyncio

from ..core.audio import AudioFormat
from ..core.stream_converter import StreamConverter
from ..local_agent.recogniser import RECOGNISER_FORMAT, Recogniser, Recognition


class _Turn:
    """One turn, in the format of its audio."""

    def __init__(self, recognition: Recognition, audio_format: AudioFormat) -> None:
        self.recognition = recognition
        self.converter = StreamConverter(audio_format, RECOGNISER_FORMAT)


class Listener:
    """Lets a recogniser hear one session's turns.

    Args:
        recogniser: Of all sessions.
    """

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser
        self._turns: dict[str, _Turn] = {}

    def hear(self, item_id: str, audio: bytes, audio_format: AudioFormat) -> None:
        """Take the next audio of a turn; the first begins it."""
        turn = self._turns.get(item_id)
        if turn is None:
            turn = self._turns[item_id] = _Turn(self._recogniser.begin(), audio_format)
        turn.recognition.send_audio(turn.converter.process(audio))

    async def finish(self, item_id: str) -> str:
        """Return all words of a turn; ``""`` if there were none. To be called once.

        Raises:
            ProviderError: the recogniser failed.
        """
        turn = self._turns.pop(item_id, None)
        return "" if turn is None else await turn.recognition.finish()

    async def drop(self, item_id: str) -> None:
        """Forget a turn; one that is not known is forgotten already."""
        turn = self._turns.pop(item_id, None)
        if turn is not None:
            await turn.recognition.cancel()

    async def stop(self) -> None:
        """Forget all turns."""
        await asyncio.gather(*map(self.drop, list(self._turns)))
