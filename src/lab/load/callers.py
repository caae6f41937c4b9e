"""All callers of a load run: one timer, a slot of 20 ms cut into as many groups as it has ms.

Invariant: every caller's frames are sent against its own deadlines, 20 ms apart; a group that comes
late sends what it owes at once, as a line does, and how late it was is noted.
"""

from __future__ import annotations

__all__ = ["Callers"]

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...clock import monotonic_ms
from ...core.audio import FRAME_MS
from .caller_mix import CallerMix
from .caller_sounds import CallerSounds, Frames
from .caller_turns import CallerTurns, TurnKind
from .frame_log import EventRow, FrameLog, MeasuredSide, frame_digest
from .line_peers import LinePeer, TakeFrame

N_GROUPS = 20
"""Groups of callers whose slots fall together: 1 ms apart."""
_MULAW_BYTES, _PCM_BYTES = 160, 320

Dial = Callable[[TakeFrame], Awaitable[LinePeer]]
"""Places a call."""


@dataclass(slots=True)
class _Caller:
    number: int
    peer: LinePeer
    turns: CallerTurns
    utterance: Frames | None = None
    at: int = 0
    n_said: int = 0


class _Group:
    """Callers whose slots fall together."""

    def __init__(self, due_ms: float) -> None:
        self.due_ms = due_ms
        self.n_slots = 0
        self.callers: list[_Caller] = []
        self.mix: CallerMix | None = None


class Callers:
    """Places calls, lives through them and notes what is sent and heard.

    Args:
        dial: Places a call.
        sounds: What is said.
        erl_db: Echo return loss of the callers' telephones; None: no echo.
        echo_delay_ms: From the playout of a frame to its echo.
        interrupting_ratio: Share of answers that are broken into.
    """

    def __init__(
        self,
        dial: Dial,
        sounds: CallerSounds,
        *,
        erl_db: float | None,
        echo_delay_ms: int,
        interrupting_ratio: float,
    ) -> None:
        self._dial = dial
        self._sounds = sounds
        self._erl_db = erl_db
        self._echo_delay_ms = echo_delay_ms
        self._interrupting_ratio = interrupting_ratio
        self._sent, self._received = FrameLog(), FrameLog()
        self._events: list[EventRow] = []
        self._lags_ms: list[float] = []
        self._n_placed = 0
        begin_ms = monotonic_ms()
        self._groups = [_Group(begin_ms + at * FRAME_MS / N_GROUPS) for at in range(N_GROUPS)]

    @property
    def n_calls(self) -> int:
        """Calls that go on."""
        return sum(len(group.callers) for group in self._groups)

    async def place(self) -> None:
        """Place one more call.

        Raises:
            OSError: the engine does not answer.
        """
        number = self._n_placed
        self._n_placed += 1
        received = self._received

        def take_frame(now_ms: float, mark: int) -> None:
            received.add(now_ms, number, mark)

        peer = await self._dial(take_frame)
        turns = CallerTurns(number, interrupting_ratio=self._interrupting_ratio)
        self._note(number, "dialled")
        group = min(self._groups, key=lambda group: len(group.callers))
        group.callers.append(_Caller(number, peer, turns))
        self._mix_anew(group)

    async def live(self) -> None:
        """Live through all calls, until cancelled."""
        at = 0
        while True:
            group = self._groups[at]
            now_ms = monotonic_ms()
            if now_ms < group.due_ms:
                await asyncio.sleep((group.due_ms - now_ms) / 1000)
                now_ms = monotonic_ms()
            else:
                await asyncio.sleep(0)
            self._lags_ms.append(now_ms - group.due_ms)
            group.due_ms += FRAME_MS
            group.n_slots += 1
            if group.mix is not None:
                self._live_slot(group, group.mix)
            at = (at + 1) % N_GROUPS

    def hang_up(self) -> None:
        """End all calls."""
        for group in self._groups:
            for caller in group.callers:
                caller.peer.hang_up()
            group.callers, group.mix = [], None

    def take(self) -> MeasuredSide:
        """Return what was measured since this was last asked."""
        events, self._events = tuple(self._events), []
        lags_ms, self._lags_ms = self._lags_ms, []
        return MeasuredSide(
            frames=self._sent.take(),
            others=self._received.take(),
            events=events,
            lags_ms=np.array(lags_ms, np.float64),
        )

    def forget_lags(self) -> None:
        """Forget how late this process was so far: writing a file held it up."""
        self._lags_ms.clear()

    def _live_slot(self, group: _Group, mix: CallerMix) -> None:
        callers = group.callers
        for at, caller in enumerate(callers):
            mix.say(at, _next_frame(caller))
        frames, heard = mix.step([caller.peer.next_far_end() for caller in callers])
        add_sent = self._sent.add
        for at, caller in enumerate(callers):
            mulaw = frames.mulaw[at * _MULAW_BYTES : (at + 1) * _MULAW_BYTES]
            now_ms = monotonic_ms()
            caller.peer.send(mulaw, frames.pcm[at * _PCM_BYTES : (at + 1) * _PCM_BYTES])
            add_sent(now_ms, caller.number, frame_digest(mulaw))
            turn = caller.turns.step(
                is_agent_heard=heard[at], is_speaking=caller.utterance is not None
            )
            if turn is not None:
                self._follow(caller, turn, now_ms)
        if any(caller.peer.is_over for caller in callers):
            self._drop_lost(group)

    def _follow(self, caller: _Caller, turn: TurnKind, now_ms: float) -> None:
        """Begin what a caller begins; its first frame is the next slot's."""
        self._events.append(EventRow(now_ms + FRAME_MS, caller.number, turn.value))
        if turn is not TurnKind.UNANSWERED:
            utterances = self._sounds.utterances
            caller.n_said += 1
            caller.utterance = utterances[(caller.number * 7 + caller.n_said) % len(utterances)]
            caller.at = 0

    def _drop_lost(self, group: _Group) -> None:
        for caller in group.callers:
            if caller.peer.is_over:
                self._note(caller.number, "lost")
        group.callers = [caller for caller in group.callers if not caller.peer.is_over]
        self._mix_anew(group)

    def _mix_anew(self, group: _Group) -> None:
        numbers = [caller.number for caller in group.callers]
        group.mix = None
        if numbers:
            group.mix = CallerMix(
                self._sounds.hums,
                numbers,
                echo_delay_ms=self._echo_delay_ms,
                erl_db=self._erl_db,
                first_slot=group.n_slots,
            )

    def _note(self, number: int, kind: str, value: float = 0.0) -> None:
        self._events.append(EventRow(monotonic_ms(), number, kind, value))


def _next_frame(caller: _Caller) -> npt.NDArray[np.float32] | None:
    utterance = caller.utterance
    if utterance is None:
        return None
    frame: npt.NDArray[np.float32] = utterance[caller.at]
    caller.at += 1
    if caller.at == len(utterance):
        caller.utterance = None
    return frame
