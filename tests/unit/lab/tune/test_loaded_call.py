"""Calls, read."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.recorded_calls import make_recorded_call
from support.recordings import write_wav
from support.signals import silence, speech_like
from support.tuned_calls import row_source
from voxgate.lab.evaluate.intervals import total_ms
from voxgate.lab.tune import loaded_call
from voxgate.lab.tune.call_sources import CallProblem, RecordedCallFolder
from voxgate.lab.tune.loaded_call import LoadedCall, load_call


def test_a_row_is_read_as_evaluate_reads_it(tmp_path: Path) -> None:
    """With its provider and tags."""
    call = load_call(row_source(capture=write_wav(tmp_path / "a.wav", silence(100))))
    assert isinstance(call, LoadedCall)
    assert (call.provider, call.is_labelled) == ("openai_realtime", True)
    assert call.recording.duration_ms == 100.0


def test_a_file_that_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    """With the call and the field."""
    missing = load_call(row_source(capture=tmp_path / "gone.wav"))
    assert isinstance(missing, CallProblem)
    assert str(missing).startswith("m.jsonl:1: one: capture: file not found")
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    damaged = load_call(row_source(capture=tmp_path / "bad.wav"))
    assert isinstance(damaged, CallProblem)
    assert "bad.wav" in damaged.message


def test_a_recorded_call_is_a_recording_without_labels(tmp_path: Path) -> None:
    """Both tracks as long as each other, agent turns from what the gate was told was played."""
    folder = make_recorded_call(tmp_path)
    call = load_call(RecordedCallFolder(folder))
    assert isinstance(call, LoadedCall), call
    recording = call.recording
    assert not call.is_labelled
    assert call.provider == "openai_realtime"
    assert recording.far_end is not None
    assert len(recording.capture) == len(recording.far_end) > 1000
    assert 0.0 < total_ms(recording.agent_speaking) < recording.duration_ms
    for start_ms, end_ms in recording.agent_speaking:
        first, after = int(start_ms // 20) + 1, int(end_ms // 20) - 1
        assert any(frame.strip(b"\0") for frame in recording.far_end[first:after])


def test_a_recorded_call_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """It is damaged, or there is none."""
    folder = make_recorded_call(tmp_path)
    (folder / "trace.jsonl").write_bytes(b"\x00\x01garbage\n")
    problem = load_call(RecordedCallFolder(folder))
    assert isinstance(problem, CallProblem)
    assert problem.name == folder.name
    gone = load_call(RecordedCallFolder(tmp_path / "gone"))
    assert isinstance(gone, CallProblem)


@pytest.mark.parametrize("error", [ModuleNotFoundError("pyrage"), RuntimeError("odd")])
def test_whatever_is_wrong_with_a_call_is_a_problem_of_it(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The others are read."""

    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(loaded_call, "open_call", fail)
    problem = load_call(RecordedCallFolder(Path("/calls/one")))
    assert isinstance(problem, CallProblem)
    assert f"{error}" in problem.message


def test_an_empty_recording_is_a_problem(tmp_path: Path) -> None:
    """There is nothing to listen to."""
    folder = make_recorded_call(tmp_path, has_audio=False)
    problem = load_call(RecordedCallFolder(folder))
    assert isinstance(problem, CallProblem)
    assert "no audio" in problem.message


def test_notes_of_a_row_are_kept(tmp_path: Path) -> None:
    """A far end that is too short."""
    source = row_source(capture=write_wav(tmp_path / "a.wav", speech_like(400)))
    far_end = write_wav(tmp_path / "b.wav", silence(100))
    object.__setattr__(source.row, "far_end", far_end)
    call = load_call(source)
    assert isinstance(call, LoadedCall)
    assert any("300 ms shorter" in note for note in call.notes)
