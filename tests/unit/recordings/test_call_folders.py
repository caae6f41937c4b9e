"""Names of folders, and which of them hold a recorded call."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.recorded_calls import STARTED_AT
from voxgate.recordings import list_calls
from voxgate.recordings.call_folders import folder_name, parse_folder_name, summary_of

MOMENT = datetime(2026, 11, 22, 13, 52, 0, 123_456, UTC)


def place(root: Path, *names: str, at: datetime = MOMENT, call_id: str = "call") -> Path:
    folder = root / folder_name(at, call_id)
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(b"12345")
    return folder


def test_a_folder_is_named_by_time_and_call() -> None:
    """UTC, so that names sort by time."""
    assert folder_name(MOMENT, "5f0a-b") == "20261122T135200.123Z-5f0a-b"
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=5)))
    assert folder_name(elsewhere, "x") == "20261122T135200.123Z-x"


@given(st.text(max_size=300))
def test_any_id_makes_a_name_that_is_read_back(call_id: str) -> None:
    """One that is a single name on any file system."""
    name = folder_name(STARTED_AT, call_id)
    parsed = parse_folder_name(name)
    assert parsed is not None
    assert parsed[0] == STARTED_AT
    assert Path(name).name == name
    assert len(name.encode()) <= 255


@given(st.text(max_size=40))
def test_other_names_are_none_of_a_call(name: str) -> None:
    """No error, whatever it is."""
    parsed = parse_folder_name(name)
    assert parsed is None or folder_name(*parsed) == name


@pytest.mark.parametrize("name", ["20261399T135200.123Z-a", "notes", "20261122T135200.123Z-", "."])
def test_a_name_that_only_looks_like_one(name: str) -> None:
    """A month 13, another name, no id."""
    assert parse_folder_name(name) is None


def test_what_a_folder_shows_of_a_call(tmp_path: Path) -> None:
    """Without being opened."""
    folder = place(tmp_path, "trace.jsonl", "audio.wav")
    os.utime(folder / "trace.jsonl", (1000, 1000))
    os.utime(folder / "audio.wav", (2000, 2000))
    summary = summary_of(folder)
    assert summary is not None
    assert (summary.call_id, summary.size_bytes) == ("call", 10)
    assert (summary.has_audio, summary.is_encrypted) == (True, False)
    assert summary.changed_at == datetime.fromtimestamp(2000, UTC)
    sealed = summary_of(place(tmp_path, "trace.jsonl.age", call_id="sealed"))
    assert sealed is not None
    assert (sealed.has_audio, sealed.is_encrypted) == (False, True)


@pytest.mark.parametrize("names", [(), ("audio.wav",), ("trace.jsonl", "notes.txt")])
def test_a_folder_with_anything_else_is_none(tmp_path: Path, names: tuple[str, ...]) -> None:
    """Somebody else's, empty, or with something of somebody's in it."""
    assert summary_of(place(tmp_path, *names)) is None
    assert list_calls(tmp_path) == ()


def test_links_are_no_recordings(tmp_path: Path) -> None:
    """They could lead anywhere: neither a folder that is one, nor a file in it."""
    real = place(tmp_path / "real", "trace.jsonl")
    (tmp_path / real.name).symlink_to(real)
    assert summary_of(tmp_path / real.name) is None
    (real / "audio.wav").symlink_to(tmp_path)
    assert summary_of(real) is None


def test_calls_are_listed_newest_first(tmp_path: Path) -> None:
    """And nothing that is none."""
    for hours, call_id in ((1, "b"), (3, "c"), (0, "a")):
        place(tmp_path, "trace.jsonl", at=MOMENT + timedelta(hours=hours), call_id=call_id)
    (tmp_path / "readme.txt").write_text("mine", encoding="utf-8")
    assert [call.call_id for call in list_calls(tmp_path)] == ["c", "b", "a"]


def test_no_folder_has_no_calls(tmp_path: Path) -> None:
    """Nothing was recorded yet."""
    assert list_calls(tmp_path / "nowhere") == ()
