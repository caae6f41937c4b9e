"""Tests of the threads of numpy's matrix products."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import json
import numpy
from threadpoolctl import threadpool_info
from voxgate.blas_threads import one_blas_thread, use_one_blas_thread

def threads():
    numpy.ones((300, 300)) @ numpy.ones((300, 300))
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

before = threads()
with one_blas_thread():
    within = threads()
after = threads()
use_one_blas_thread()
print(json.dumps([before, within, after, threads()]))
"""


def threads_of_a_process() -> list[list[int]]:
    """Return the threads of each BLAS: at first, within the block, after it, and from then on."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        env={"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"},
    )
    told: list[list[int]] = json.loads(done.stdout)
    return told


def test_one_thread_multiplies_where_calls_are_served_or_replayed() -> None:
    """Every BLAS that numpy has loaded: for good where calls are served, else for a while."""
    before, within, after, for_good = threads_of_a_process()
    assert set(within) | set(for_good) <= {1}  # empty where numpy has no BLAS that is known
    assert after == before
