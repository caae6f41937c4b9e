"""Ends processes as a crash does."""

from __future__ import annotations

__all__ = ["end_processes"]

import os
import signal
from collections.abc import Iterable


def end_processes(process_ids: Iterable[int]) -> None:
    """End processes without asking them."""
    for process_id in process_ids:
        os.kill(process_id, signal.SIGKILL)
