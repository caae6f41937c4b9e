"""Connections that another process has accepted."""

from __future__ import annotations

import asyncio
import socket

from voxgate.transports.listening import HandedConnections


async def _until_taken(handed: HandedConnections) -> None:
    while handed._connecting:  # noqa: ASYNC110 - the end tells nobody
        await asyncio.sleep(0)


async def test_a_connection_counts_until_it_ends() -> None:
    """Whoever hands them over goes by that."""
    handed = HandedConnections(("127.0.0.1", 1))
    listening = await handed.listen(asyncio.Protocol, "", 0)
    ours, theirs = socket.socketpair()
    handed.take(theirs)
    await _until_taken(handed)
    assert handed.n_ended == 0
    ours.close()
    while not handed.n_ended:  # noqa: ASYNC110 - the end tells nobody
        await asyncio.sleep(0)
    assert handed.n_ended == 1
    listening.close()


async def test_a_connection_that_nobody_takes_is_closed_and_counted() -> None:
    """Before the line listens, and after; the peer sees it at once."""
    handed = HandedConnections(("127.0.0.1", 1))
    ours, theirs = socket.socketpair()
    handed.take(theirs)
    await _until_taken(handed)
    assert (ours.recv(1), handed.n_ended) == (b"", 1)
    ours.close()


async def test_a_connection_that_the_line_fails_on_is_closed_and_counted() -> None:
    """It would be open, and nobody's, to the end of the process."""

    def fail() -> asyncio.Protocol:
        raise RuntimeError("the line can't")

    handed = HandedConnections(("127.0.0.1", 1))
    await handed.listen(fail, "", 0)
    ours, theirs = socket.socketpair()
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    handed.take(theirs)
    await _until_taken(handed)
    ours.setblocking(False)
    assert (ours.recv(1), handed.n_ended) == (b"", 1)
    ours.close()


async def test_a_connection_that_did_not_come_is_counted() -> None:
    """The system had no file descriptor for it; else it would be thought open for ever."""
    handed = HandedConnections(("127.0.0.1", 1))
    handed.miss()
    assert handed.n_ended == 1
