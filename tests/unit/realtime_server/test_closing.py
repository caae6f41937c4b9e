"""Iterators are ended where they are left."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from voxgate.realtime_server.closing import closing


class Endless:
    """An iterator that can't be closed."""

    def __aiter__(self) -> Endless:
        return self

    async def __anext__(self) -> int:
        return 1


async def test_a_generator_that_is_left_early_is_ended_at_once() -> None:
    """Its last lines run before the block is over, also when the block raises."""
    ended = []

    async def numbers() -> AsyncIterator[int]:
        try:
            for number in range(10):
                yield number
        finally:
            ended.append(True)

    async def leave_early() -> None:
        async with closing(numbers()) as iterator:
            assert await anext(iterator) == 0
            raise KeyError

    with pytest.raises(KeyError):
        await leave_early()
    assert ended == [True]


async def test_what_can_not_be_closed_is_left_alone() -> None:
    """Any iterator will do."""
    async with closing(Endless()) as iterator:
        assert await anext(iterator) == 1
