"""Deletes recorded calls that are too old or too many: at the start and every ten minutes.

That is done in a thread.

Invariant: what can't be deleted is told once a round, and nothing but recorded calls is touched.
"""

from __future__ import annotations

__all__ = ["RecordingKeeper"]

from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from threading import Event, Thread

import structlog

from ..recordings import list_calls
from ..recordings.retention import calls_to_delete, delete_call

_INTERVAL_S = 600.0
"""In which fifty calls with audio take 2 GB."""
_STOP_TIMEOUT_S = 5.0
_GB = 1e9

_log = structlog.get_logger(__name__)


class RecordingKeeper:
    """Keeps a folder of recordings within its bounds.

    Args:
        root: The folder.
        retention_days: How long a recording is kept; None: for ever.
        max_gb: What all may take; None: whatever they take.
        running: Returns the folders of calls that are being recorded.
        wall_clock: Returns the time of day, UTC.
    """

    def __init__(
        self,
        root: Path,
        *,
        retention_days: int | None,
        max_gb: float | None,
        running: Callable[[], Collection[Path]],
        wall_clock: Callable[[], datetime],
    ) -> None:
        self._root = root
        self._retention_days = retention_days
        self._max_bytes = None if max_gb is None else max_gb * _GB
        self._running = running
        self._wall_clock = wall_clock
        self._is_stopping = Event()
        self._thread: Thread | None = None
        self.deleted = 0
        """Recordings deleted so far."""

    def start(self) -> None:
        """Begin; the first round is now."""
        self._thread = Thread(target=self._run, name="recordings kept", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End. Blocks for what is just being deleted."""
        self._is_stopping.set()
        if self._thread is not None:
            self._thread.join(_STOP_TIMEOUT_S)

    def delete_old(self) -> int:
        """Delete what is too old or too much; return how many recordings that were."""
        gone = calls_to_delete(
            list_calls(self._root),
            self._wall_clock(),
            retention_days=self._retention_days,
            max_bytes=self._max_bytes,
            running=self._running(),
        )
        n_deleted = n_failed = n_bytes = 0
        reason = ""
        for call in gone:
            if self._is_stopping.is_set():
                break
            try:
                is_gone = delete_call(call)
            except OSError as exc:
                n_failed, reason = n_failed + 1, exc.strerror or type(exc).__name__
                continue
            n_deleted += is_gone
            n_bytes += call.size_bytes * is_gone
        if n_deleted:
            _log.info("recording.deleted", recordings=n_deleted, size_bytes=n_bytes)
        if n_failed:
            _log.warning("recording.not_deleted", recordings=n_failed, reason=reason)
        self.deleted += n_deleted
        return n_deleted

    def _run(self) -> None:
        while True:
            try:
                self.delete_old()
            except Exception:  # noqa: BLE001 - the next round may go better
                _log.exception("recording.keeping_failed")
            if self._is_stopping.wait(_INTERVAL_S):
                return
