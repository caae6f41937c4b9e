"""A recorded call, opened: header, inputs and decisions of the gate, events, audio, end.

Invariant: what is read is an exact beginning of what was told the gate; where something is missing,
reading ends there and says so.
"""

from __future__ import annotations

__all__ = ["RecordedCall", "open_call"]

from collections.abc import Iterator
from pathlib import Path

from .trace_values import (
    CallEvent,
    CallHeader,
    CallTracks,
    RecordedEnd,
    RecordedStep,
    TapedInput,
)


class RecordedCall:
    """One recorded call; :func:`open_call` reads it."""

    folder: Path
    header: CallHeader

    @property
    def has_audio(self) -> bool:
        """Its audio is there, so that it can be replayed."""
        raise NotImplementedError

    @property
    def is_complete(self) -> bool:
        """The recording reaches the end of the call."""
        raise NotImplementedError

    @property
    def end(self) -> RecordedEnd | None:
        """The call's summary; None where the recording broke off before it."""
        raise NotImplementedError

    def inputs(self) -> Iterator[TapedInput]:
        """Yield everything that the gate was told, in order, audio included.

        Raises:
            RecordingError: no audio was recorded, so that the call can't be replayed.
        """
        raise NotImplementedError

    def steps(self) -> Iterator[RecordedStep]:
        """Yield the same without the audio: decisions and measurements, of every recorded call."""
        raise NotImplementedError

    def events(self) -> Iterator[CallEvent]:
        """Yield what happened besides the gate, in order."""
        raise NotImplementedError

    def audio(self) -> CallTracks | None:
        """Return both sides on one time axis; None where no audio was recorded."""
        raise NotImplementedError


def open_call(folder: Path, *, identity: str | None = None) -> RecordedCall:
    """Read a recorded call.

    Args:
        folder: The call's folder.
        identity: The age identity (``AGE-SECRET-KEY-1...``) that opens an encrypted one; that of
            the environment variable ``VOXGATE_RECORDING_IDENTITY`` if left out.

    Raises:
        RecordingError: it is no recorded call, of a newer format, or can't be decrypted.
    """
    raise NotImplementedError
