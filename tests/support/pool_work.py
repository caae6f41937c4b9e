"""What processes of a pool are given to do; importable where they start."""

from __future__ import annotations

__all__ = ["double", "double_or_die", "double_or_die_once"]

import os
import signal
from pathlib import Path


def double(number: int) -> int:
    """Return twice the number."""
    return 2 * number


def double_or_die(number: int) -> int:
    """Return twice the number; the process dies of a negative one."""
    if number < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def double_or_die_once(number: int, *, grave: Path) -> int:
    """Return twice the number; the first process that gets a negative one dies."""
    if number < 0 and not grave.exists():
        grave.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number
