"""What a process holds of what can leak: memory, tasks, descriptors, threads."""

from __future__ import annotations

__all__ = ["ProcessUse"]

import asyncio
import ctypes
import gc
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessUse:
    """At one moment, all garbage collected."""

    resident_kib: int
    """Resident memory in KiB."""
    heap_kib: int
    """Of it, what C code has allocated and not freed, in KiB; 0 where the C library does not tell.
    Resident memory holds what is free between these pieces too, which rises for a while."""
    blocks: int
    """Small pieces of memory that Python has given out, its collector's objects among them."""
    objects: int
    """Objects that the garbage collector knows."""
    tasks: int
    """Tasks of the running loop."""
    descriptors: int
    """Open file descriptors."""
    threads: int
    """Live threads of Python."""

    @classmethod
    def measured(cls) -> Self:
        """Return that of this process now; to be called in a loop, on Linux."""
        gc.collect()
        resident_pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return cls(
            resident_kib=resident_pages * os.sysconf("SC_PAGE_SIZE") // 1024,
            heap_kib=_heap_in_use_bytes() // 1024,
            blocks=sys.getallocatedblocks(),
            objects=len(gc.get_objects()),
            tasks=len(asyncio.all_tasks()),
            descriptors=len(list(Path("/proc/self/fd").iterdir())),
            threads=threading.active_count(),
        )


class _MallInfo(ctypes.Structure):
    """``struct mallinfo2`` of glibc 2.33 and later, mallinfo(3)."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def _heap_in_use_bytes() -> int:
    """Return what malloc has given out, large pieces included."""
    ask = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if ask is None:
        return 0
    ask.restype = _MallInfo
    told = ask()
    return int(told.uordblks + told.hblkhd)
