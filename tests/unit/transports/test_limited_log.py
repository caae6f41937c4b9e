"""How often a warning is written that strangers cause."""

from __future__ import annotations

import structlog
from structlog.testing import capture_logs

from voxgate.transports.limited_log import LimitedLog


def test_an_event_has_a_line_a_minute_and_no_other_keeps_it_back():
    """The first is written at once; the next line says how many were not."""
    now_ms = 1000.0
    limited = LimitedLog(structlog.get_logger(), lambda: now_ms)
    with capture_logs() as logs:
        for _ in range(3):
            limited.warning("line.page_refused", peer="a")
        limited.warning("line.form_refused", peer="b", reason="no form")
        now_ms = 60_999.0
        limited.warning("line.page_refused", peer="c")
        now_ms = 61_000.0
        limited.warning("line.page_refused", peer="d")
        now_ms = 200_000.0
        limited.warning("line.page_refused", peer="e")
    assert [(log["event"], log["peer"], log["suppressed"]) for log in logs] == [
        ("line.page_refused", "a", 0),
        ("line.form_refused", "b", 0),
        ("line.page_refused", "d", 3),
        ("line.page_refused", "e", 0),
    ]
    assert logs[1] == {
        "event": "line.form_refused",
        "log_level": "warning",
        "peer": "b",
        "reason": "no form",
        "suppressed": 0,
    }
