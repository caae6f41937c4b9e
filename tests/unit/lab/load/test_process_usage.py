"""What processes used is read from the files of proc(5)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from voxgate.lab.load.process_usage import parse_stat, read_busy_s, read_usage


def stat_text(pid: int, parent: int, *, user: int, system: int, pages: int) -> str:
    """Return a line of /proc/PID/stat."""
    before = f"{pid} (a) odd (name) S {parent} 0 0 0 0 0 0 0 0 0 {user} {system}"
    return f"{before} 0 0 20 0 1 0 99 1000000 {pages} 184 0 0"


def add(proc: Path, pid: int, text: str, waited_ns: int | None = None) -> None:
    """Add a process."""
    (proc / str(pid)).mkdir()
    (proc / str(pid) / "stat").write_text(text)
    if waited_ns is not None:
        (proc / str(pid) / "schedstat").write_text(f"5000 {waited_ns} 7\n")
        status = (
            f"Name:\t(a) odd\nvoluntary_ctxt_switches:\t{pid}\nnonvoluntary_ctxt_switches:\t9\n"
        )
        (proc / str(pid) / "status").write_text(status)


def test_a_process_counts_with_all_that_it_started(tmp_path: Path) -> None:
    """Workers are the engine too; strangers are not."""
    add(tmp_path, 10, stat_text(10, 1, user=100, system=50, pages=10), 2_000_000_000)
    add(tmp_path, 11, stat_text(11, 10, user=30, system=20, pages=5), 500_000_000)
    add(tmp_path, 12, stat_text(12, 11, user=1, system=0, pages=1))
    add(tmp_path, 13, stat_text(13, 1, user=9999, system=0, pages=9999))
    add(tmp_path, 14, "nonsense")
    usage = read_usage(10, tmp_path)
    assert usage is not None
    assert usage.cpu_s == pytest.approx(201 / os.sysconf("SC_CLK_TCK"))
    assert usage.resident_bytes == 16 * os.sysconf("SC_PAGE_SIZE")
    assert usage.waited_s == pytest.approx(2.5)
    assert usage.wakeups == 10 + 11


def test_a_process_that_is_gone_has_used_nothing_that_is_known(tmp_path: Path) -> None:
    """Nor where the system tells nothing at all."""
    assert read_usage(10, tmp_path) is None
    assert read_usage(10, tmp_path / "none") is None


def test_a_core_is_at_work_for_whomever(tmp_path: Path) -> None:
    """User, nice, system, interrupts and what the host took; not idle, nor waiting for a disk."""
    (tmp_path / "stat").write_text("cpu  9 9 9\ncpu1 10 20 30 1000 5000 1 2 3 0 0\nintr 5\n")
    assert read_busy_s(1, tmp_path) == pytest.approx(66 / os.sysconf("SC_CLK_TCK"))
    assert read_busy_s(7, tmp_path) is None
    assert read_busy_s(1, tmp_path / "none") is None


@pytest.mark.parametrize("text", ["", "1 (a) S 1 2 3", "1 (a) S x" + " 0" * 30])
def test_what_is_no_stat_is_an_error(text: str) -> None:
    """And not a wrong figure."""
    with pytest.raises(ValueError, match=r".+"):
        parse_stat(text)
