"""A call in a closed loop: what the gate says changes what it hears next.

Invariant: run by a gate that says nothing, it is the call that was planned, to the sample.
"""

from __future__ import annotations

__all__ = ["ClosedCall"]

from collections.abc import Iterator, Sequence

from ...core.audio import AudioFormat
from ...core.gate_decision import GateEvent
from ...core.units import samples_to_ms
from ..evaluate.intervals import Interval
from ..evaluate.recording import Slot
from ..scenarios.call_simulation import Call, SimulatedLine
from ..scenarios.signals import FRAME_SAMPLES, RATE_HZ
from .agent_playout import AgentPlayout
from .live_capture import LiveCapture

_FORMAT = AudioFormat()


class ClosedCall:
    """A simulated call whose agent does what the gate says, and whose caller goes on.

    Args:
        line: The call before it is settled when the agent is stopped.
        planned: The call in which it never is.
        far_end: Of that call, a frame a slot.
        stops_at_commitment: True for a gate whose commitment ends the agent's turn.
    """

    def __init__(
        self,
        line: SimulatedLine,
        planned: Call,
        far_end: Sequence[bytes],
        *,
        stops_at_commitment: bool,
    ) -> None:
        self.capture_format = self.far_end_format = _FORMAT
        self.duration_ms = samples_to_ms(len(planned.capture), RATE_HZ)
        self._slots = len(planned.capture) // FRAME_SAMPLES
        self._agent = AgentPlayout(
            planned.agent_speaking, far_end, stops_at_commitment=stops_at_commitment
        )
        self._capture = LiveCapture(line, planned)

    @property
    def agent_speaking(self) -> tuple[Interval, ...]:
        """When the agent had the turn so far, pauses included."""
        return self._agent.turns(self.duration_ms)

    def slots(self) -> Iterator[Slot]:
        """Yield the call slot by slot; once."""
        for _ in range(self._slots):
            played = self._agent.play()
            captured = self._capture.frame(played.source)
            yield Slot(captured.astype("<i2").tobytes(), played.audio, played.is_agent_audio)

    def follow(self, events: Sequence[GateEvent]) -> None:
        """Do to playout what the gate says."""
        self._agent.follow(events)
