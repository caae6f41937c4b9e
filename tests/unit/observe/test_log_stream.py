"""A log that can't be written: no line of it, and no harm."""

from __future__ import annotations

import errno
import io

import pytest

from voxgate.observe.log_stream import LogStream


class Disk(io.StringIO):
    """A file on a disk that may be full."""

    error: Exception | None = None

    def write(self, text: str) -> int:
        if self.error is not None:
            raise self.error
        return super().write(text)


def about(n_lost: int) -> str:
    return f"{n_lost} lost\n"


def test_lines_are_written_as_they_come() -> None:
    """Each at once, with nothing added."""
    disk = Disk()
    stream = LogStream(disk, about)
    assert (stream.write("one\n"), stream.write("two\n")) == (4, 4)
    stream.flush()
    assert (disk.getvalue(), stream.n_lost) == ("one\ntwo\n", 0)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        BrokenPipeError(errno.EPIPE, "Broken pipe"),
        ValueError("I/O operation on closed file"),
    ],
    ids=["full", "nobody reads", "closed"],
)
def test_what_can_t_be_written_is_left_out_and_told_of(error: Exception) -> None:
    """Who logs notices nothing; the first line that fits comes after the number of those lost."""
    disk = Disk()
    stream = LogStream(disk, about)
    stream.write("one\n")
    disk.error = error
    assert [stream.write("two\n"), stream.write("three\n")] == [0, 0]
    assert stream.n_lost == 2
    disk.error = None
    stream.write("four\n")
    stream.write("five\n")
    assert disk.getvalue() == "one\n2 lost\nfour\nfive\n"
    assert stream.n_lost == 0


class SmallDisk(io.RawIOBase):
    """A file that takes no more than there is room for, as the system does."""

    def __init__(self) -> None:
        self.room = 1000
        self.taken = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        piece = bytes(data[: self.room])
        self.taken += piece
        self.room -= len(piece)
        return len(piece)


def as_standard_error(disk: SmallDisk) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BufferedWriter(disk), encoding="utf-8", line_buffering=True)


def test_what_is_told_as_lost_does_not_come_after_all() -> None:
    """The buffer of standard error would keep it, and write it once there is room again."""
    disk = SmallDisk()
    stream = LogStream(as_standard_error(disk), about)
    disk.room = 0
    assert [stream.write("one\n"), stream.write("two\n")] == [0, 0]
    disk.room = 1000
    stream.write("three\n")
    assert disk.taken == b"2 lost\nthree\n"


def test_a_line_that_was_cut_off_is_ended_and_counts_as_lost() -> None:
    """So that the next one can be read; who was told of before is not counted twice."""
    disk = SmallDisk()
    stream = LogStream(as_standard_error(disk), about)
    disk.room = 2
    assert stream.write("one\n") == 0
    disk.room = 10
    assert stream.write("two\n") == 0
    assert (disk.taken, stream.n_lost) == (b"on\n1 lost\ntw", 1)
    disk.room = 1000
    stream.write("three\n")
    assert disk.taken == b"on\n1 lost\ntw\n1 lost\nthree\n"


def test_without_standard_error_every_line_is_left_out() -> None:
    """As where it was closed before the program began."""
    stream = LogStream(None, about)
    assert stream.write("one\n") == 0
    assert stream.n_lost == 1
