"""Which recordings go, and that nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from voxgate.recordings import CallSummary, list_calls
from voxgate.recordings.call_folders import folder_name
from voxgate.recordings.retention import calls_to_delete, delete_call

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)


def call(days: float, *, size: int = 100, changed_days: float | None = None) -> CallSummary:
    return CallSummary(
        folder=Path(f"{days}"),
        call_id=f"{days}",
        started_at=NOW - timedelta(days),
        changed_at=NOW - timedelta(days if changed_days is None else changed_days),
        size_bytes=size,
        has_audio=True,
        is_encrypted=False,
    )


CALLS = [call(0.5), call(3.0), call(1.0), call(2.0)]


def gone(
    calls: list[CallSummary],
    *,
    days: int | None = None,
    n_bytes: float | None = None,
    running: tuple[Path, ...] = (),
) -> list[str]:
    found = calls_to_delete(calls, NOW, retention_days=days, max_bytes=n_bytes, running=running)
    return [each.call_id for each in found]


def test_what_is_too_old_goes() -> None:
    """Oldest first; without a bound nothing does."""
    assert gone(CALLS, days=1) == ["3.0", "2.0"]
    assert gone(CALLS, days=7) == []
    assert gone(CALLS) == []


def test_what_is_too_much_goes_from_the_oldest_on() -> None:
    """No more than needed."""
    assert gone(CALLS, n_bytes=250) == ["3.0", "2.0"]
    assert gone(CALLS, n_bytes=400) == []
    assert gone(CALLS, days=2, n_bytes=250) == ["3.0", "2.0"]


def test_a_running_call_stays() -> None:
    """However long it takes, and though it alone is too much."""
    assert gone([call(40.0)], days=1, n_bytes=1, running=(Path("40.0"),)) == []
    assert gone([call(40.0, changed_days=0.001)], days=1, n_bytes=1) == []  # another process's


def place(root: Path, *names: str) -> CallSummary:
    folder = root / folder_name(NOW, "call")
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"x")
    (summary,) = list_calls(root)
    return summary


@pytest.mark.parametrize("suffix", ["", ".age"])
def test_a_recorded_call_is_deleted_whole(tmp_path: Path, suffix: str) -> None:
    """Its files and its folder, and nothing beside it."""
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    assert delete_call(place(tmp_path, f"trace.jsonl{suffix}", f"audio.wav{suffix}"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_nothing_of_a_folder_with_anything_else_is_deleted(tmp_path: Path) -> None:
    """It was put there after the folder was looked at."""
    summary = place(tmp_path, "trace.jsonl")
    (summary.folder / "notes.txt").write_text("mine", encoding="utf-8")
    assert not delete_call(summary)
    assert len(list(summary.folder.iterdir())) == 2


def test_a_call_that_is_gone_already_is_no_error(tmp_path: Path) -> None:
    """Somebody else deleted it."""
    summary = place(tmp_path, "trace.jsonl")
    assert delete_call(summary)
    assert not delete_call(summary)


def test_another_process_may_be_deleting_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several workers keep one folder: whoever comes second finds less and less of a call."""
    summary = place(tmp_path, "trace.jsonl")
    files = [*summary.folder.iterdir(), summary.folder / "stereo.wav"]
    with monkeypatch.context() as patched:
        patched.setattr(Path, "iterdir", lambda _: iter(files))
        assert delete_call(summary)
    assert not summary.folder.exists()

    def nothing(_: Path) -> object:
        raise FileNotFoundError

    summary = place(tmp_path, "trace.jsonl")
    monkeypatch.setattr(Path, "iterdir", nothing)
    assert not delete_call(summary)
