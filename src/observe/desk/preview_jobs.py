"""Previews of changed thresholds: one at a time, the newest wins, and each can be taken back.

Invariant: at most one preview is at work, and of those that are over a few are remembered.
"""

from __future__ import annotations

__all__ = ["PreviewJobs", "PreviewState"]

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .worker import WorkFailed

_MAX_REMEMBERED = 20
"""Previews whose outcome can still be asked for."""


class PreviewState(StrEnum):
    """Where a preview stands."""

    RUNNING = "running"
    DONE = "done"
    NOTHING_RECORDED = "nothing_recorded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class _Preview:
    state: PreviewState = PreviewState.RUNNING
    message: str = ""
    result: Mapping[str, Any] | None = None


class PreviewJobs:
    """Keeps the previews of one desk."""

    def __init__(self) -> None:
        self._previews: OrderedDict[str, _Preview] = OrderedDict()
        self._n_begun = 0
        self._running: tuple[str, asyncio.Task[None]] | None = None

    def begin(self, work: Callable[[], Awaitable[Mapping[str, Any]]]) -> str:
        """Begin a preview in the place of one that is at work; return its id."""
        self.cancel_running()
        self._n_begun += 1
        preview_id = f"p{self._n_begun}"
        preview = self._previews[preview_id] = _Preview()
        if len(self._previews) > _MAX_REMEMBERED:
            self._previews.popitem(last=False)
        task = asyncio.create_task(_run(preview, work), name="desk preview")
        self._running = (preview_id, task)
        return preview_id

    def fields_of(self, preview_id: str) -> dict[str, Any] | None:
        """Return what the page gets of a preview; None if it is not known."""
        preview = self._previews.get(preview_id)
        if preview is None:
            return None
        return {
            "id": preview_id,
            "state": preview.state.value,
            "message": preview.message,
            "result": preview.result,
        }

    def cancel(self, preview_id: str) -> None:
        """Take a preview back. Nothing happens where it is over."""
        if self._running is not None and self._running[0] == preview_id:
            self.cancel_running()

    def cancel_running(self) -> None:
        """Take back the one that is at work. Nothing happens where there is none."""
        if self._running is None:
            return
        preview_id, task = self._running
        self._running = None
        task.cancel()
        preview = self._previews.get(preview_id)
        if preview is not None and preview.state is PreviewState.RUNNING:
            preview.state = PreviewState.CANCELLED


async def _run(preview: _Preview, work: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
    try:
        result = await work()
    except WorkFailed as failure:
        preview.state, preview.message = PreviewState.FAILED, str(failure)
        return
    preview.result = result
    preview.message = str(result.get("text", ""))
    is_empty = not result.get("calls")
    preview.state = PreviewState.NOTHING_RECORDED if is_empty else PreviewState.DONE
