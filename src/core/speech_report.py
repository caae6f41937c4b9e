"""What a provider's word that the caller speaks is about: what it hears now, or older audio.

Providers report late, and date the start of speech back. Invariant: without a date a report is
about now.
"""

from __future__ import annotations

__all__ = ["LATE_REPORT_MS", "PREFIX_PADDING_MS", "is_from_before_agent", "is_stale"]

LATE_REPORT_MS = 1000
"""A provider reports speech that it was sent before the gate closed so long after, at most."""
PREFIX_PADDING_MS = 500
"""Providers date the start of speech back by a prefix, 300 ms by default at OpenAI."""


def is_stale(capture_ms: float | None, closed_ms: float) -> bool:
    """Say whether a report on an open barge-in is about what was said before the agent began.

    Args:
        capture_ms: When the speech that is reported began; None where the provider does not say.
        closed_ms: When the gate was closed last.
    """
    return capture_ms is not None and capture_ms < closed_ms - PREFIX_PADDING_MS


def is_from_before_agent(capture_ms: float | None, closed_ms: float, now_ms: float) -> bool:
    """Say whether a report that comes while the gate is closed is late: of speech sent before.

    Args:
        capture_ms: When the speech that is reported began; None where the provider does not say.
        closed_ms: When the gate was closed last.
        now_ms: When the report came.
    """
    return (
        capture_ms is not None
        and now_ms - closed_ms <= LATE_REPORT_MS
        and capture_ms + PREFIX_PADDING_MS <= closed_ms
    )
