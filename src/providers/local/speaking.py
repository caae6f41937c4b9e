"""An answer on its way to the caller: written, cut into sentences and spoken, all at a time.

The first sentence is spoken while the next is being written. Invariant: whatever ends one half ends
the other, and nothing of either is left behind.
"""

from __future__ import annotations

__all__ = ["Speaker", "speak_answer"]

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

from ...errors import ProviderError
from ...local_agent.reply import FunctionAsked
from ...local_agent.sentences import SentenceSplitter, spoken_form

_MAX_AHEAD = 16
"""Sentences written and not yet spoken; a model that is so far ahead waits."""


class Speaker(Protocol):
    """Speaks one sentence to the caller."""

    async def __call__(self, text: str, spoken: str) -> None:
        """Speak a sentence.

        Args:
            text: As it was written, with its white space.
            spoken: As it is to be read; never empty.

        Raises:
            ProviderError: the voice failed.
        """


async def speak_answer(
    pieces: AsyncIterator[str | FunctionAsked], speak: Speaker
) -> tuple[FunctionAsked, ...]:
    """Speak an answer as it comes, and return the functions that it asks for.

    Cancellation-safe: both halves are over when it returns or raises.

    Raises:
        ProviderError: what answers failed, or the voice.
    """
    sentences: asyncio.Queue[str | None] = asyncio.Queue(_MAX_AHEAD)
    writing = asyncio.create_task(_write(pieces, sentences), name="provider local writing")
    speaking = asyncio.create_task(_speak(sentences, speak), name="provider local speaking")
    halves = (writing, speaking)
    # No TaskGroup: where a half fails in the moment in which the answer is cut off, that tells of
    # the failure alone, and the agent would say sorry to a caller who has just interrupted.
    try:
        await asyncio.wait(halves, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        await _end(halves)
    if (error := _first_error(halves)) is not None:
        raise error
    return writing.result()


async def _end(halves: Sequence[asyncio.Task[Any]]) -> None:
    """End both halves, and wait until they have, also if that is to be given up."""
    for half in halves:
        half.cancel()
    given_up: asyncio.CancelledError | None = None
    while not all(half.done() for half in halves):
        try:
            await asyncio.wait(halves)
        except asyncio.CancelledError as exc:
            given_up = exc
    if given_up is not None:
        raise given_up


async def _write(
    pieces: AsyncIterator[str | FunctionAsked], sentences: asyncio.Queue[str | None]
) -> tuple[FunctionAsked, ...]:
    splitter = SentenceSplitter()
    functions = []
    async with _closing(pieces):
        async for piece in pieces:
            if isinstance(piece, FunctionAsked):
                functions.append(piece)
                continue
            for sentence in splitter.push(piece):
                await sentences.put(sentence)
    for sentence in splitter.finish():
        await sentences.put(sentence)
    await sentences.put(None)
    return tuple(functions)


async def _speak(sentences: asyncio.Queue[str | None], speak: Speaker) -> None:
    while (sentence := await sentences.get()) is not None:
        if spoken := spoken_form(sentence):
            await speak(sentence, spoken)


@contextlib.asynccontextmanager
async def _closing(pieces: AsyncIterator[object]) -> AsyncIterator[None]:
    """Close an iterator that can be closed: what answers is to stop when nobody listens."""
    try:
        yield
    finally:
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()


def _first_error(halves: Sequence[asyncio.Task[Any]]) -> BaseException | None:
    """Return what failed first; an error of ours before one of nobody's."""
    errors = [error for half in halves if not half.cancelled() and (error := half.exception())]
    known = (error for error in errors if isinstance(error, ProviderError))
    return next(known, errors[0] if errors else None)
