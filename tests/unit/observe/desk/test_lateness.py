"""How late the event loop is, in words."""

from __future__ import annotations

from voxgate.observe.desk.lateness import Lateness


def test_nothing_is_said_before_something_was_measured() -> None:
    """And nothing is wrong either."""
    lateness = Lateness()
    assert lateness.is_fine
    assert lateness.text == "Nothing was measured yet."


def test_the_last_minute_counts() -> None:
    """A single late look is told and is no alarm; as a rule late is one."""
    lateness = Lateness()
    for late_ms in (500.0, *[1.0] * 20):
        lateness.receive(late_ms)
    assert lateness.is_fine
    assert lateness.text == "1.0 ms late at the median, 500.0 ms at worst in the last minute."
    for _ in range(60):
        lateness.receive(25.0)
    assert not lateness.is_fine
    assert "25.0 ms at worst" in lateness.text
