"""What every line must do in a call, whatever carries it: pace, stop within a frame, know what was
heard.

A line passes by a test class that inherits :class:`CallConformance` and says how a call is placed.
The time of the tests is made up, so that they can measure it.
"""

from __future__ import annotations

__all__ = ["CallConformance", "Caller", "LineCall"]

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from itertools import pairwise
from typing import Protocol

import pytest

from support.scripted_call import ScriptedManager, decision
from support.virtual_time import in_socket_time, virtual_ms
from voxgate.call import CallSession
from voxgate.call_observer import CallObserver
from voxgate.core.audio import Encoding
from voxgate.core.gate_decision import GateEventType
from voxgate.core.playout import PlayoutFrame
from voxgate.providers.base import CallAudio
from voxgate.providers.scripted import GATED, ScriptedProvider
from voxgate.transports.base import Line

_JITTER_MS = 20.0
"""By which a slot may be late, and its frame be at the caller's: a frame."""

_GATE_TAIL_S = 0.18
"""Less than the echo tail of the gate, which takes a pause that it did not order for an end."""


class Caller(Protocol):
    """Who is called, seen from the telephone network."""

    @property
    def arrived(self) -> Sequence[bytes]:
        """Every frame that the line delivered, played or not."""

    @property
    def played(self) -> Sequence[bytes]:
        """Every frame that the caller has heard, in order, silence included or not."""


class _Shown(CallObserver):
    """What the gate was shown, with the times."""

    def __init__(self) -> None:
        self.slots: list[tuple[float, PlayoutFrame]] = []

    def on_playout(self, call_id: str, now_ms: float, frame: PlayoutFrame) -> None:
        self.slots.append((now_ms, frame))


class LineCall:
    """A call on a line: the engine's side is a session with a scripted agent and gate."""

    def __init__(self, line: Line, caller: Caller) -> None:
        self.line = line
        self.caller = caller
        self.manager = ScriptedManager()
        self.shown = _Shown()
        self.provider = ScriptedProvider(
            call_id=line.call_id,
            call_audio=CallAudio(capture=line.capture_format, playout=line.playout_format),
            manager=self.manager,
            clock=virtual_ms,
            capabilities=GATED,
        )
        self.session = CallSession(
            line,
            self.provider,
            provider_name="openai_realtime",
            manager=self.manager,
            observer=self.shown,
            clock=virtual_ms,
        )

    def voice(self, n_frames: int) -> list[bytes]:
        """Return frames that are told apart, none of which is silence or a fade."""
        if self.line.playout_format.encoding is Encoding.PCM16:
            n_samples = self.line.playout_format.frame_samples
            return [(1000 + number).to_bytes(2, "little") * n_samples for number in range(n_frames)]
        # Two bytes of mu-law tell 10,000 frames apart.
        return [bytes((number // 100, 128 + number % 100)) * 80 for number in range(n_frames)]

    def n_played(self, voice: Sequence[bytes]) -> int:
        """Return how many frames of the agent the caller has heard whole."""
        whole = set(voice)
        return sum(frame in whole for frame in self.caller.played)

    def decide(self, event_type: GateEventType) -> None:
        """Let the gate say something in the next slot."""
        self.manager.idle_decisions.append(decision(event_type))


class CallConformance:
    """The tests; each runs on a call of the inheriting class."""

    def placed(self) -> AbstractAsyncContextManager[LineCall]:
        """Place a call; its session runs for the length of the block."""
        raise NotImplementedError

    @in_socket_time
    async def test_an_answer_is_paced(self) -> None:
        """Three seconds at once reach the caller at real time, ahead by the line's lead at most."""
        async with self.placed() as call:
            voice = call.voice(150)
            began_ms = virtual_ms()
            call.provider.speak(b"".join(voice), "answer")
            whole = set(voice)
            while call.n_played(voice) < 150:
                await asyncio.sleep(0.02)
                sent_ms = 20 * sum(frame in whole for frame in call.caller.arrived)
                ahead_ms = sent_ms - (virtual_ms() - began_ms)
                assert ahead_ms <= call.line.capabilities.max_lead_ms + _JITTER_MS
            took_ms = virtual_ms() - began_ms
            assert [frame for frame in call.caller.played if frame in whole] == voice
        assert took_ms == pytest.approx(3000, abs=100)

    @in_socket_time
    @pytest.mark.parametrize(
        "event_type", [GateEventType.CANDIDATE_STARTED, GateEventType.INTERRUPTED]
    )
    async def test_the_agent_stops_within_a_frame(self, event_type: GateEventType) -> None:
        """From the gate's word on, the caller hears the frame that is playing, and a fade-out."""
        async with self.placed() as call:
            voice = call.voice(150)
            call.provider.speak(b"".join(voice), "answer")
            await asyncio.sleep(1.0)
            call.decide(event_type)
            while call.manager.idle_decisions:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.001)
            before = call.n_played(voice)
            await asyncio.sleep(_GATE_TAIL_S)
            assert call.n_played(voice) - before <= 1
            agent_slots = [slot.is_agent_audio for _, slot in call.shown.slots[-5:]]
            assert not any(agent_slots)

    @in_socket_time
    @pytest.mark.parametrize("after_ms", [107, 501, 1290])
    @pytest.mark.parametrize("is_paused_first", [False, True])
    async def test_what_was_heard_is_known_within_20_ms(
        self, after_ms: int, *, is_paused_first: bool
    ) -> None:
        """The agent is told how much of its answer the caller has heard, paused before or not."""
        async with self.placed() as call:
            voice = call.voice(150)
            call.provider.speak(b"".join(voice), "answer")
            await asyncio.sleep(after_ms / 1000)
            if is_paused_first:
                call.decide(GateEventType.CANDIDATE_STARTED)
                await asyncio.sleep(_GATE_TAIL_S)
            call.decide(GateEventType.INTERRUPTED)
            await asyncio.sleep(0.2)
            (truncation,) = call.provider.truncations
            assert truncation.audio_end_ms == pytest.approx(20 * call.n_played(voice), abs=20)

    @in_socket_time
    async def test_a_resumed_answer_is_whole(self) -> None:
        """Over two pauses no word is lost but in the fades, and none is heard twice."""
        async with self.placed() as call:
            voice = call.voice(100)
            call.provider.speak(b"".join(voice), "answer")
            for _ in range(2):
                await asyncio.sleep(0.5)
                call.decide(GateEventType.CANDIDATE_STARTED)
                await asyncio.sleep(_GATE_TAIL_S)
                call.decide(GateEventType.CANDIDATE_DROPPED)
            await asyncio.sleep(2.5)
            heard = [frame for frame in call.caller.played if frame in set(voice)]
            positions = [voice.index(frame) for frame in heard]
            assert positions == sorted(set(positions))
            assert len(positions) >= 96  # of each pause, one is cut off and one fades in

    @in_socket_time
    async def test_the_gate_is_shown_what_the_caller_hears_one_frame_a_slot(self) -> None:
        """Never two at once, and the agent's voice as long as it is heard."""
        async with self.placed() as call:
            voice = call.voice(50)
            call.provider.speak(b"".join(voice), "answer")
            await asyncio.sleep(1.5)
            whole = set(voice)
            shown = [slot.audio for _, slot in call.shown.slots if slot.audio in whole]
            assert shown == [frame for frame in call.caller.played if frame in whole] == voice
            times = [now_ms for now_ms, _ in call.shown.slots]
            gaps = [later - now for now, later in pairwise(times)]
            assert min(gaps) > 0
            assert max(gaps) <= 40
