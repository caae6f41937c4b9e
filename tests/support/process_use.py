"""What a process holds of what can leak: memory, tasks, descriptors, threads."""

from __future__ import annotations

__all__ = ["ProcessUse"]

import asyncio
import gc
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessUse:
    """At one moment, all garbage collected."""

    resident_kib: int
    """Resident memory in KiB."""
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
            objects=len(gc.get_objects()),
            tasks=len(asyncio.all_tasks()),
            descriptors=len(list(Path("/proc/self/fd").iterdir())),
            threads=threading.active_count(),
        )
