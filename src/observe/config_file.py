"""One configuration file: read, and written so that nobody ever sees half of it.

A link stays a link: what it points to is replaced. All of it blocks, and belongs in a thread.
Invariant: the file is replaced only where it still holds what the writer had read.
"""

from __future__ import annotations

__all__ = ["ConfigFile", "StagedText"]

import codecs
import contextlib
import os
import stat
import tempfile
from pathlib import Path

from ..config.load import read_text
from ..errors import ConfigError, ConfigProblem

Mark = tuple[int, int, int] | None
"""What changes when the file does: time, size and place of what is there; None: nothing is."""


class ConfigFile:
    """A file that operators, editors and the desk write.

    Args:
        path: Where it is; links are followed anew each time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = str(path)
        """As messages name it."""

    def mark(self) -> Mark:
        """Return what tells whether the file may have changed."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def folders(self) -> tuple[Path, ...]:
        """Return the folders in which something happens when the file changes.

        A link, or a folder that is one, may be pointed elsewhere, and what it points to be written.
        """
        own, real = self.path.absolute().parent, self.path.resolve().parent
        return tuple(dict.fromkeys((own, real)))

    def read(self) -> str:
        """Return its text.

        Raises:
            ConfigError: it can't be read.
        """
        return read_text(self.path, self.source)

    def is_writable(self) -> bool:
        """Say whether it can be replaced by this process."""
        real = self.path.resolve()
        return real.is_file() and os.access(real, os.W_OK) and os.access(real.parent, os.W_OK)

    def stage(self, text: str, expected: str) -> StagedText:
        """Return a text that is written beside the file, and not yet in its place.

        Args:
            text: What the file is to hold.
            expected: What it must hold now.

        Raises:
            ConfigError: it holds something else, or can't be written.
        """
        self._require(expected)
        real = self.path.resolve()
        try:
            handle, name = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)
            staged = StagedText(self, Path(name), expected)
            try:
                with os.fdopen(handle, "w", encoding=_encoding(real), newline="") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                _take_over(real.stat(), staged.path)
            except BaseException:
                staged.discard()
                raise
        except OSError as error:
            raise self._refused(f"can't be written: {error.strerror or error}") from error
        return staged

    def _require(self, expected: str) -> None:
        if self.read() != expected:
            raise self._refused(
                "was changed by somebody else meanwhile; nothing was written: reload it first"
            )

    def _refused(self, rule: str) -> ConfigError:
        problem = ConfigProblem(key="document", value="", rule=rule, source=self.source)
        return ConfigError([problem])


class StagedText:
    """A text beside its file.

    Args:
        file: Whose place it is to take.
        path: Where it is.
        expected: What the file must hold then.
    """

    def __init__(self, file: ConfigFile, path: Path, expected: str) -> None:
        self.path = path
        self._file = file
        self._expected = expected

    def commit(self) -> None:
        """Put it in the file's place, at once.

        Raises:
            ConfigError: the file was changed meanwhile, or can't be replaced.
        """
        try:
            self._file._require(self._expected)  # noqa: SLF001 - this module's own
            self.path.replace(self._file.path.resolve())
        except OSError as error:
            rule = f"can't be written: {error.strerror or error}"
            raise self._file._refused(rule) from error  # noqa: SLF001
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove it, if it is still there."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)


def _encoding(path: Path) -> str:
    """Return how a file is written: with the mark before its text that some editors put there."""
    with path.open("rb") as file:
        return "utf-8-sig" if file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8 else "utf-8"


def _take_over(status: os.stat_result, path: Path) -> None:
    """Give a file the mode of another, and its owner as far as this process may."""
    path.chmod(stat.S_IMODE(status.st_mode))
    if hasattr(os, "chown"):
        with contextlib.suppress(OSError):
            os.chown(path, status.st_uid, status.st_gid)
            path.chmod(stat.S_IMODE(status.st_mode))  # a new owner takes set-id bits away
