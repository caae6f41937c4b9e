"""What `import voxgate` gives, what it loads, and that it stays as it is."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import voxgate
from support.golden_trace import GoldenTrace, TraceMaker, golden_trace, run_call_alone
from support.public_api import API_FILE, describe_api

_SHOW_MODULES = """
import json, sys
before = set(sys.modules)
import voxgate
from voxgate.integrations import asterisk_agents
new = set(sys.modules) - before
print(json.dumps(sorted(new)))
"""
_ALLOWED = {"annotated_types", "numpy", "typing_extensions", "voxgate", "webrtcvad", "_webrtcvad"}
"""What the core is made of; typing_extensions only where something of it is installed."""
_OF_SERVERS = {"asyncio", "http", "logging", "multiprocessing", "socketserver", "ssl"}
"""Parts of the standard library that a gate has no need of; the packages above load ``socket``."""


def _loaded() -> set[str]:
    answer = subprocess.run(
        [sys.executable, "-c", _SHOW_MODULES], check=True, capture_output=True, text=True
    )
    return {name for name in json.loads(answer.stdout) if not name.startswith("_distutils")}


def test_nothing_of_servers_is_loaded() -> None:
    """Neither their packages, nor the engine, nor what of the standard library talks to others."""
    roots = {name.partition(".")[0] for name in _loaded()}
    foreign = roots - set(sys.stdlib_module_names) - _ALLOWED
    assert {name for name in foreign if "cython" not in name.lower()} == set()
    assert roots & _OF_SERVERS == set()


def test_of_voxgate_only_the_core_is_loaded() -> None:
    """And what the drop-in is made of."""
    parts = {name.split(".")[1] for name in _loaded() if name.startswith("voxgate.")}
    assert parts == {"clock", "core", "errors", "integrations"}


def test_the_public_names_are_as_recorded() -> None:
    """A name, an argument or a default changes on purpose only: see docs/stability.md."""
    assert describe_api() == API_FILE.read_text(encoding="utf-8"), (
        "the public names have changed; if that is meant, run "
        "`python tests/golden/record_public_api.py` and say so in CHANGELOG.md"
    )


def test_the_package_says_that_it_is_typed() -> None:
    """Type checkers of others look for the mark."""
    assert (Path(voxgate.__path__[0]) / "py.typed").is_file()


@pytest.mark.parametrize("n_threads", [3])
def test_managers_share_nothing_that_threads_could_spoil(n_threads: int) -> None:
    """A manager a thread, all at once: each decides as if it were alone."""
    traces: list[GoldenTrace] = []
    threads = [
        threading.Thread(target=lambda: traces.append(run_call_alone(TraceMaker(), n_slots=700)))
        for _ in range(n_threads)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = run_call_alone(TraceMaker(), n_slots=700)
    assert traces == [alone] * n_threads
    assert [trace.sent for trace in traces] == [alone.sent] * n_threads
    assert alone.events == golden_trace().events[: len(alone.events)]
