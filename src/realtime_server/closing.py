"""Ends an asynchronous iterator where it is left, and not when the garbage collector finds it."""

from __future__ import annotations

__all__ = ["closing"]

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

_T = TypeVar("_T")


@asynccontextmanager
async def closing(iterator: AsyncIterator[_T]) -> AsyncIterator[AsyncIterator[_T]]:
    """Close an iterator at the end of a block, if it can be closed: generators can."""
    try:
        yield iterator
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()
