"""The folders of recorded calls: their names, what is in them, which is the newest.

``<UTC time>-<call id>/``, such as ``20261122T135200.123Z-5f0c...``. Invariant: only a folder that
holds a recorded call and nothing else is taken for one.
"""

from __future__ import annotations

__all__ = ["ENCRYPTED_SUFFIX", "folder_name", "list_calls", "parse_folder_name", "summary_of"]

import os
import re
from datetime import UTC, datetime
from pathlib import Path

from .audio_tracks import STEREO_FILE, Side
from .call_writer import TRACE_FILE
from .trace_values import CallSummary

ENCRYPTED_SUFFIX = ".age"
"""Ends the names of encrypted files, as the tool of that name has it."""

_AUDIO_FILES = frozenset({STEREO_FILE, *(f"{side}.wav" for side in Side)})
_FILES = frozenset({TRACE_FILE}) | _AUDIO_FILES
_NAME = re.compile(r"(\d{8}T\d{6}\.\d{3})Z-([\w.-]{1,100})", re.ASCII)
_TIME = "%Y%m%dT%H%M%S.%f"
_MAX_ID = 100
"""Characters of a call's id that its folder is named by; file systems take 255 bytes in all."""


def folder_name(started_at: datetime, call_id: str) -> str:
    """Return the name of a call's folder; what a file name should not hold becomes ``_``."""
    moment = started_at.astimezone(UTC).strftime(_TIME)[:-3]
    safe_id = re.sub(r"[^\w.-]", "_", call_id, flags=re.ASCII)[:_MAX_ID] or "_"
    return f"{moment}Z-{safe_id}"


def parse_folder_name(name: str) -> tuple[datetime, str] | None:
    """Return when a call started and its id, as its folder's name has them; None for another."""
    named = _NAME.fullmatch(name)
    if named is None:
        return None
    try:
        started_at = datetime.strptime(named[1] + "000", _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return started_at, named[2]


def summary_of(folder: Path) -> CallSummary | None:
    """Return what a folder shows of a call; None where it holds none, or anything else besides."""
    named = parse_folder_name(folder.name)
    if named is None or folder.is_symlink():
        return None
    try:
        entries = list(os.scandir(folder))
        stats = {entry.name: entry.stat(follow_symlinks=False) for entry in entries}
    except OSError:  # no folder, not ours to read, or just being deleted
        return None
    plain = {name.removesuffix(ENCRYPTED_SUFFIX) for name in stats}
    are_files = all(entry.is_file(follow_symlinks=False) for entry in entries)
    if TRACE_FILE not in plain or not plain <= _FILES or not are_files:
        return None
    return CallSummary(
        folder=folder,
        call_id=named[1],
        started_at=named[0],
        changed_at=datetime.fromtimestamp(max(each.st_mtime for each in stats.values()), UTC),
        size_bytes=sum(each.st_size for each in stats.values()),
        has_audio=bool(plain & _AUDIO_FILES),
        is_encrypted=TRACE_FILE not in stats,
    )


def list_calls(root: Path) -> tuple[CallSummary, ...]:
    """Return the recorded calls of a folder, newest first; none where there is no such folder."""
    try:
        folders = list(root.iterdir())
    except OSError:
        return ()
    found = [summary for folder in folders if (summary := summary_of(folder)) is not None]
    return tuple(sorted(found, key=lambda call: (call.started_at, call.call_id), reverse=True))
