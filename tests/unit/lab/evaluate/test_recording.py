"""A row's audio, fitted to the capture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from support.recordings import manifest_row, write_wav
from support.signals import silence, tone
from voxgate.lab.evaluate.manifest import RowProblem
from voxgate.lab.evaluate.recording import Recording, load_recording


def load(path: Path, far_end: Path | None = None, **row: object) -> Recording:
    recording = load_recording(manifest_row(path, far_end, **row))  # type: ignore[arg-type]
    assert isinstance(recording, Recording)
    return recording


def problem(path: Path, far_end: Path | None = None) -> RowProblem:
    found = load_recording(manifest_row(path, far_end))
    assert isinstance(found, RowProblem)
    return found


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    return tmp_path / "a.wav"


def test_a_file_that_cannot_be_read_is_a_problem_of_its_field(tmp_path: Path, wav: Path) -> None:
    """Which file, and why."""
    absent = problem(tmp_path / "absent.wav")
    assert str(absent) == f"1: capture: file not found: {tmp_path / 'absent.wav'}"
    assert absent.row_id == "one"
    write_wav(wav, silence(100))
    assert problem(wav, tmp_path / "no.wav").field == "far_end"
    assert "directory" in problem(tmp_path).message
    empty = write_wav(tmp_path / "b.wav", silence(0))
    assert str(problem(wav, empty)) == f"1: far_end: {empty}: holds no audio"


def test_a_short_far_end_goes_on_as_silence(tmp_path: Path, wav: Path) -> None:
    """One slot for each frame of the capture, and it is said."""
    far_end = write_wav(tmp_path / "far.wav", tone(90, 400.0))
    recording = load(write_wav(wav, silence(200)), far_end)
    assert recording.far_end is not None
    assert len(recording.far_end) == len(recording.capture) == 10
    played = b"".join(recording.far_end)
    assert played[: 2 * 720] == tone(90, 400.0).tobytes()
    assert not any(played[2 * 720 :])
    assert [str(note) for note in recording.notes] == [
        "1: far_end: is 110 ms shorter than the capture: silence is taken for the rest"
    ]


def test_what_a_far_end_has_over_is_left_out(tmp_path: Path, wav: Path) -> None:
    """The capture is the clock; what was sent after it belongs to nothing."""
    far_end = write_wav(tmp_path / "far.wav", tone(1000, 400.0))
    recording = load(write_wav(wav, silence(210)), far_end)
    assert recording.far_end is not None
    assert len(recording.far_end) == len(recording.capture) == 11
    assert recording.duration_ms == 210
    assert recording.agent_speaking == ((0, 210),)
    assert [note.message for note in recording.notes] == [
        "is 790 ms longer than the capture: the rest is left out"
    ]


def test_less_than_a_slot_is_not_worth_a_word(tmp_path: Path, wav: Path) -> None:
    """Recorders round."""
    far_end = write_wav(tmp_path / "far.wav", silence(211))
    assert load(write_wav(wav, silence(200)), far_end).notes == ()


def test_the_far_end_may_have_a_rate_of_its_own(tmp_path: Path, wav: Path) -> None:
    """Slots are time, not samples."""
    far_end = write_wav(tmp_path / "far.wav", tone(200, 400.0, rate_hz=16_000), rate_hz=16_000)
    recording = load(write_wav(wav, silence(200)), far_end)
    assert recording.far_end is not None
    assert [len(frame) for frame in recording.far_end] == [640] * 10
    assert (recording.capture_format.rate_hz, recording.far_end_format.rate_hz) == (8000, 16_000)


def test_what_the_row_says_of_the_agent_counts(tmp_path: Path, wav: Path) -> None:
    """Above all that the far end would tell; cut off where the capture ends, which is said."""
    far_end = write_wav(tmp_path / "far.wav", tone(1000, 400.0))
    recording = load(
        write_wav(wav, silence(1000)),
        far_end,
        agent_speaking=((200, 400), (900, 5000)),
        caller_speech=((950, 1010),),
    )
    assert recording.agent_speaking == ((200, 400), (900, 1000))
    assert recording.caller_speech == ((950, 1000),)
    assert [str(note) for note in recording.notes] == [
        "1: agent_speaking: goes on to 5000 ms, but the capture ends at 1000 ms"
    ]


def test_the_agent_is_derived_from_the_far_end(tmp_path: Path, wav: Path) -> None:
    """And without a far end there is none."""
    sound = np.concatenate([silence(300), tone(400, 400.0), silence(300)])
    far_end = write_wav(tmp_path / "far.wav", sound)
    write_wav(wav, silence(1000))
    assert load(wav, far_end).agent_speaking == ((300, 700),)
    alone = load(wav)
    assert alone.agent_speaking == ()
    assert alone.far_end is None


def test_a_slot_with_any_agent_audio_is_an_agent_slot(wav: Path) -> None:
    """As a frame of playout is that holds the end of an answer."""
    recording = load(write_wav(wav, silence(200)), agent_speaking=((30, 61), (180, 200)))
    assert [slot for slot, is_agent in enumerate(recording.agent_slots) if is_agent] == [1, 2, 3, 9]
