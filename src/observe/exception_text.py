"""An exception as text for the log: where it was raised, and no more of what than is safe.

Tracebacks for people show local variables, and messages quote what did not fit: in this program
both may hold audio, a key, or what somebody said. Invariant: of an exception, type and lines of
code get into the text; its message does only if it is one of voxgate's own, which hold no secret.
"""

from __future__ import annotations

__all__ = ["exception_text"]

import traceback

from ..errors import VoxgateError

_MAX_DEPTH = 20
"""Causes and members of groups that are followed; a chain may be a circle."""


def exception_text(exc: BaseException, *, max_depth: int = _MAX_DEPTH) -> str:
    """Return type and stack of an exception, after those of its cause, before those of a group.

    Args:
        exc: The exception.
        max_depth: How many exceptions to follow from one to the next.
    """
    if max_depth <= 0:
        return "..."
    parts = []
    cause = exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)
    if cause is not None:
        parts += [exception_text(cause, max_depth=max_depth - 1), "which led to:"]
    parts += ["".join(traceback.format_tb(exc.__traceback__)).rstrip("\n"), _headline(exc)]
    if isinstance(exc, BaseExceptionGroup):
        for number, member in enumerate(exc.exceptions, start=1):
            parts += [f"{number}. of the group:", exception_text(member, max_depth=max_depth - 1)]
    return "\n".join(part for part in parts if part)


def _headline(exc: BaseException) -> str:
    name = f"{type(exc).__module__}.{type(exc).__qualname__}".removeprefix("builtins.")
    return f"{name}: {exc}" if isinstance(exc, VoxgateError) else name
