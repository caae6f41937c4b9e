"""The agent of a call in a closed loop: what it plays in each slot, as the gate tells it to.

Its turns come when they were planned, through the playout that the engine runs: pauses, resumes and
flushes act as they do there. Invariant: an agent that is told nothing plays what was planned.
"""

from __future__ import annotations

__all__ = ["AgentPlayout", "PlayedFrame"]

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ...core.audio import FRAME_MS, AudioFormat
from ...core.gate_decision import GateEvent, GateEventType
from ...core.playout import Playout
from ...core.units import samples_to_ms
from ..evaluate.intervals import Interval, merged
from ..evaluate.turns import TAIL_MS
from ..scenarios.signals import FRAME_SAMPLES, RATE_HZ
from ..scenarios.turns import Span

_PAUSING = frozenset({GateEventType.CANDIDATE_STARTED, GateEventType.BARGE_IN_COMMITTED})
_RESUMING = frozenset(
    {GateEventType.CANDIDATE_DROPPED, GateEventType.RESUMED, GateEventType.GATE_OPENED}
)
_FORMAT = AudioFormat()
_PAUSE_SLOTS = int(TAIL_MS) // FRAME_MS
"""Slots between two turns, at least: of an agent who was delayed, too."""


class PlayedFrame(NamedTuple):
    """What the line plays in a slot."""

    audio: bytes
    is_agent_audio: bool
    source: int | None
    """Slot of the plan that is played; None where the agent is silent or fades out."""


@dataclass(slots=True, eq=False)
class _Turn:
    """One turn of the plan."""

    span: Span
    """Samples [start, end)."""
    first: int
    """First slot with agent audio."""
    after: int
    """First slot behind it."""
    start_ms: float | None = None
    """When it began; None as long as nothing of it was played."""
    end_ms: float | None = None
    """When it was over; None as long as it is not."""

    @property
    def name(self) -> str:
        """Its name as an item of the playout."""
        return f"turn of slot {self.first}"


class AgentPlayout:
    """Plays an agent's turns, and does what the gate says.

    Args:
        turns: Of the plan, in samples; sorted.
        far_end: Of the plan, a frame a slot.
        stops_at_commitment: True for a gate whose commitment ends the turn; otherwise it pauses the
            agent, and an interruption that is confirmed ends the turn.
    """

    def __init__(
        self, turns: Iterable[Span], far_end: Sequence[bytes], *, stops_at_commitment: bool
    ) -> None:
        self._far_end = far_end
        self._stops_at_commitment = stops_at_commitment
        self._turns = [
            _Turn(span, first=span[0] // FRAME_SAMPLES, after=-(-span[1] // FRAME_SAMPLES))
            for span in turns
        ]
        self._planned = {slot for turn in self._turns for slot in range(turn.first, turn.after)}
        self._waiting = deque(self._turns)
        self._turn: _Turn | None = None
        self._free_from = 0
        self._slot = 0
        self._playout = Playout(_FORMAT)

    def turns(self, duration_ms: float) -> tuple[Interval, ...]:
        """Return when the agent had the turn, in ms: pauses are in it, what was cut off is not.

        Args:
            duration_ms: Of the call; a turn that goes on there ends with it.
        """
        return merged(
            (turn.start_ms, duration_ms if turn.end_ms is None else turn.end_ms)
            for turn in self._turns
            if turn.start_ms is not None
        )

    def play(self) -> PlayedFrame:
        """Return what the next slot plays."""
        slot = self._slot
        self._slot += 1
        self._begin_turn(slot)
        turn = self._turn
        before_ms = 0.0 if turn is None else self._playout.sent_ms(turn.name)
        frame = self._playout.next_frame()
        if not frame.is_agent_audio:
            return PlayedFrame(self._silence(slot), is_agent_audio=False, source=None)
        if turn is None or self._playout.sent_ms(turn.name) == before_ms:
            return PlayedFrame(frame.audio, is_agent_audio=True, source=None)
        source = turn.first + int(before_ms) // FRAME_MS
        self._note(turn, slot, source)
        return PlayedFrame(frame.audio, is_agent_audio=True, source=source)

    def follow(self, events: Sequence[GateEvent]) -> None:
        """Do what the gate says after the slot that was played last."""
        for event in events:
            is_commitment = event.type is GateEventType.BARGE_IN_COMMITTED
            if event.type is GateEventType.INTERRUPTED or (
                is_commitment and self._stops_at_commitment
            ):
                self._playout.flush()
                self._end_turn(float(self._slot * FRAME_MS))
            elif event.type in _PAUSING:
                self._playout.pause()
            elif event.type in _RESUMING:
                self._playout.resume()

    def _begin_turn(self, slot: int) -> None:
        """Hand the next turn to the playout if its time has come."""
        if self._turn is not None or not self._waiting:
            return
        if slot < max(self._waiting[0].first, self._free_from):
            return
        turn = self._turn = self._waiting.popleft()
        self._playout.enqueue(turn.name, b"".join(self._far_end[turn.first : turn.after]))
        self._playout.finish(turn.name)

    def _note(self, turn: _Turn, slot: int, source: int) -> None:
        """Take note of when a turn begins and ends: as exactly as it was planned, delayed."""
        delay_ms = (slot - source) * FRAME_MS
        if turn.start_ms is None:
            turn.start_ms = samples_to_ms(turn.span[0], RATE_HZ) + delay_ms
        if source == turn.after - 1:
            self._end_turn(samples_to_ms(turn.span[1], RATE_HZ) + delay_ms)

    def _end_turn(self, end_ms: float) -> None:
        if self._turn is not None:
            self._turn.end_ms = end_ms
            self._turn = None
            self._free_from = self._slot + _PAUSE_SLOTS

    def _silence(self, slot: int) -> bytes:
        """Return what is sent while the agent is silent: a codec's own noise, where it has one."""
        return (
            _FORMAT.silence(_FORMAT.frame_bytes) if slot in self._planned else self._far_end[slot]
        )
