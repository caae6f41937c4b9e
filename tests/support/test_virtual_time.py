"""The made-up time keeps the order that real time has."""

from __future__ import annotations

import asyncio
import time

import pytest

from support.virtual_time import in_virtual_time, virtual_ms


@in_virtual_time
async def test_an_hour_passes_at_once() -> None:
    """Whoever sleeps is woken without waiting, and finds that the time has passed."""
    began_s = time.monotonic()
    await asyncio.sleep(3600)
    assert virtual_ms() == pytest.approx(3_600_000)
    assert time.monotonic() - began_s < 60


@in_virtual_time
async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    """Two tasks take turns as they would in real time."""
    woken: list[float] = []

    async def wake_every(interval_s: float, n_times: int) -> None:
        for _ in range(n_times):
            await asyncio.sleep(interval_s)
            woken.append(interval_s)

    await asyncio.gather(wake_every(0.02, 4), wake_every(0.05, 1))
    assert woken == [0.02, 0.02, 0.05, 0.02, 0.02]


def test_a_test_that_would_hang_fails() -> None:
    """Waiting for what nobody will do is found at once."""

    @in_virtual_time
    async def wait_for_nothing() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="never happen"):
        wait_for_nothing()
