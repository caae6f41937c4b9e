"""The end of a call: every side is closed, whatever state it is in and whatever the others do."""

from __future__ import annotations

__all__ = ["CallOver", "close_sides", "first_word"]

import asyncio
from collections.abc import Awaitable, Callable

import structlog

_CLOSE_TIMEOUT_S = 5.0
"""Time that each side gets to close when the call is over."""

_log = structlog.get_logger(__name__)


class CallOver(Exception):  # noqa: N818 - no error: it ends the call's task group
    """The call is over.

    Args:
        reason: As in :class:`~voxgate.call_observer.CallEnded`.
        detail: What the line, or the provider's error, adds to that.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def first_word(group: BaseExceptionGroup[CallOver]) -> CallOver:
    """Return the word of the first of the tasks that ended the call."""
    first = group.exceptions[0]
    assert isinstance(first, CallOver), "a task group is flat, and its errors are in order"  # noqa: S101
    return first


async def close_sides(call_id: str, *sides: tuple[str, Callable[[], Awaitable[None]]]) -> None:
    """Close sides, each by its name and what closes it, one after the other.

    What one raises is logged; where closing is cancelled the others are closed all the same.
    """
    if not sides:
        return
    (name, close), *others = sides
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT_S):
            await close()
    except Exception:  # noqa: BLE001 - whatever it is, the call is over all the same
        _log.exception("call.close_failed", call_id=call_id, side=name)
    finally:
        await close_sides(call_id, *others)
