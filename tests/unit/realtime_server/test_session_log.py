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
