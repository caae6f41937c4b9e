"""The input audio buffer: what the client has sent and no turn has taken yet, on the audio clock.

Invariant: times are ms of audio received since the session began, whatever was committed, cleared
or forgotten since, and whatever the format is now.
"""

from __future__ import annotations

__all__ = ["InputAudioBuffer"]

from ..core.audio import AudioFormat
from ..core.units import bytes_to_ms, ms_to_bytes


class InputAudioBuffer:
    """Bytes of one format with the time that they begin at.

    Args:
        audio_format: Format of all bytes appended.
        start_ms: Audio received before, in another format.
    """

    def __init__(self, audio_format: AudioFormat, *, start_ms: float = 0.0) -> None:
        self._format = audio_format
        self._origin_ms = start_ms
        self._dropped_bytes = 0
        self._audio = bytearray()

    @property
    def audio_format(self) -> AudioFormat:
        """Format of the bytes."""
        return self._format

    @property
    def start_ms(self) -> float:
        """Time of the first byte held."""
        return self._origin_ms + bytes_to_ms(self._dropped_bytes, self._format)

    @property
    def end_ms(self) -> float:
        """All audio received so far: the audio clock."""
        received = self._dropped_bytes + len(self._audio)
        return self._origin_ms + bytes_to_ms(received, self._format)

    @property
    def held_ms(self) -> float:
        """How much audio is held."""
        return bytes_to_ms(len(self._audio), self._format)

    def append(self, audio: bytes) -> None:
        """Take the next audio, a whole number of samples."""
        self._audio += audio

    def take(self, *, from_ms: float | None = None, until_ms: float | None = None) -> bytes:
        """Return the audio between two times and drop everything up to the second.

        Left out, they are the start and the end of what is held; times outside it are moved in.
        """
        end = len(self._audio) if until_ms is None else self._offset(until_ms)
        start = 0 if from_ms is None else min(self._offset(from_ms), end)
        taken = bytes(self._audio[start:end])
        self._drop(end)
        return taken

    def peek(self, *, from_ms: float, until_ms: float | None = None) -> bytes:
        """Return the audio between two times, moved into what is held; nothing is dropped."""
        end = len(self._audio) if until_ms is None else self._offset(until_ms)
        return bytes(self._audio[self._offset(from_ms) : end])

    def clear(self) -> None:
        """Drop everything held; the clock goes on."""
        self._drop(len(self._audio))

    def forget_before(self, time_ms: float) -> None:
        """Drop what is older than a time."""
        self._drop(self._offset(time_ms))

    def _offset(self, time_ms: float) -> int:
        """Return where a time stands among the bytes held, within them."""
        offset = ms_to_bytes(time_ms - self._origin_ms, self._format) - self._dropped_bytes
        return min(max(offset, 0), len(self._audio))

    def _drop(self, n_bytes: int) -> None:
        del self._audio[:n_bytes]
        self._dropped_bytes += n_bytes
