"""What the line delivers in a closed loop: the planned call, with the echo of what is played.

The echo of a slot of the plan comes with that slot, whenever it is played; where the agent falls
silent, the path rings out. Invariant: as long as the plan is played the capture is the one that was
planned, and what was captured is never changed by what is played later.
"""

from __future__ import annotations

__all__ = ["LiveCapture"]

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..scenarios.call_simulation import Call, SimulatedLine
from ..scenarios.signals import FRAME_SAMPLES, RATE_HZ
from ..scenarios.turns import Span

_RINGS_SAMPLES = RATE_HZ // 2
"""Longer than any path rings."""
_RINGING_SAMPLES = 0.06 * RATE_HZ
"""Samples in which the ringing of a path falls to 1/e after the agent has fallen silent."""
_EARLIEST_JUMP_SAMPLES = RATE_HZ // 10
"""A delay that jumps becomes shorter by so much at most."""
_NOTHING = -1
"""Stands for a slot in which nothing of the plan is played."""


class LiveCapture:
    """The capture of a call whose agent may be paused, delayed and stopped.

    Args:
        line: The call before it is settled when the agent is stopped.
        planned: The call in which it never is.
    """

    def __init__(self, line: SimulatedLine, planned: Call) -> None:
        self._line = line
        self._turns: Sequence[Span] = [
            (start // FRAME_SAMPLES, -(-end // FRAME_SAMPLES))
            for start, end in planned.agent_speaking
        ]
        self._delay = _causal_delay(line)
        self._expected = self._from_plan(0, len(planned.capture) // FRAME_SAMPLES)
        self._mixed = line.capture
        self._pcm = planned.capture
        self._next_slot = 0
        self._last_played = (_NOTHING, _NOTHING)
        """Slot of the call and slot of the plan that were played last."""

    def frame(self, source: int | None) -> npt.NDArray[np.int16]:
        """Return the next 20 ms of the capture.

        Args:
            source: Slot of the plan that is played meanwhile; None: nothing is.
        """
        slot = self._next_slot
        self._next_slot += 1
        played = _NOTHING if source is None else source
        if self._expected[slot] != played:
            self._change(slot, played)
        if source is not None:
            self._last_played = (slot, source)
        return self._pcm[slot * FRAME_SAMPLES : (slot + 1) * FRAME_SAMPLES]

    def _from_plan(self, first: int, slots: int) -> npt.NDArray[np.int64]:
        """Return what is played if the turns come as planned that begin in slot ``first`` or on."""
        expected = np.full(slots, _NOTHING)
        for begin, end in self._turns:
            if begin >= first:
                expected[begin:end] = np.arange(begin, end)[: max(0, slots - begin)]
        return expected

    def _change(self, slot: int, played: int) -> None:
        """Render the rest of the call anew: what is played is not what was expected.

        It is expected to go on: with silence, or with the rest of the turn.
        """
        turn_end = next((end for begin, end in self._turns if begin <= played < end), played + 1)
        left = turn_end - played
        self._expected[slot:] = self._from_plan(slot + left, len(self._expected))[slot:]
        rest = self._expected[slot : slot + left]
        rest[:] = np.arange(played, turn_end)[: len(rest)]
        self._mix(slot, played, turn_end)

    def _mix(self, slot: int, played: int, turn_end: int) -> None:
        """Mix the echo of what is expected into the call, from the first sample that it changes."""
        start = slot * FRAME_SAMPLES + self._delay
        planned_echo = self._line.echo
        if start >= len(planned_echo) or not planned_echo.any():
            return
        echo = np.zeros(len(planned_echo) - start)
        if played == _NOTHING:
            self._add_ringing(echo, slot)
        else:
            self._add_echo(echo, 0, (played, turn_end))
        for turn in self._turns:
            if turn[0] > slot and self._expected[turn[0]] == turn[0]:
                self._add_echo(echo, (turn[0] - slot) * FRAME_SAMPLES, turn)
        mixed = self._mixed.copy()
        mixed[start:] = self._line.capture[start:] - planned_echo[start:] + echo
        self._mixed = mixed
        self._pcm = replace(self._line, capture=mixed).render().capture

    def _add_echo(self, echo: npt.NDArray[np.float64], at: int, slots: Span) -> None:
        """Add the echo of slots of the plan, and what rings after them."""
        start = slots[0] * FRAME_SAMPLES + self._delay
        end = slots[1] * FRAME_SAMPLES + self._delay + _RINGS_SAMPLES
        part = self._line.echo[start:end][: len(echo) - at]
        echo[at : at + len(part)] += part

    def _add_ringing(self, echo: npt.NDArray[np.float64], slot: int) -> None:
        """Add what is still heard of what was played last."""
        last_slot, last_source = self._last_played
        if last_source == _NOTHING:
            return
        passed = (slot - last_slot - 1) * FRAME_SAMPLES
        start = (last_source + 1) * FRAME_SAMPLES + self._delay
        part = self._line.echo[start + passed : start + _RINGS_SAMPLES][: len(echo)]
        echo[: len(part)] += part * np.exp(-(passed + np.arange(len(part))) / _RINGING_SAMPLES)


def _causal_delay(line: SimulatedLine) -> int:
    """Return samples from what is played to the first of its echo."""
    jump = _EARLIEST_JUMP_SAMPLES if line.tags.get("delay_jump") == "true" else 0
    return max(0, line.echo_delay_samples - jump)
