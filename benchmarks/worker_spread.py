"""How evenly 60 calls land on the workers of one port, by three ways to share it.

``python benchmarks/worker_spread.py``: real connections on the loopback, processes of their own.
What is counted is connections, not time, so that a busy machine changes little.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import selectors
import socket
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

from voxgate.workers.crew import Crew

N_CALLS = 60
N_RUNS = 20
PACE_S = 0.002

Serve = Callable[[socket.socket, Connection], None]


def serve_with_asyncio(listener: socket.socket, parent: Connection) -> None:
    """Accept as an engine does, and say how many connections that were."""
    count = 0

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        await reader.read()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(take, sock=listener)
        parent.send("ready")
        await asyncio.to_thread(parent.recv)
        server.close()
        parent.send(count)
        os._exit(0)  # with everything that is open

    asyncio.run(run())


def serve_handed(channel: socket.socket, parent: Connection) -> None:
    """Take what is handed over, and say how many connections that were."""
    held = []
    parent.send("ready")
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ, "channel")
        selector.register(parent, selectors.EVENT_READ, "parent")
        while "parent" not in (named := {key.data for key, _ in selector.select()}):
            if "channel" in named:
                held += socket.recv_fds(channel, 1, 1)[1]
    parent.send(len(held))


def _connect(port: int) -> list[socket.socket]:
    calls = []
    for _ in range(N_CALLS):
        calls.append(socket.create_connection(("127.0.0.1", port)))
        time.sleep(PACE_S)
    time.sleep(0.2)
    return calls


def _counts(parents: list[Connection]) -> list[int]:
    for parent in parents:
        parent.send("end")
    return [int(parent.recv()) for parent in parents]


def _started(serve: Serve, sockets: list[socket.socket]) -> list[Connection]:
    context = multiprocessing.get_context("fork")
    parents = []
    for each in sockets:
        parent, child = context.Pipe()
        context.Process(target=serve, args=(each, child), daemon=True).start()
        parents.append(parent)
    for parent in parents:
        parent.recv()
    return parents


def _own_port_each(n_workers: int) -> list[socket.socket]:
    listeners: list[socket.socket] = []
    for _ in range(n_workers):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", listeners[0].getsockname()[1] if listeners else 0))
        listener.listen(128)
        listeners.append(listener)
    return listeners


def spread_by_reuseport(n_workers: int) -> list[int]:
    """Each worker listens; the kernel chooses by a hash of the addresses."""
    listeners = _own_port_each(n_workers)
    parents = _started(serve_with_asyncio, listeners)
    calls = _connect(listeners[0].getsockname()[1])
    counts = _counts(parents)
    for each in (*calls, *listeners):
        each.close()
    return counts


def spread_by_shared_socket(n_workers: int) -> list[int]:
    """All workers accept from one socket; who is awake first has it."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    parents = _started(serve_with_asyncio, [listener] * n_workers)
    calls = _connect(listener.getsockname()[1])
    counts = _counts(parents)
    for each in (*calls, listener):
        each.close()
    return counts


def spread_by_handing(n_workers: int) -> list[int]:
    """One process accepts, and hands each connection to the worker with the fewest."""
    crew = Crew(n_workers)
    for number in crew.to_start(0.0):
        crew.receive_started(number, 0.0)
        crew.receive_ready(number, 0.0)
    pairs = [socket.socketpair() for _ in range(n_workers)]
    parents = _started(serve_handed, [theirs for _, theirs in pairs])
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    calls = []
    for _ in range(N_CALLS):
        calls.append(socket.create_connection(listener.getsockname()))
        connection, _ = listener.accept()
        number = crew.takers(0.0)[0]
        crew.note_handed(number)
        with connection:
            socket.send_fds(pairs[number - 1][0], [b"\0"], [connection.fileno()])
        time.sleep(PACE_S)
    time.sleep(0.2)
    counts = _counts(parents)
    for each in (*calls, listener, *(each for pair in pairs for each in pair)):
        each.close()
    return counts


def lost_with_a_listener() -> int:
    """Return how many of 60 callers are cut off when one of two listeners closes.

    They have connected, and wait to be accepted, as where a worker is busy or just told to drain.
    """
    listeners = _own_port_each(2)
    address = listeners[0].getsockname()
    calls = [socket.create_connection(address) for _ in range(N_CALLS)]
    listeners[0].close()
    lost = 0
    for call in calls:
        call.settimeout(0.05)
        try:
            call.recv(1)
        except ConnectionError:
            lost += 1
        except TimeoutError:
            pass
        call.close()
    listeners[1].close()
    return lost


def main() -> None:
    """Print a line a way and number of workers."""
    ways = {
        "SO_REUSEPORT": spread_by_reuseport,
        "one shared socket": spread_by_shared_socket,
        "handed over": spread_by_handing,
    }
    print(f"{N_CALLS} calls, {N_RUNS} runs: calls of the busiest worker (even: N)")
    for n_workers in (2, 4, 8):
        even = N_CALLS / n_workers
        for name, way in ways.items():
            busiest = [max(way(n_workers)) for _ in range(N_RUNS)]
            mean = statistics.mean(busiest)
            print(
                f"{n_workers} workers, {name:18} mean {mean:4.1f} (+{mean / even - 1:4.0%}),"
                f" worst {max(busiest)} of even {even:g}"
            )
    lost = [lost_with_a_listener() for _ in range(N_RUNS)]
    print(f"SO_REUSEPORT, a listener closes: {statistics.mean(lost):.0f} of {N_CALLS} cut off")


if __name__ == "__main__":
    main()
