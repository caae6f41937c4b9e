"""Recordings are written in order, one call's trouble is its own, and what waits is bounded."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from support.recorded_calls import STARTED_AT, header_of, taped_call
from voxgate.observe.recording_thread import CallRecording, Entry, RecordingThread
from voxgate.recordings import RecordedEnd, list_calls, open_call
from voxgate.recordings.call_writer import CallWriter

END = RecordedEnd(reason="drained", duration_ms=1.0, provider="x")


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    told = taped_call()[:600]
    return [(CallWriter.receive_input, *each) for each in told]


def test_batches_become_a_recorded_call(tmp_path: Path, entries: list[Entry]) -> None:
    """Whole, once it was told the end; its WAV file says then how long it is."""
    thread = RecordingThread()
    recording = CallRecording(tmp_path, header_of())
    for at in range(0, 600, 50):
        assert thread.put(recording, entries[at : at + 50])
    assert thread.waiting == 12
    thread.put_last(recording, [(CallWriter.end, END)])
    thread.write_waiting()
    assert thread.waiting == 0
    call = open_call(recording.folder)
    assert call.is_complete
    assert [each.given for each in call.inputs()] == [entry[1] for entry in entries]
    audio = (recording.folder / "audio.wav").read_bytes()
    assert int.from_bytes(audio[40:44], "little") == len(audio) - 44


def test_its_own_thread_writes_as_well(tmp_path: Path, entries: list[Entry]) -> None:
    """And what is open when it stops is closed, without an end."""
    thread = RecordingThread()
    thread.stop()
    thread.start()
    whole = CallRecording(tmp_path, header_of(call_id="whole"))
    running = CallRecording(tmp_path, header_of(call_id="running"))
    for recording in (whole, running):
        assert thread.put(recording, entries)
    thread.put_last(whole, [(CallWriter.end, END)])
    thread.stop()
    thread.stop()
    complete = {call.call_id: open_call(call.folder).is_complete for call in list_calls(tmp_path)}
    assert complete == {"whole": True, "running": False}


def test_two_calls_of_one_id_are_two_recordings(tmp_path: Path, entries: list[Entry]) -> None:
    """The first may still be written when the second begins."""
    thread = RecordingThread()
    first = CallRecording(tmp_path, header_of())
    second = CallRecording(tmp_path, header_of(started_at=STARTED_AT + timedelta(seconds=1)))
    for recording in (first, second):
        thread.put(recording, entries)
    thread.put_last(first, [(CallWriter.end, END)])
    thread.write_waiting()
    thread.close_all()
    for recording in (first, second):
        audio = (recording.folder / "audio.wav").read_bytes()
        assert int.from_bytes(audio[40:44], "little") == len(audio) - 44


def test_too_much_that_waits_is_refused(tmp_path: Path, entries: list[Entry]) -> None:
    """But for the last of a call."""
    thread = RecordingThread(max_batches=2)
    recording = CallRecording(tmp_path, header_of())
    assert thread.put(recording, entries[:10])
    assert thread.put(recording, entries[10:20])
    assert not thread.put(recording, entries[20:30])
    thread.put_last(recording, [(CallWriter.cut, "queue_full"), (CallWriter.end, END)])
    thread.write_waiting()
    call = open_call(recording.folder)
    assert (call.is_complete, call.cut_reason) == (False, "queue_full")
    assert len(list(call.inputs())) == 20


def broken(writer: CallWriter, *given: Any) -> None:
    raise RuntimeError("a bug, with audio in it: b'abc'")


def test_a_recording_that_fails_fails_alone(tmp_path: Path, entries: list[Entry]) -> None:
    """It is told once, without what the error says; what was written stays."""
    thread = RecordingThread()
    bad = CallRecording(tmp_path, header_of(call_id="bad"))
    good = CallRecording(tmp_path, header_of(call_id="good"))
    with capture_logs() as logged:
        for recording in (bad, good):
            thread.put(recording, entries[:100])
        thread.put(bad, [(broken,)])
        thread.put(bad, entries[100:])
        thread.put(good, entries[100:])
        for recording in (bad, good):
            thread.put_last(recording, [(CallWriter.end, END)])
        thread.write_waiting()
    assert logged == [
        {
            "event": "recording.failed",
            "log_level": "warning",
            "call_id": "bad",
            "reason": "RuntimeError",
        }
    ]
    assert thread.failures == 1
    assert open_call(good.folder).is_complete
    beginning = open_call(bad.folder)
    assert not beginning.is_complete
    given = [each.given for each in beginning.inputs()]
    assert len(given) >= 95  # a side waits with what the other one does not have yet
    assert given == [entry[1] for entry in entries[: len(given)]]


def test_a_folder_that_can_not_be_made_is_told_in_the_system_s_words(
    tmp_path: Path, entries: list[Entry]
) -> None:
    """Once, however much follows."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    thread = RecordingThread()
    recording = CallRecording(tmp_path / "file" / "calls", header_of())
    with capture_logs() as logged:
        for _ in range(3):
            thread.put(recording, entries[:10])
        thread.put_last(recording, [(CallWriter.end, END)])
        thread.write_waiting()
    assert [entry["reason"] for entry in logged] == ["Not a directory"]
    assert recording.has_failed
