"""Small gaps in the stream that a call's provider hears, filled so that its time goes on evenly.

Only where the audio guard is off: a filled gap is sound that the line did not have. Invariant: what
was let out before a gap, and nothing else, is what its filling goes on from.
"""

from __future__ import annotations

__all__ = ["GapRecovery"]

from collections.abc import Sequence

from .audio import AudioFormat
from .call_stats import CallStats
from .gap_concealment import GapConcealment
from .gate_decision import GateAction
from .gate_output import GateOutput, Outlet
from .line_clock import LineClock


class GapRecovery:
    """Fills the gaps of one call.

    Args:
        outlet: Where the call's frames leave.
        stats: The call's counters.
        audio_format: Format of the call's capture.
    """

    __slots__ = ("_concealment", "_outlet", "_stats")

    def __init__(self, outlet: Outlet, stats: CallStats, audio_format: AudioFormat) -> None:
        self._concealment = GapConcealment(audio_format)
        self._outlet = outlet
        self._stats = stats

    def recover(
        self, line: LineClock, arrived: Sequence[bytes], output: GateOutput, *, is_open: bool
    ) -> None:
        """Let out what stands in for the frames that are missing before those that arrive now.

        Args:
            line: Tells how many are missing; not yet told of the frames.
            arrived: 20 ms each.
            output: Where it goes.
            is_open: Whether what the caller says goes out; else silence stands in.
        """
        missing = line.slots_to_recover(output.now_ms, len(arrived))
        if missing and is_open and self._concealment.is_ready:
            after = arrived[0] if arrived else None
            self._stats.gap_recovery_frames += missing
            self._outlet.feed.forward(missing)
            output.audio.extend(self._concealment.conceal(missing, after))
            return
        for _ in range(missing):
            self._outlet.send_silence(output)

    def follow(self, output: GateOutput) -> None:
        """Take note of what became of the frame that was judged last."""
        if output.action is GateAction.FORWARD:
            self._concealment.receive(output.audio[-1])
        else:
            self._concealment.reset()

    def pass_slot(self) -> None:
        """Take note that the line delivers nothing: what comes next does not follow."""
        self._concealment.reset()
