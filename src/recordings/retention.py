"""Which recorded calls are too old or too many, and their deletion.

Invariant: only folders of recorded calls are deleted, oldest first, and none of a call that is
being recorded.
"""

from __future__ import annotations

__all__ = ["calls_to_delete", "delete_call"]

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from .call_folders import ENCRYPTED_SUFFIX, summary_of
from .call_writer import TRACE_FILE
from .trace_values import CallSummary

_MAYBE_RUNNING = timedelta(minutes=10)
"""A call that was written to so lately may be running, in another process."""


def calls_to_delete(
    calls: Sequence[CallSummary],
    now: datetime,
    *,
    retention_days: int | None,
    max_bytes: float | None,
    running: Collection[Path] = (),
) -> tuple[CallSummary, ...]:
    """Return the calls to delete, oldest first.

    Args:
        calls: All that there are.
        now: The time, UTC.
        retention_days: Older ones go; None: none for that.
        max_bytes: What all may take together; None: whatever they take.
        running: Folders of calls that are being recorded.
    """
    n_bytes = sum(call.size_bytes for call in calls)
    gone = []
    for call in sorted(calls, key=lambda each: each.started_at):
        if call.folder in running or now - call.changed_at < _MAYBE_RUNNING:
            continue
        is_old = retention_days is not None and now - call.started_at > timedelta(retention_days)
        if is_old or (max_bytes is not None and n_bytes > max_bytes):
            gone.append(call)
            n_bytes -= call.size_bytes
    return tuple(gone)


def delete_call(call: CallSummary) -> bool:
    """Delete a recorded call; return whether it is gone.

    Nothing is deleted of a folder that holds anything else by now. The trace goes last, so that
    what a killed process leaves behind is a recorded call still. Another process may be deleting it
    at the same time.

    Raises:
        OSError: it can't be deleted, or not all of it.
    """
    if summary_of(call.folder) is None:
        return False
    try:
        files = list(call.folder.iterdir())
    except FileNotFoundError:
        return False
    for path in sorted(
        files, key=lambda path: path.name.removesuffix(ENCRYPTED_SUFFIX) == TRACE_FILE
    ):
        path.unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        call.folder.rmdir()
    return True
