"""A recorded call, opened: header, inputs and decisions of the gate, events, audio, end.

Invariant: what is read is an exact beginning of what was told the gate; where something is missing,
reading ends there.
"""

from __future__ import annotations

__all__ = ["RecordedCall", "open_call"]

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from ..config.recording_model import IDENTITY_VARIABLE
from ..errors import RecordingError
from .call_folders import ENCRYPTED_SUFFIX
from .call_writer import TRACE_FILE
from .encryption import decrypted
from .plain_values import from_plain
from .recorded_audio import RecordedAudio
from .trace_decisions import decision_of
from .trace_lines import (
    CUT,
    ENDED,
    EVENT,
    HEADER,
    TRACKS,
    TracksLine,
    Tree,
    input_from_tree,
    input_kinds,
    place_from_tree,
    step_from_tree,
)
from .trace_text import TraceText
from .trace_values import (
    CallEvent,
    CallHeader,
    CallTracks,
    RecordedEnd,
    RecordedStep,
    TapedInput,
)

FORMAT_VERSION = 1
"""Newest format of a trace that is read here."""

_BROKEN = (ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""What a damaged line raises, whatever of it is damaged."""

_MODELS: Mapping[str, type] = {TRACKS: TracksLine, EVENT: CallEvent, ENDED: RecordedEnd}
"""What lines stand for that are neither an input nor the header."""

_MAX_FILE_BYTES = 2_000_000_000
"""What is read of one file, all at once: 17 hours of a trace or of a narrow line's audio."""


class _MissingAudio(Exception):  # noqa: N818 - never leaves this module
    """The audio of an input is not there."""


class RecordedCall:
    """One recorded call; :func:`open_call` reads it.

    Args:
        folder: The call's folder.
        identity: Opens it if it is encrypted.
    """

    def __init__(self, folder: Path, identity: str | None) -> None:
        self.folder = folder
        """Where it is."""
        self._identity = identity
        trace = self._read(TRACE_FILE)
        if trace is None:
            raise RecordingError(f"{folder}: is no recorded call: it has no {TRACE_FILE}")
        self._trace = TraceText(trace)
        self.header: CallHeader = self._parse_header()
        """What was known of the call when it began."""

    @property
    def has_audio(self) -> bool:
        """Its audio is there, so that it can be replayed."""
        return self._audio is not None

    @property
    def is_complete(self) -> bool:
        """The recording reaches the end of the call, and nothing of it is missing or damaged."""
        last = self._last_line
        return last is not None and last.get("is_cut") is False and self.damage is None

    @cached_property
    def damage(self) -> str | None:
        """What ends reading before the trace ends: file, line, reason. Looks through all of it.

        None where nothing does. A recording that broke off, as its process was killed, is whole as
        far as it goes: that is no damage.
        """
        audio = None if self._audio is None else self._audio.rewound()
        for number, tree in self._trace.lines():
            try:
                _check(tree, audio)
            except _MissingAudio:
                if self._last_line is None:
                    return None
                return self._damaged(number, "its audio is not there")
            except _BROKEN:
                return self._damaged(number, "is damaged")
        return None

    @property
    def cut_reason(self) -> str | None:
        """Why recording stopped before the call ended; None where it did not, or was killed."""
        for tree in self._trace.last(3):
            if tree is not None and tree["type"] == CUT:
                return str(tree.get("reason"))
        return None

    @property
    def end(self) -> RecordedEnd | None:
        """The call's summary; None where the recording broke off before it."""
        try:
            return None if self._last_line is None else from_plain(RecordedEnd, self._last_line)
        except _BROKEN:
            return None

    def inputs(self) -> Iterator[TapedInput]:
        """Yield everything that the gate was told, in order, audio included.

        Raises:
            RecordingError: no audio was recorded, so that the call can't be replayed.
        """
        if self._audio is None:
            raise RecordingError(
                f"{self.folder}: can't be replayed: no audio was recorded (recording.audio)"
            )
        return self._inputs(self._audio.rewound())

    def steps(self) -> Iterator[RecordedStep]:
        """Yield the same without the audio: decisions and measurements, of every recorded call."""
        for tree in self._trees():
            try:
                step = step_from_tree(tree)
            except _BROKEN:
                return
            if step is not None:
                yield step

    def events(self) -> Iterator[CallEvent]:
        """Yield what happened besides the gate, in order."""
        for tree in self._trees():
            if tree["type"] == EVENT:
                try:
                    event = from_plain(CallEvent, tree)
                except _BROKEN:
                    return
                yield event

    def audio(self) -> CallTracks | None:
        """Return both sides on one time axis; None where no audio was recorded."""
        return None if self._audio is None else self._audio.tracks()

    # -- private steps -----------------------------------------------------------------------------

    @cached_property
    def _audio(self) -> RecordedAudio | None:
        plan = self._plan()
        if plan is None:
            return None
        files = {name: self._read(name) for name in RecordedAudio.file_names(plan)}
        if not any(files.values()):
            return None
        return RecordedAudio(plan, files)

    def _plan(self) -> TracksLine | None:
        """Return what the audio files hold; it stands before the first input."""
        for tree in self._trees():
            if tree["type"] == TRACKS:
                try:
                    return from_plain(TracksLine, tree)
                except _BROKEN:
                    return None
            if tree["type"] in input_kinds():
                return None
        return None

    @cached_property
    def _last_line(self) -> Tree | None:
        tree = next(self._trace.last(1), None)
        return tree if tree is not None and tree["type"] == ENDED else None

    def _inputs(self, audio: RecordedAudio) -> Iterator[TapedInput]:
        for tree in self._trees():
            try:
                taped = _taped(tree, audio)
            except (_MissingAudio, *_BROKEN):
                return
            if taped is not None:
                yield taped

    def _damaged(self, number: int, reason: str) -> str:
        return f"{self.folder / TRACE_FILE}:{number}: {reason}; the rest is not read"

    def _trees(self) -> Iterator[Tree]:
        """Yield the lines up to the first that can't be read."""
        for _, tree in self._trace.lines():
            if tree is None:
                return
            yield tree

    def _parse_header(self) -> CallHeader:
        _, tree = next(self._trace.lines(), (1, None))
        if tree is None or tree["type"] != HEADER:
            raise RecordingError(f"{self.folder}: is no recorded call: its trace has no header")
        version = tree.get("format_version")
        if not isinstance(version, int) or version > FORMAT_VERSION:
            raise RecordingError(
                f"{self.folder}: has format {version}, and this voxgate reads up to "
                f"{FORMAT_VERSION}: use a newer one"
            )
        try:
            return from_plain(CallHeader, tree)
        except _BROKEN as exc:
            raise RecordingError(f"{self.folder}: the header of its trace is damaged") from exc

    def _read(self, name: str) -> bytes | None:
        """Return what a file of the call holds, decrypted; None where it is not there."""
        try:
            plain = self.folder / name
            if plain.is_file():
                return _content_of(plain)
            sealed = self.folder / f"{name}{ENCRYPTED_SUFFIX}"
            if not sealed.is_file():
                return None
            data = _content_of(sealed)
        except OSError as exc:
            reason = exc.strerror or type(exc).__name__
            raise RecordingError(f"{self.folder / name}: can't be read: {reason}") from exc
        return self._decrypt(sealed, data)

    def _decrypt(self, path: Path, data: bytes) -> bytes | None:
        if not data:
            return None  # nothing of it had been written
        if not self._identity:
            raise RecordingError(
                f"{path}: is encrypted: set the environment variable {IDENTITY_VARIABLE} to the "
                "age secret key that opens it (AGE-SECRET-KEY-1...)"
            )
        try:
            return decrypted(data, self._identity)
        except RecordingError as exc:
            raise RecordingError(f"{path}: can't be decrypted: {exc}") from exc


def open_call(folder: Path, *, identity: str | None = None) -> RecordedCall:
    """Read a recorded call.

    Args:
        folder: The call's folder.
        identity: The age identity (``AGE-SECRET-KEY-1...``) that opens an encrypted one; that of
            the environment variable ``VOXGATE_RECORDING_IDENTITY`` if left out.

    Raises:
        RecordingError: it is no recorded call, of a newer format, or can't be decrypted.
    """
    return RecordedCall(folder, identity or os.environ.get(IDENTITY_VARIABLE))


def _taped(tree: Tree, audio: RecordedAudio) -> TapedInput | None:
    """Return the input of a line, the next one; None where the line is none of an input.

    Raises:
        _MissingAudio: its audio is not among what was recorded.
        ValueError, TypeError, KeyError, AttributeError, OverflowError: the line is damaged.
    """
    place = place_from_tree(tree)
    heard = None if place is None else audio.bytes_at(tree["type"], place)
    if place is not None and heard is None:
        raise _MissingAudio
    given = input_from_tree(tree, heard)
    if given is None:
        return None
    audio.follow(given)
    track_ms = None if place is None else audio.track_ms(tree["type"], place)
    return TapedInput(given, decision_of(tree), track_ms)


def _check(tree: Tree | None, audio: RecordedAudio | None) -> None:
    """Raise what reading a line raises, as in :func:`_taped`; ValueError where it is none."""
    if tree is None:
        raise ValueError("is no line of a trace")
    if tree["type"] in _MODELS:
        from_plain(_MODELS[tree["type"]], tree)
    elif audio is None:
        step_from_tree(tree)
    else:
        _taped(tree, audio)


def _content_of(path: Path) -> bytes:
    """Return what a file holds.

    Raises:
        RecordingError: it is larger than any call's.
        OSError: it can't be read.
    """
    n_bytes = path.stat().st_size
    if n_bytes > _MAX_FILE_BYTES:
        raise RecordingError(
            f"{path}: has {n_bytes / 1e9:.1f} GB, and at most {_MAX_FILE_BYTES / 1e9:g} are read: "
            "it is no file of a call, or of one that lasted too long"
        )
    return path.read_bytes()
