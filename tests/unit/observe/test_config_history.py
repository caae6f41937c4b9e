"""Changes are remembered, newest first."""

from __future__ import annotations

from datetime import UTC, datetime

from voxgate.observe.config_history import ConfigChange


def test_a_change_says_who_and_when() -> None:
    """All that a reader asks for."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    change = ConfigChange(id="1", at=at, who="desk", keys=(), is_saved=True)
    assert (change.at, change.undoes) == (at, None)
