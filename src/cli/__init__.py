"""The ``voxgate`` command: one file a command, each loaded only when it runs."""

from __future__ import annotations

__all__ = ["main"]

from .entry import main
