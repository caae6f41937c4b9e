"""What a provider's report of speech is about."""

from __future__ import annotations

import pytest

from voxgate.core.speech_report import (
    LATE_REPORT_MS,
    PREFIX_PADDING_MS,
    is_from_before_agent,
    is_stale,
)

CLOSED_MS = 10_000.0


@pytest.mark.parametrize(
    ("capture_ms", "expected"),
    [
        (None, False),
        (CLOSED_MS - PREFIX_PADDING_MS - 1, True),
        (CLOSED_MS - PREFIX_PADDING_MS, False),
        (CLOSED_MS + 20, False),
    ],
)
def test_speech_dated_well_before_the_agent_is_stale(capture_ms, expected) -> None:
    """A date that the provider's prefix explains is about the agent's turn; no date, too."""
    assert is_stale(capture_ms, CLOSED_MS) is expected


@pytest.mark.parametrize(
    ("capture_ms", "after_ms", "expected"),
    [
        (None, 100.0, False),
        (CLOSED_MS - PREFIX_PADDING_MS, 100.0, True),
        (CLOSED_MS - PREFIX_PADDING_MS + 1, 100.0, False),
        (CLOSED_MS - 2000, LATE_REPORT_MS, True),
        (CLOSED_MS - 2000, LATE_REPORT_MS + 1, False),
    ],
)
def test_a_report_soon_after_the_gate_closed_is_of_what_was_sent_before(
    capture_ms, after_ms, expected
) -> None:
    """It says so itself, prefix and all, and it does not come a second after the gate closed."""
    assert is_from_before_agent(capture_ms, CLOSED_MS, CLOSED_MS + after_ms) is expected
