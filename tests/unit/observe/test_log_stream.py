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
