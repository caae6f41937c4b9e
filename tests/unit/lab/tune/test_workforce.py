"""Who does the work."""

from __future__ import annotations

import socket
from contextlib import nullcontext

import pytest

from support.fake_dask import FakeCluster
from voxgate.lab.dask_cluster import ClusterError
from voxgate.lab.tune.workforce import Workforce


def lost(item: int, reason: str) -> int:
    raise AssertionError((item, reason))


def test_processes_and_a_cluster_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the same order."""
    is_open = nullcontext()
    is_open.close = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setattr(socket, "create_connection", lambda *_: is_open)
    FakeCluster({"tcp://a:1": ...}).install(monkeypatch)
    items = [-3, 1, -2]
    here = list(Workforce(jobs=1).map(abs, items, lost=lost))
    there = list(Workforce(dask="tcp://s:8786").map(abs, items, lost=lost))
    assert here == there == [3, 1, 2]


def test_a_cluster_with_other_code_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its results would differ."""
    is_open = nullcontext()
    is_open.close = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setattr(socket, "create_connection", lambda *_: is_open)
    FakeCluster({"tcp://a:1": "voxgate 0"}).install(monkeypatch)
    with pytest.raises(ClusterError, match="results would differ"):
        list(Workforce(dask="tcp://s:8786").map(abs, [1], lost=lost))
