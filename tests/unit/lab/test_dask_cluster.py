"""One function over many items, on the workers of a scheduler."""

from __future__ import annotations

import logging
import socket
import sys
from contextlib import nullcontext
from typing import Any

import pytest

from support.fake_dask import FakeCancelledError, FakeCluster, FakeKilledWorkerError
from voxgate.lab import dask_cluster
from voxgate.lab.dask_cluster import ClusterError, code_fingerprint, map_on_cluster

ADDRESS = "tcp://10.0.0.5:8786"


@pytest.fixture(autouse=True)
def _no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The port is open."""
    is_open = nullcontext()
    is_open.close = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setattr(socket, "create_connection", lambda *_: is_open)
    monkeypatch.setattr(dask_cluster, "_WORKER_TIMEOUT_S", 0.0)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """Two workers with the code that we have."""
    fake = FakeCluster({"tcp://a:1": ..., "tcp://b:1": ...})
    fake.install(monkeypatch)
    return fake


def mapped(function: Any, items: list[Any], **options: Any) -> list[Any]:
    lost = lambda item, why: f"{item} is lost: {why}"  # noqa: E731
    return list(map_on_cluster(function, items, address=ADDRESS, lost=lost, **options))


def test_results_come_in_the_order_of_the_items(cluster: FakeCluster) -> None:
    """And nothing is left on the cluster."""
    assert mapped(abs, [-3, 1, -2]) == [3, 1, 2]
    assert all(future.is_released for future in cluster.futures)
    assert cluster.is_closed


def test_what_all_calls_share_is_sent_once(cluster: FakeCluster) -> None:
    """It may be large."""
    assert mapped(lambda item, bank: item + bank, [1, 2], shared={"bank": 10}) == [11, 12]
    assert cluster.scattered == [10]


@pytest.mark.parametrize("error", [None, OSError("refused")])
def test_dask_logs_nothing_meanwhile_and_again_afterwards(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, error: BaseException | None
) -> None:
    """Also if there is no scheduler: its loggers are the whole process's."""
    logger = logging.getLogger("distributed.worker_of_a_test")
    monkeypatch.setattr(logger, "level", logging.INFO)
    cluster.identity_error = error
    heard = []
    with nullcontext() if error is None else pytest.raises(ClusterError):
        mapped(lambda _: heard.append(logger.isEnabledFor(logging.CRITICAL)), [1])
    assert heard == ([False] if error is None else [])
    assert logger.level == logging.INFO


def test_without_items_nobody_is_asked() -> None:
    """Not even for a scheduler."""
    assert mapped(abs, []) == []


def test_an_item_that_workers_die_of_costs_no_other(cluster: FakeCluster) -> None:
    """It is said to be lost, in its place."""

    def kill(item: int) -> int:
        if item == 2:
            raise FakeKilledWorkerError
        return item

    lost = "2 is lost: 4 workers died of it, one after the other"
    assert mapped(kill, [1, 2, 3]) == [1, lost, 3]


def test_an_error_of_the_function_is_the_callers(cluster: FakeCluster) -> None:
    """As it is where processes work."""
    with pytest.raises(ZeroDivisionError):
        mapped(lambda item: 1 // item, [0])
    assert cluster.is_closed


def test_a_scheduler_that_goes_away_is_said(cluster: FakeCluster) -> None:
    """By its address."""

    def cancelled(_: int) -> int:
        raise FakeCancelledError

    with pytest.raises(ClusterError, match=f"the scheduler at {ADDRESS} was lost"):
        mapped(cancelled, [1])


@pytest.mark.parametrize(
    ("workers", "message"),
    [
        ({}, f"the scheduler at {ADDRESS} has no workers"),
        ({"tcp://a:1": ..., "tcp://b:1": "voxgate 9"}, "worker tcp://b:1 has voxgate 9, this is "),
        (
            {"tcp://a:1": ModuleNotFoundError("No module named 'voxgate'")},
            "voxgate is not installed on worker tcp://a:1: No module",
        ),
    ],
)
def test_workers_that_would_not_do_the_same_are_refused(
    monkeypatch: pytest.MonkeyPatch, workers: dict[str, Any], message: str
) -> None:
    """Before anything is run."""
    FakeCluster(workers).install(monkeypatch)
    with pytest.raises(ClusterError) as caught:
        mapped(abs, [1])
    assert message in str(caught.value)


def test_workers_that_all_go_away_are_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There is nobody left to work on what is waiting."""
    FakeCluster({"tcp://a:1": ...}, is_stuck=True).install(monkeypatch)
    with pytest.raises(ClusterError, match="has no workers any more"):
        mapped(abs, [1])


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (TimeoutError(), "no scheduler answers at tcp://10.0.0.5:8786: nothing within 5 s"),
        (OSError("refused"), "no scheduler answers at tcp://10.0.0.5:8786: refused"),
        (MemoryError(), "what answers at tcp://10.0.0.5:8786 is no Dask scheduler"),
    ],
)
def test_a_scheduler_that_does_not_answer_is_named(
    cluster: FakeCluster, error: BaseException, message: str
) -> None:
    """A peer of another kind takes the connection, and says nothing or something odd."""
    cluster.identity_error = error
    with pytest.raises(ClusterError) as caught:
        mapped(abs, [1])
    assert str(caught.value) == f"--dask: {message}"


def test_a_missing_package_is_left_to_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which knows the extra that brings it."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        mapped(abs, [1])
    assert caught.value.name == "distributed"


def test_a_fingerprint_tells_code_from_other_code(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version, the sources and the weights count, wherever they lie."""
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "gate.py").write_text("OPEN = 1\n")
    (tmp_path / "notes.txt").write_text("no code")
    monkeypatch.setattr(dask_cluster, "files", lambda _: tmp_path)
    fingerprint = code_fingerprint.__wrapped__
    first = fingerprint()
    assert first.startswith("voxgate ")
    (tmp_path / "notes.txt").write_text("no code either")
    assert fingerprint() == first
    (tmp_path / "core" / "gate.py").write_text("OPEN = 2\n")
    assert fingerprint() != first
