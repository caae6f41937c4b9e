"""A line for the logs, at most every 5 s: how much the guard kept from the provider since the last.

Invariant: silence is not counted, since nothing is lost with it.
"""

from __future__ import annotations

__all__ = ["GuardSummary"]

from .gate_decision import GateReason
from .gate_output import GateOutput
from .gate_transitions import GateEventType

_SUMMARY_MS = 5000
_REASONS = (GateReason.LINE_NOISE, GateReason.LINE_MUSIC, GateReason.QUIETER_VOICE)
"""Of as many frames each, the first is named."""


class GuardSummary:
    """Counts the noise and music that one call's guard keeps back, and what it turns down.

    Args:
        start_ms: When the call began.
    """

    __slots__ = ("_counts", "_due_ms")

    def __init__(self, start_ms: float) -> None:
        self._due_ms = start_ms + _SUMMARY_MS
        self._counts = dict.fromkeys(_REASONS, 0)

    def count(
        self,
        output: GateOutput,
        *,
        is_noise: bool = False,
        is_music: bool = False,
        is_quieter: bool = False,
    ) -> None:
        """Count one frame, and report if it is time and there is something to report.

        The reason of the report is what there was more of.
        """
        counts = self._counts
        counts[GateReason.LINE_NOISE] += is_noise
        counts[GateReason.LINE_MUSIC] += is_music
        counts[GateReason.QUIETER_VOICE] += is_quieter
        if output.now_ms < self._due_ms:
            return
        n_kept = sum(counts.values())
        if n_kept:
            reason = max(_REASONS, key=counts.__getitem__)
            output.report(GateEventType.GUARD_SUMMARY, reason, count=n_kept)
        self._due_ms = output.now_ms + _SUMMARY_MS
        self._counts = dict.fromkeys(_REASONS, 0)
