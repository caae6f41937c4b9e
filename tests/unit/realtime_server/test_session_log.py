"""The log of a session: what the turn detector saw, bounded."""

from __future__ import annotations

from voxgate.realtime_server.session_log import LogEntry, SessionLog


def test_entries_read_as_tuples() -> None:
    """``(audio_ms, event, ...)`` for tests that compare."""
    record = SessionLog("s1", "gpt-realtime")
    record.add(LogEntry(120.0, "speech_started", 0.0))
    record.add(LogEntry(900.0, "error", detail="invalid_json"))
    assert record.log[0][:2] == (120.0, "speech_started")
    assert record.events("error") == (LogEntry(900.0, "error", None, "invalid_json"),)
    assert list(record) == list(record.log)


def test_a_session_is_open_until_it_has_a_reason() -> None:
    """The shell writes why it ended."""
    record = SessionLog("s1", "gpt-realtime")
    assert record.is_open
    record.close_reason = "1000"
    assert not record.is_open


def test_the_log_is_bounded() -> None:
    """A session that goes on for ever keeps its newest entries."""
    record = SessionLog("s1", "gpt-realtime")
    for n in range(10_500):
        record.add(LogEntry(float(n), "error"))
    assert len(record.log) == 10_000
    assert record.log[0].audio_ms == 500.0


def test_audio_is_kept_only_when_asked_for() -> None:
    """By default what callers say leaves no trace."""
    silent, keeping = SessionLog("s1", "m"), SessionLog("s1", "m", keeps_audio=True)
    for record in (silent, keeping):
        record.add_audio(b"ab")
        record.add_audio(b"c")
    assert (silent.input_audio, keeping.input_audio) == (b"", b"abc")


def test_the_audio_kept_is_bounded() -> None:
    """What does not fit is not kept; what was kept stays."""
    record = SessionLog("s1", "m", keeps_audio=True)
    record.add_audio(b"x" * 60 * 2**20)
    record.add_audio(b"y" * 5 * 2**20)
    assert len(record.input_audio) == 60 * 2**20
