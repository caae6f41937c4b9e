"""Tests inside the real Pipecat, for environments of their own: `make test-frameworks`."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

# The ordinary environment has no Pipecat: `make test` leaves this folder alone.
collect_ignore_glob = [] if find_spec("pipecat") else ["*"]

if find_spec("pipecat"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_module("pipecat.audio.utils")

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[2]


def pytest_configure(config: pytest.Config) -> None:
    """Make the benchmarks importable: a call's other side is there."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the framework warn of itself: one test runs on its oldest and on its newest version."""
    for item in items:
        if FOLDER in item.path.parents:
            for kind in ("DeprecationWarning", "PendingDeprecationWarning", "ResourceWarning"):
                item.add_marker(pytest.mark.filterwarnings(f"ignore::{kind}"))
