"""The folders of recorded calls: their names, what is in them, which is the newest.

Invariant: only a folder that holds a recorded call and nothing else is taken for one.
"""

from __future__ import annotations

__all__ = ["list_calls"]

from pathlib import Path

from .trace_values import CallSummary


def list_calls(root: Path) -> tuple[CallSummary, ...]:
    """Return the recorded calls of a folder, newest first; none where there is no such folder."""
    raise NotImplementedError
