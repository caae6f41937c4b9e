"""age (age-encryption.org/v1) for recordings: who can open them, writing as it comes, reading.

A file is encrypted as it is written, so that nothing ever lies on the disk that can be read
without the key. Invariant: a secret key is in no message, and a file that was cut off gives what is
whole of it: 64 KiB at a time, as age authenticates it.
"""

from __future__ import annotations

__all__ = ["AgeStream", "EncryptionUnavailableError", "decrypted", "recipients"]

import io
from collections.abc import Sequence
from queue import Queue
from threading import Thread
from typing import Any, BinaryIO

from ..errors import RecordingError

_MAX_WAITING = 16
"""Pieces that wait to be encrypted; whoever writes more waits."""


class EncryptionUnavailableError(RecordingError):
    """The package that encrypts is not installed."""

    def __str__(self) -> str:
        """Say how to install it."""
        return "encrypted recordings need the package pyrage: pip install 'voxgate[encryption]'"


def recipients(keys: Sequence[str]) -> tuple[Any, ...]:
    """Return the public keys (``age1...``) as the library has them.

    Raises:
        EncryptionUnavailableError: the library is not installed.
        RecordingError: one of them is no such key.
    """
    pyrage = _pyrage()
    try:
        return tuple(pyrage.x25519.Recipient.from_str(key) for key in keys)
    except pyrage.RecipientError as exc:
        raise RecordingError("an age recipient is not a public key (age1...)") from exc


def decrypted(data: bytes, identity: str) -> bytes:
    """Return what was encrypted, as far as it is whole.

    Args:
        data: An age file, maybe cut off.
        identity: The secret key (``AGE-SECRET-KEY-1...``).

    Raises:
        EncryptionUnavailableError: the library is not installed.
        RecordingError: the identity is none, or not one that the file was encrypted to.
    """
    pyrage = _pyrage()
    try:
        opener = pyrage.x25519.Identity.from_str(identity.strip())
    except pyrage.IdentityError as exc:
        raise RecordingError("the identity is not an age secret key (AGE-SECRET-KEY-1...)") from exc
    plain = io.BytesIO()
    try:
        pyrage.decrypt_io(io.BytesIO(data), plain, [opener])
    except pyrage.DecryptError as exc:
        raise RecordingError(
            "the identity does not open it: it is not one that the recording was encrypted to, or "
            "the file is damaged"
        ) from exc
    except OSError:  # cut off, or damaged behind this
        return plain.getvalue()
    return plain.getvalue()


class AgeStream:
    """Encrypts what is written, in a thread of its own, into a file.

    Args:
        file: Where the encrypted bytes go; closed by :meth:`close`.
        to: What :func:`recipients` returned.
    """

    def __init__(self, file: BinaryIO, to: Sequence[Any]) -> None:
        self._file = file
        self._output = _Output(file)
        self._to = list(to)
        self._waiting: Queue[bytes] = Queue(_MAX_WAITING)
        self._rest = memoryview(b"")
        self._thread = Thread(target=self._run, name="recording encryption", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Encrypt and write data, soon.

        Raises:
            OSError: what came before could not be written.
        """
        self._raise_error()
        if data:
            self._waiting.put(data)

    def close(self) -> None:
        """Write the end and close the file; idempotent.

        Raises:
            OSError: it could not be written.
        """
        if self._thread.is_alive():
            self._waiting.put(b"")
            self._thread.join()
        self._file.close()
        self._raise_error()

    def read(self, size: int = -1) -> bytes:
        """Return what is to be encrypted next, for the library; nothing at the end."""
        if not self._rest:
            self._rest = memoryview(self._waiting.get())
        size = len(self._rest) if size < 0 else size
        piece, self._rest = self._rest[:size], self._rest[size:]
        return bytes(piece)

    def _run(self) -> None:
        try:
            _pyrage().encrypt_io(self, self._output, self._to)
        except Exception as exc:  # noqa: BLE001 - told to whoever writes next
            self._output.error = self._output.error or OSError(f"encryption failed: {type(exc)}")
            while self._waiting.get():  # nobody is to wait for room
                pass

    def _raise_error(self) -> None:
        if self._output.error is not None:
            raise self._output.error


class _Output:
    """Writes into a file and remembers what went wrong: the library swallows the last error."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as exc:
            self.error = exc
            raise

    def flush(self) -> None:
        """Do nothing: the file is not buffered."""


def _pyrage() -> Any:
    try:
        import pyrage
    except ImportError as exc:
        raise EncryptionUnavailableError from exc
    return pyrage
