"""Old recordings are deleted, and what can't be is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from voxgate.observe import recording_keeper as module
from voxgate.observe.recording_keeper import RecordingKeeper
from voxgate.recordings import CallSummary
from voxgate.recordings.call_folders import folder_name

NOW = datetime(2100, 1, 1, tzinfo=UTC)


def place(root: Path, days: float, call_id: str = "call") -> Path:
    folder = root / folder_name(NOW - timedelta(days), call_id)
    folder.mkdir(parents=True)
    (folder / "trace.jsonl").write_bytes(b"x" * 1000)
    return folder


def keeper_of(root: Path, **fields: object) -> RecordingKeeper:
    given = {"retention_days": 30, "max_gb": None, "running": set, "wall_clock": lambda: NOW}
    return RecordingKeeper(root, **{**given, **fields})  # type: ignore[arg-type]


def test_what_is_old_is_deleted_and_told(tmp_path: Path) -> None:
    """One line in the log for all."""
    old = [place(tmp_path, 31), place(tmp_path, 40)]
    young = place(tmp_path, 29)
    keeper = keeper_of(tmp_path)
    with capture_logs() as logged:
        assert keeper.delete_old() == 2
        assert keeper.delete_old() == 0
    assert [folder.exists() for folder in (*old, young)] == [False, False, True]
    (told,) = logged
    assert (told["event"], told["recordings"], told["size_bytes"]) == ("recording.deleted", 2, 2000)
    assert keeper.deleted == 2


def test_what_is_too_much_is_deleted_but_no_running_call(tmp_path: Path) -> None:
    """The oldest first."""
    running, oldest, newest = place(tmp_path, 9), place(tmp_path, 8), place(tmp_path, 7)
    keeper = keeper_of(tmp_path, max_gb=2e-6, running=lambda: {running})
    assert keeper.delete_old() == 1
    assert [folder.exists() for folder in (running, oldest, newest)] == [True, False, True]


def test_what_can_not_be_deleted_is_told_once_a_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the others go all the same."""
    stuck = [place(tmp_path, 50), place(tmp_path, 60)]
    place(tmp_path, 40)
    real = module.delete_call

    def delete(call: CallSummary) -> bool:
        if call.folder in stuck:
            raise PermissionError(1, "Operation not permitted")
        return real(call)

    monkeypatch.setattr(module, "delete_call", delete)
    with capture_logs() as logged:
        assert keeper_of(tmp_path).delete_old() == 1
    told = {entry["event"]: entry for entry in logged}
    assert told["recording.not_deleted"]["recordings"] == 2
    assert told["recording.not_deleted"]["reason"] == "Operation not permitted"


def test_no_folder_is_nothing_to_do(tmp_path: Path) -> None:
    """Nothing was ever recorded."""
    with capture_logs() as logged:
        assert keeper_of(tmp_path / "nowhere").delete_old() == 0
    assert logged == []


def test_its_thread_deletes_at_the_start_and_ends_when_told(tmp_path: Path) -> None:
    """What goes wrong in a round is logged, and is the round's."""

    def running() -> set[Path]:
        asked.append(1)
        raise RuntimeError("a bug")

    asked: list[int] = []
    keeper = keeper_of(tmp_path, running=running)
    keeper.stop()  # before it was started: it has one round
    with capture_logs() as logged:
        keeper.start()
        keeper.stop()
    assert asked == [1]
    assert [entry["event"] for entry in logged] == ["recording.keeping_failed"]
