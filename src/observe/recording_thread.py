"""Writes recorded calls in a thread, so that no disk is ever waited for in the event loop.

The loop hands over batches of what happened; the thread makes lines and samples of them and
appends to the files. Invariant: a recording that fails costs its call nothing, is told once, and
what was written of it before stays.
"""

from __future__ import annotations

__all__ = ["CallRecording", "Entry", "RecordingThread"]

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import structlog

from ..recordings import CallHeader
from ..recordings.call_files import CallFiles
from ..recordings.call_folders import folder_name
from ..recordings.call_writer import TOO_FAST, CallWriter

Entry = tuple[Any, ...]
"""A method of :class:`CallWriter` and what it is called with."""

_MAX_BATCHES = 2000
"""Batches that wait to be written: 4 s of a hundred calls whose disk stands still."""

_PAUSE_S = 0.0002
"""Between two batches the thread lets go of the interpreter: the event loop never waits longer for
it than one batch takes, half a millisecond."""

_STOP_TIMEOUT_S = 10.0

_log = structlog.get_logger(__name__)


class CallRecording:
    """One call that is recorded: what the thread has of it."""

    __slots__ = ("call_id", "files", "folder", "has_failed", "header", "is_cut", "writer")

    def __init__(self, root: Path, header: CallHeader) -> None:
        self.call_id = header.call_id
        self.header = header
        self.folder = root / folder_name(header.started_at, header.call_id)
        """Where it is recorded."""
        self.writer = CallWriter(header)
        self.files: CallFiles | None = None
        self.is_cut = False
        """It stopped before its call, and that was told."""
        self.has_failed = False
        """It could not be written: nothing more of it is."""


class RecordingThread:
    """Writes the recordings of one process.

    Args:
        encrypt_to: What :func:`~voxgate.recordings.encryption.recipients` returned.
        max_batches: How many may wait.
    """

    def __init__(self, encrypt_to: Sequence[Any] = (), *, max_batches: int = _MAX_BATCHES) -> None:
        self._to = tuple(encrypt_to)
        self._max_batches = max_batches
        self._queue: SimpleQueue[tuple[CallRecording, Sequence[Entry], bool] | None] = SimpleQueue()
        self._n_put = 0
        self._n_taken = 0
        self._open: dict[Path, CallRecording] = {}
        self._thread: Thread | None = None
        self.failures = 0
        """Recordings that could not be written."""
        self.cuts = 0
        """Recordings that stopped as their line delivered far too much."""

    @property
    def waiting(self) -> int:
        """Batches that wait to be written."""
        return self._n_put - self._n_taken

    def start(self) -> None:
        """Begin to write."""
        self._thread = Thread(target=self._run, name="recordings", daemon=True)
        self._thread.start()

    def put(self, recording: CallRecording, entries: Sequence[Entry]) -> bool:
        """Hand over what happened on a call; return False, and leave it, if too much waits."""
        if self.waiting >= self._max_batches:
            return False
        self._put(recording, entries, is_last=False)
        return True

    def put_last(self, recording: CallRecording, entries: Sequence[Entry]) -> None:
        """Hand over the last of a call, however much waits."""
        self._put(recording, entries, is_last=True)

    def write_waiting(self) -> None:
        """Write what waits, in the thread that calls; for who has not started one."""
        while self.waiting:
            batch = self._queue.get()
            if batch is not None:
                self._take(*batch)

    def close_all(self) -> None:
        """Close what is open, in the thread that calls: calls in it have no end."""
        for recording in list(self._open.values()):
            self._guarded(recording, self._close)

    def stop(self) -> None:
        """Write what waits, and close what is open; calls in it have no end. Blocks."""
        if self._thread is None:
            return
        self._queue.put(None)
        self._thread.join(_STOP_TIMEOUT_S)
        self._thread = None

    # -- the thread --------------------------------------------------------------------------------

    def _put(self, recording: CallRecording, entries: Sequence[Entry], *, is_last: bool) -> None:
        self._n_put += 1
        self._queue.put((recording, entries, is_last))

    def _run(self) -> None:
        while (batch := self._queue.get()) is not None:
            self._take(*batch)
            time.sleep(_PAUSE_S)
        self.close_all()

    def _take(self, recording: CallRecording, entries: Sequence[Entry], is_last: bool) -> None:  # noqa: FBT001
        self._n_taken += 1
        self._guarded(recording, self._write, entries)
        if is_last:
            self._guarded(recording, self._close)

    def _write(self, recording: CallRecording, entries: Sequence[Entry]) -> None:
        if recording.has_failed:
            return
        if recording.files is None:
            recording.files = CallFiles(recording.folder, self._to)
            self._open[recording.folder] = recording
        was_cut = recording.writer.is_cut
        for method, *given in entries:
            method(recording.writer, *given)
        if recording.writer.is_cut and not was_cut and not recording.is_cut:
            recording.is_cut = True
            self.cuts += 1
            _log.warning("recording.cut", call_id=recording.call_id, reason=TOO_FAST)
        recording.files.append(recording.writer.take())

    def _close(self, recording: CallRecording) -> None:
        self._open.pop(recording.folder, None)
        files, recording.files = recording.files, None
        if files is not None:
            files.close(recording.writer.final_heads())

    def _guarded(self, recording: CallRecording, work: Callable[..., None], *given: object) -> None:
        """Do something for one recording; where that fails, only that recording ends."""
        try:
            work(recording, *given)
        except Exception as exc:  # noqa: BLE001 - the others are written all the same
            self._fail(recording, exc)

    def _fail(self, recording: CallRecording, exc: Exception) -> None:
        if recording.has_failed:
            return
        recording.has_failed = True
        self.failures += 1
        reason = (isinstance(exc, OSError) and exc.strerror) or type(exc).__name__
        _log.warning("recording.failed", call_id=recording.call_id, reason=reason)
        self._guarded(recording, self._close)
