"""age: what is written can be read by its owner, as far as it got, and by nobody else."""

from __future__ import annotations

import builtins
import errno
import io
import random
from pathlib import Path
from typing import Any

import pytest

from voxgate.errors import RecordingError
from voxgate.recordings.encryption import (
    AgeStream,
    EncryptionUnavailableError,
    decrypted,
    recipients,
)

pyrage = pytest.importorskip("pyrage")

OWNER = pyrage.x25519.Identity.generate()
KEY = str(OWNER.to_public())
PLAIN = random.Random(7).randbytes(300_000)  # noqa: S311 - no secret


def sealed(*pieces: bytes) -> bytes:
    kept = io.BytesIO()
    kept.close = lambda: None  # type: ignore[method-assign]
    stream = AgeStream(kept, recipients([KEY]))
    for piece in pieces:
        stream.write(piece)
    stream.close()
    stream.close()
    return kept.getvalue()


def test_what_was_written_is_read_by_its_owner() -> None:
    """In whatever pieces; by the library alone too, as the age tool does it."""
    data = sealed(PLAIN[:10], b"", PLAIN[10:100_000], PLAIN[100_000:])
    assert decrypted(data, str(OWNER)) == PLAIN
    assert decrypted(data, f" {OWNER}\n") == PLAIN
    assert pyrage.decrypt(data, [OWNER]) == PLAIN
    assert PLAIN[:10] not in data


def test_nothing_written_is_a_whole_file() -> None:
    """Of nothing."""
    assert decrypted(sealed(), str(OWNER)) == b""


def test_a_file_that_was_cut_off_gives_what_is_whole_of_it() -> None:
    """64 KiB at a time."""
    data = sealed(PLAIN)
    assert decrypted(data[:200_000], str(OWNER)) == PLAIN[: 3 * 65_536]
    assert decrypted(data[:1000], str(OWNER)) == b""


@pytest.mark.parametrize(
    ("data", "identity", "problem"),
    [
        (sealed(PLAIN), str(pyrage.x25519.Identity.generate()), "does not open it"),
        (b"no age file", str(OWNER), "does not open it"),
        (sealed(PLAIN)[:50], str(OWNER), "does not open it"),
        (sealed(PLAIN), KEY, "is not an age secret key"),
        (sealed(PLAIN), "AGE-SECRET-KEY-1OHNO", "is not an age secret key"),
    ],
)
def test_what_can_not_be_opened_is_said_in_words(data: bytes, identity: str, problem: str) -> None:
    """And the identity is in none of them."""
    with pytest.raises(RecordingError, match=problem) as raised:
        decrypted(data, identity)
    assert identity not in str(raised.value)


def test_a_recipient_that_is_none_is_refused() -> None:
    """Before anything is written."""
    with pytest.raises(RecordingError, match="not a public key"):
        recipients([KEY, "age1none"])


class FullDisk(io.BytesIO):
    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, data: Any) -> int:
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


@pytest.mark.parametrize("room", [0, 100, 70_000, 300_000])
def test_a_disk_that_is_full_is_told(room: int) -> None:
    """Soon or at the end, and nobody waits for ever."""
    stream = AgeStream(FullDisk(room), recipients([KEY]))

    def write_all() -> None:
        try:
            for _ in range(40):
                stream.write(PLAIN[:10_000])
        finally:
            stream.close()

    with pytest.raises(OSError, match="No space left on device"):
        write_all()


def test_without_its_package_it_is_said_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Both to write and to read."""
    real = builtins.__import__

    def without(name: str, *given: Any) -> Any:
        if name == "pyrage":
            raise ImportError(name)
        return real(name, *given)

    monkeypatch.setattr(builtins, "__import__", without)
    for attempt in (lambda: recipients([KEY]), lambda: decrypted(b"", str(OWNER))):
        with pytest.raises(EncryptionUnavailableError) as raised:
            attempt()
        assert "pip install 'voxgate[encryption]'" in str(raised.value)
