"""Tests of a part whose package is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from voxgate.errors import ProviderError
from voxgate.local_agent.reply import ReplyRequest
from voxgate.local_agent.unavailable_part import UnavailablePart

PART = UnavailablePart("piper", "it is not there: get it")


async def test_it_cannot_be_started_and_says_why() -> None:
    """The operator learns what to install, and nobody tries again."""
    with pytest.raises(ProviderError, match="piper: it is not there: get it") as error:
        await PART.start()
    assert not error.value.retryable
    await PART.stop()


@pytest.mark.parametrize("iterator", [PART.speak("hello"), PART.reply(ReplyRequest(history=()))])
async def test_it_neither_speaks_nor_answers(iterator: AsyncIterator[Any]) -> None:
    """Whoever asks all the same is told the same."""
    with pytest.raises(ProviderError, match="get it"):
        await anext(iterator)


def test_it_does_not_hear() -> None:
    """A turn does not even begin."""
    with pytest.raises(ProviderError, match="get it"):
        PART.begin()
