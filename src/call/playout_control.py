"""Does to a call's playout what its gate says, and tells the provider what was heard.

Invariant: playout stands still, or is forgotten, in the step in which the gate says so, however
long the provider takes afterwards.
"""

from __future__ import annotations

__all__ = ["PlayoutControl"]

from collections.abc import Mapping, Sequence
from functools import partial

from ..call_observer import CallObserver
from ..clock import Clock
from ..core.gate_decision import GateEvent
from ..core.line_playout import LinePlayout
from ..transports.base import Line
from .agent_seat import AgentSeat
from .announcer import Announcer
from .call_turns import Rest, await_rest
from .gate_effects import PlayoutEffect, effect_of


class PlayoutControl:
    """The playout of one call, as its gate has it.

    Args:
        line: Told to forget what it has not played.
        playout: What the caller hears.
        seat: Who has the agent's side.
        announcer: Told where playout is forgotten.
        observer: Told of what happens at the gate.
        clock: Monotonic time in ms.
    """

    def __init__(
        self,
        line: Line,
        playout: LinePlayout,
        seat: AgentSeat,
        announcer: Announcer,
        observer: CallObserver,
        clock: Clock,
    ) -> None:
        self._line = line
        self._playout = playout
        self._seat = seat
        self._announcer = announcer
        self._observer = observer
        self._clock = clock
        self._is_paused = False

    @property
    def is_paused(self) -> bool:
        """Whether playout stands still, as the gate wants it."""
        return self._is_paused

    def pause(self) -> None:
        """Let playout stand still."""
        self._is_paused = True
        self._playout.pause(self._clock())
        self._flush_line()

    def flush(self) -> Mapping[str, float]:
        """Forget what was not heard; return what was, of every item not completely heard."""
        self._announcer.forget()
        self._is_paused = False
        heard_ms = self._playout.flush(self._clock())
        self._flush_line()
        return heard_ms

    def follow(self, events: Sequence[GateEvent], *, is_told: bool) -> Rest | None:
        """Do what events of the gate say; tell the observers of them if that is wanted.

        Returns:
            What is left, where the provider has to be waited for before the next event.
        """
        for position, event in enumerate(events):
            match effect_of(event):
                case PlayoutEffect.PAUSE:
                    self.pause()
                case PlayoutEffect.RESUME:
                    self._is_paused = False
                    self._playout.resume()
                case PlayoutEffect.FLUSH if self._seat.is_prompt:
                    self._seat.interrupt_at_once(self._cut_off())
                case PlayoutEffect.FLUSH:
                    heard_ms, others = self._cut_off(), events[position:]
                    return partial(self._interrupt, heard_ms, others, is_told=is_told)
            if is_told:
                self._observer.on_gate_event(self._line.call_id, event)
        return None

    async def _interrupt(
        self, heard_ms: Mapping[str, float], events: Sequence[GateEvent], *, is_told: bool
    ) -> None:
        """Tell a provider that may wait, and do what the others of the events say."""
        await self._seat.interrupt(heard_ms)
        if is_told:
            self._observer.on_gate_event(self._line.call_id, events[0])
        await await_rest(self.follow(events[1:], is_told=is_told))

    def _cut_off(self) -> Mapping[str, float]:
        """Flush, and withdraw a hangup before the next slot can make it; return what flush does."""
        if self._seat.control is not None:
            self._seat.control.withdraw_hangup()
        return self.flush()

    def _flush_line(self) -> None:
        """Let the line forget what it has not played, if it holds any, and fade out."""
        frames = self._playout.take_line_flush()
        if frames is None:
            return
        self._line.flush()
        for frame in frames:
            self._line.send_audio(frame.audio)
