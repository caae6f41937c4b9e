"""A line for the logs, at most every 5 s: how much the guard kept from the provider since the last.

Invariant: silence is not counted, since nothing is lost with it.
"""

from __future__ import annotations

__all__ = ["GuardSummary"]

from .gate_decision import GateReason
from .gate_output import GateOutput
from .gate_transitions import GateEventType

_SUMMARY_MS = 5000


class GuardSummary:
    """Counts the noise and music that one call's guard keeps back.

    Args:
        start_ms: When the call began.
    """

    __slots__ = ("_due_ms", "_n_music", "_n_noise")

    def __init__(self, start_ms: float) -> None:
        self._due_ms = start_ms + _SUMMARY_MS
        self._n_noise = 0
        self._n_music = 0

    def count(self, output: GateOutput, *, is_noise: bool, is_music: bool) -> None:
        """Count one frame, and report if it is time and there is something to report.

        The reason of the report is what there was more of.
        """
        self._n_noise += is_noise
        self._n_music += is_music
        if output.now_ms < self._due_ms:
            return
        n_kept = self._n_noise + self._n_music
        if n_kept:
            is_mostly_music = self._n_music > self._n_noise
            reason = GateReason.LINE_MUSIC if is_mostly_music else GateReason.LINE_NOISE
            output.report(GateEventType.GUARD_SUMMARY, reason, count=n_kept)
        self._due_ms = output.now_ms + _SUMMARY_MS
        self._n_noise = self._n_music = 0
