"""The made-up time keeps the order that real time has."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from support.virtual_time import VirtualTimeLoop, in_socket_time, in_virtual_time, virtual_ms


@in_virtual_time
async def test_an_hour_passes_at_once() -> None:
    """Whoever sleeps is woken without waiting, and finds that the time has passed."""
    began_s = time.monotonic()
    await asyncio.sleep(3600)
    assert virtual_ms() == pytest.approx(3_600_000)
    assert time.monotonic() - began_s < 1800  # as real time it would be 3600


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


def test_a_test_that_would_go_on_for_ever_fails() -> None:
    """Nor does it help that others are busy meanwhile."""

    async def be_busy() -> None:
        for _ in range(10_000):
            await asyncio.sleep(0.02)

    async def wait_beside_others() -> None:
        others = asyncio.create_task(be_busy())
        await asyncio.Event().wait()
        others.cancel()

    with (
        asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(max_turns=1000)) as runner,
        pytest.raises(RuntimeError, match="does not come to an end"),
    ):
        runner.run(wait_beside_others())


@in_socket_time
async def test_time_stands_still_while_bytes_are_on_their_way() -> None:
    """An answer over a socket beats the shortest timer, however slow the machine is."""
    here, there = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=here)
    far_reader, far_writer = await asyncio.open_connection(sock=there)

    async def answer() -> None:
        while data := await far_reader.read(100):
            time.sleep(0.01)  # noqa: ASYNC251 - a machine that is busy with something else
            far_writer.write(data)

    answering = asyncio.create_task(answer())
    for _ in range(10):
        async with asyncio.timeout(0.001):
            writer.write(b"x")
            assert await reader.read(100) == b"x"
    assert virtual_ms() < 1
    writer.close()
    await answering
    far_writer.close()


@in_socket_time
async def test_time_goes_on_in_steps_when_nothing_moves() -> None:
    """A guard of a minute does not go off between two packets."""
    began_s = time.monotonic()
    await asyncio.sleep(10)
    assert virtual_ms() == pytest.approx(10_000)
    assert time.monotonic() - began_s >= 0.05
