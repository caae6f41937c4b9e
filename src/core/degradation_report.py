"""Tells of each detector and network that a call has lost, once.

Invariant: as many events as losses, however many happen between two frames.
"""

from __future__ import annotations

__all__ = ["DegradationReport"]

from .call_stats import CallStats
from .config import GatingMode
from .gate_decision import GateReason
from .gate_output import GateOutput
from .gate_transitions import GateEventType

_GUARD = "audio_guard"
"""Names the loss of a network of the guard; the mode stays as it was."""


class DegradationReport:
    """What was told of one call's losses.

    Args:
        stats: The call's counters.
    """

    __slots__ = ("_detectors", "_networks", "_stats")

    def __init__(self, stats: CallStats) -> None:
        self._stats = stats
        self._detectors = 0
        self._networks = 0

    def follow_detectors(
        self, n_lost: int, mode: GatingMode, output: GateOutput, *, agent_audible: bool
    ) -> None:
        """Tell of detectors lost since the last time.

        Args:
            n_lost: Lost so far.
            mode: The mode that is left.
            output: Where events go.
            agent_audible: Whether the agent, or its echo, was.
        """
        while self._detectors < n_lost:
            self._detectors += 1
            self._tell(mode, output, agent_audible=agent_audible)

    def follow_networks(self, n_lost: int, output: GateOutput, *, agent_audible: bool) -> None:
        """Tell of networks of the guard lost since the last time; as above."""
        while self._networks < n_lost:
            self._networks += 1
            self._tell(_GUARD, output, agent_audible=agent_audible)

    def _tell(self, detail: str, output: GateOutput, *, agent_audible: bool) -> None:
        self._stats.degradations += 1
        reason = GateReason.AGENT_AUDIBLE if agent_audible else GateReason.AGENT_SILENT
        output.report(GateEventType.DETECTOR_DEGRADED, reason, detail=detail)
