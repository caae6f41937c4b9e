"""A Dask scheduler with workers on the loopback, in processes of its own."""

from __future__ import annotations

__all__ = ["DaskPeer", "dask_peer", "main"]

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DaskPeer:
    """A scheduler that runs."""

    address: str
    worker_pids: tuple[int, ...]

    def kill_worker(self) -> None:
        """Kill one worker, as a machine does that runs out of memory."""
        os.kill(self.worker_pids[0], signal.SIGKILL)


@contextmanager
def dask_peer(folder: Path, workers: int = 2) -> Iterator[DaskPeer]:
    """Start a scheduler and its workers, whose working directory is ``folder``."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(workers)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        started = json.loads(process.stdout.readline())
        yield DaskPeer(started["address"], tuple(started["pids"]))
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


def main(workers: int) -> None:
    """Be the scheduler and the parent of its workers, until stdin is closed."""
    from distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=50,
    )
    with cluster, Client(cluster) as client:
        pids = list(client.run(os.getpid).values())
        json.dump({"address": cluster.scheduler_address, "pids": pids}, sys.stdout)
        sys.stdout.write("\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
