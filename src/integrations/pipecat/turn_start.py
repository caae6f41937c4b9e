"""The start of the caller's turn by the gate's verdict, as one of Pipecat's user turn strategies.

The verdict on a captured frame is there when that frame passes the user aggregator: the filter
judged it before. Invariant: a verdict starts at most one turn, and an old one starts none.
"""

from __future__ import annotations

__all__ = ["GateUserTurnStartStrategy"]

from .required import PIPECAT as _PIPECAT  # noqa: F401 - before any other import of Pipecat

# isort: split
from pipecat.frames.frames import Frame, InputAudioRawFrame
from pipecat.turns.types import ProcessFrameResult
from pipecat.turns.user_start import BaseUserTurnStartStrategy

from ...clock import Clock, monotonic_ms
from ..plugged_call import PluggedCall


class GateUserTurnStartStrategy(BaseUserTurnStartStrategy):
    """Starts a turn, and so interrupts the agent, when the gate hears the caller over it.

    While the agent is silent the gate has no verdict, and the strategies behind this one decide.

    Args:
        call: The call whose gate decides.
        enable_interruptions: Whether a turn that starts interrupts the agent.
        clock: Monotonic clock in ms.
    """

    def __init__(
        self,
        call: PluggedCall,
        *,
        enable_interruptions: bool = True,
        clock: Clock = monotonic_ms,
    ) -> None:
        super().__init__(enable_interruptions=enable_interruptions)
        self._gate_call = call
        self._gate_clock = clock

    async def process_frame(self, frame: Frame) -> ProcessFrameResult:
        """Return STOP where the frame starts a turn."""
        if isinstance(frame, InputAudioRawFrame) and self._gate_call.take_turn_start(
            self._gate_clock()
        ):
            await self.trigger_user_turn_started()
            return ProcessFrameResult.STOP
        return ProcessFrameResult.CONTINUE
