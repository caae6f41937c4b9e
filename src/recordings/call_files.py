"""The files of one call while it is recorded: made, appended to, closed. A thin shell.

Nobody but their owner may read them. Invariant: with keys to encrypt to, nothing that can be read
without their secret halves is ever on the disk.
"""

from __future__ import annotations

__all__ = ["CallFiles"]

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from .call_folders import ENCRYPTED_SUFFIX
from .call_writer import TRACE_FILE
from .encryption import AgeStream

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


class CallFiles:
    """Appends to the files of one call.

    Args:
        folder: The call's; made here, with those above it.
        encrypt_to: What :func:`~.encryption.recipients` returned; nothing: not encrypted.

    Raises:
        OSError: the folder can't be made, or is there already.
    """

    def __init__(self, folder: Path, encrypt_to: Sequence[Any] = ()) -> None:
        self.folder = folder
        """The call's folder."""
        self._to = encrypt_to
        self._plain: dict[str, _PlainFile] = {}
        self._sealed: dict[str, AgeStream] = {}
        folder.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        folder.mkdir(mode=_FOLDER_MODE)

    def append(self, pieces: Mapping[str, bytes]) -> None:
        """Write what each file goes on with, in this order.

        The trace is made first: a folder without one is no recorded call, and would be kept for
        ever.

        Raises:
            OSError: it can't be written.
        """
        if TRACE_FILE in pieces:
            self._file(TRACE_FILE)
        for name, data in pieces.items():
            self._file(name).write(data)

    def close(self, heads: Mapping[str, bytes]) -> None:
        """Close all files; those that are not encrypted begin otherwise from now on.

        Raises:
            OSError: something could not be written; all files are closed all the same.
        """
        errors: list[OSError] = []
        for name, file in self._plain.items():
            try:
                file.rewrite(heads.get(name, b""))
            except OSError as exc:
                errors.append(exc)
            file.close()
        for stream in self._sealed.values():
            try:
                stream.close()
            except OSError as exc:
                errors.append(exc)
        self._plain.clear()
        self._sealed.clear()
        if errors:
            raise errors[0]

    def _file(self, name: str) -> _PlainFile | AgeStream:
        if self._to:
            if name not in self._sealed:
                file = _made(self.folder / f"{name}{ENCRYPTED_SUFFIX}")
                self._sealed[name] = AgeStream(file, self._to)
            return self._sealed[name]
        if name not in self._plain:
            self._plain[name] = _PlainFile(_made(self.folder / name))
        return self._plain[name]


class _PlainFile:
    """A file without a buffer: what was written is there though the process is killed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def rewrite(self, head: bytes) -> None:
        if head:
            self._file.seek(0)
            self.write(head)

    def close(self) -> None:
        self._file.close()


def _made(path: Path) -> BinaryIO:
    """Return a new file that only its owner can read, without a buffer."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    return os.fdopen(descriptor, "wb", buffering=0)
