"""Tests of the threads of numpy's matrix products."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import numpy
from threadpoolctl import threadpool_info
from voxgate.cli.blas_threads import use_one_blas_thread
use_one_blas_thread()
numpy.ones((300, 300)) @ numpy.ones((300, 300))
print([pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"])
"""


def test_a_process_that_serves_calls_multiplies_on_one_thread() -> None:
    """Every BLAS that numpy has loaded is held to one thread, and stays so."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        env={"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"},
    )
    assert set(json.loads(done.stdout)) <= {1}  # empty where numpy has no BLAS that is known
