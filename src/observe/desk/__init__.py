"""The operator's desk: a web page of live calls, thresholds and health, in the engine's process."""

from __future__ import annotations

__all__ = ["DeskService"]

from .service import DeskService
