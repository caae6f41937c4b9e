"""What a process and its children have used: CPU time and memory, as Linux tells.

Invariant: a process that is gone, or a system that does not tell, gives None and no error.
"""

from __future__ import annotations

__all__ = ["ProcessUsage", "parse_stat", "read_busy_s", "read_usage"]

import os
import re
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_AFTER_NAME = 2
"""Number of the first field of ``/proc/PID/stat`` behind the name, counted from 0; see proc(5)."""
_BUSY_COLUMNS = (0, 1, 2, 5, 6, 7)
"""Of a core in ``/proc/stat``: user, nice, system, irq, softirq, steal; not idle and iowait."""
_SLEPT = re.compile(r"^voluntary_ctxt_switches:\s*(\d+)$", re.MULTILINE)
_PARENT, _USER_TICKS, _SYSTEM_TICKS, _RESIDENT_PAGES = 3, 13, 14, 23


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessUsage:
    """Of a process and all that it has started."""

    cpu_s: float
    """User and system time so far."""
    waited_s: float
    """Time that it could have run and others did, so far; of the first thread of each process."""
    resident_bytes: int
    """Memory that is in use now."""
    wakeups: int
    """Times that the first thread of each process had waited for something, and it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """What of ``/proc/PID/stat`` counts here."""

    parent: int
    ticks: int
    pages: int


def parse_stat(text: str) -> Stat:
    """Parse the text of ``/proc/PID/stat``.

    Raises:
        ValueError: it is none.
    """
    fields = text.rpartition(")")[2].split()
    if len(fields) <= _RESIDENT_PAGES - _AFTER_NAME:
        raise ValueError("the text of /proc/PID/stat is too short")

    def number(field: int) -> int:
        return int(fields[field - _AFTER_NAME])

    return Stat(
        parent=number(_PARENT),
        ticks=number(_USER_TICKS) + number(_SYSTEM_TICKS),
        pages=number(_RESIDENT_PAGES),
    )


def read_usage(pid: int, proc: Path = _PROC) -> ProcessUsage | None:
    """Return what a process and its children have used; None where nobody can tell."""
    stats = _all_stats(proc)
    if pid not in stats:
        return None
    family = {pid}
    while added := {each for each, stat in stats.items() if stat.parent in family} - family:
        family |= added
    return ProcessUsage(
        cpu_s=sum(stats[each].ticks for each in family) / os.sysconf("SC_CLK_TCK"),
        waited_s=sum(_waited_ns(proc / str(each)) for each in family) / 1e9,
        resident_bytes=sum(stats[each].pages for each in family) * os.sysconf("SC_PAGE_SIZE"),
        wakeups=sum(_wakeups(proc / str(each)) for each in family),
    )


def read_busy_s(core: int, proc: Path = _PROC) -> float | None:
    """Return how long a core has been at work, for whomever; None where nobody can tell."""
    try:
        text = (proc / "stat").read_text(encoding="ascii")
    except OSError:
        return None
    for line in text.splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            busy = [int(each) for at, each in enumerate(ticks) if at in _BUSY_COLUMNS]
            return sum(busy) / os.sysconf("SC_CLK_TCK")
    return None


def _waited_ns(folder: Path) -> int:
    """Return how long a thread has waited for a core, in ns; 0 where the system does not tell."""
    try:
        return int((folder / "schedstat").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _wakeups(folder: Path) -> int:
    """Return how often a thread has slept; 0 where the system does not tell."""
    try:
        text = (folder / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    found = _SLEPT.search(text)
    return int(found[1]) if found else 0


def _all_stats(proc: Path) -> dict[int, Stat]:
    stats = {}
    for folder in proc.glob("[0-9]*"):
        try:
            stats[int(folder.name)] = parse_stat((folder / "stat").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # it has ended meanwhile
    return stats
