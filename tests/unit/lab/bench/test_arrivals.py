"""What the line does to the captured frames before the gate gets them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from support.signals import frames_of, silence, speech_like
from voxgate.core.audio import AudioFormat
from voxgate.core.gate_decision import (
    GateAction,
    GateDecision,
    GateEvent,
    GateEventType,
    GateReason,
    GateState,
)
from voxgate.lab.bench.arrivals import LINE_KINDS, LineGate, draw_arrivals

CAPTURE = np.concatenate([speech_like(4000), silence(6000)])
N_FRAMES = 500


def arrivals(kind: str, seed: int = 1) -> Any:
    return draw_arrivals(kind, CAPTURE, np.random.default_rng(seed))


@pytest.mark.parametrize("kind", [*LINE_KINDS, "steady", "lead"])
def test_frames_arrive_in_order_and_not_before_they_were_captured(kind: str) -> None:
    """Whatever the line does to them; the generator decides."""
    times = arrivals(kind)
    assert len(times) == N_FRAMES
    arrived = np.isfinite(times)
    assert np.all(times >= 20.0 * np.arange(1, N_FRAMES + 1))
    assert np.all(np.diff(times[arrived]) >= 0)
    assert np.array_equal(times, arrivals(kind))


def test_each_kind_does_what_it_is_called_for() -> None:
    """Jitter and stalls lose nothing; gaps lose a little; DTX loses the silence."""
    even = 20.0 * np.arange(1, N_FRAMES + 1)
    assert np.array_equal(arrivals("steady"), even)
    assert 0 < np.max(arrivals("jitter") - even) <= 80.0
    assert np.max(arrivals("stalls") - even) > 200.0
    lost = np.isinf(arrivals("gaps"))
    assert 0.0 < np.mean(lost) < 0.2
    sent = np.isfinite(arrivals("dtx"))
    assert np.all(sent[:195])
    assert not np.any(sent[215:])


def test_a_line_without_a_frame_has_no_arrivals() -> None:
    """No moment of it can be drawn."""
    for kind in ("stalls", "gaps", "jitter"):
        assert len(draw_arrivals(kind, np.zeros(0, np.int16), np.random.default_rng(1))) == 0


class RecordingGate:
    """Forwards everything, and notes what it got."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, float]] = []
        self.slots = 0

    def start_call(self, call_id: str, **options: object) -> None:
        self.options = options

    def process(self, call_id: str, frame: bytes, now_ms: float) -> GateDecision:
        self.got.append((frame, now_ms))
        event = GateEvent(
            type=GateEventType.BARGE_IN_COMMITTED, t_ms=now_ms, reason=GateReason.BARGE_IN
        )
        return GateDecision(
            action=GateAction.FORWARD,
            state=GateState.OPEN,
            reason=GateReason.BARGE_IN,
            events=(event,),
        )

    def advance(self, call_id: str, now_ms: float) -> GateDecision:
        return GateDecision(
            action=GateAction.WITHHOLD, state=GateState.OPEN, reason=GateReason.AGENT_SILENT
        )

    def receive_far_end(
        self, call_id: str, frame: bytes, now_ms: float, *, is_agent_audio: bool
    ) -> None:
        self.slots += is_agent_audio

    def set_agent_speaking(self, call_id: str, *args: object, **options: object) -> None:
        self.word = args


def test_frames_reach_the_gate_when_they_arrive() -> None:
    """One late by 50 ms brings the next two with it; one that is lost never comes."""
    inner = RecordingGate()
    gate = LineGate(inner, np.array([20.0, 90.0, 90.0, 90.0, np.inf, 120.0]))  # type: ignore[arg-type]
    gate.start_call(
        "a", provider="p", now_ms=0.0, capture_format=AudioFormat(), far_end_format=None
    )
    frames = frames_of(speech_like(120))
    decisions = [gate.process("a", frame, 20.0 * (n + 1)) for n, frame in enumerate(frames)]
    assert [now_ms for _, now_ms in inner.got] == [20.0, 90.0, 90.0, 90.0, 120.0]
    assert [frame for frame, _ in inner.got] == [*frames[:4], frames[5]]
    assert [len(decision.audio) for decision in decisions] == [1, 0, 0, 0, 3, 1]
    assert [len(decision.events) for decision in decisions] == [1, 0, 0, 0, 3, 1]
    assert all(d.audio_for(b"") == d.audio for d in decisions)
    assert inner.options["provider"] == "p"


class CancellingGate(RecordingGate):
    """Holds two frames, then lets out what it made of them and of the third, and so on."""

    def process(self, call_id: str, frame: bytes, now_ms: float) -> GateDecision:
        self.got.append((frame, now_ms))
        is_third = len(self.got) % 3 == 0
        released = (b"first", b"second") if is_third else ()
        return GateDecision(
            action=GateAction.FORWARD if is_third else GateAction.WITHHOLD,
            state=GateState.OPEN,
            reason=GateReason.BARGE_IN,
            audio=(*released, b"third") if is_third else (b"silence",),
            released=released,
        )

    def advance(self, call_id: str, now_ms: float) -> GateDecision:
        return GateDecision(
            action=GateAction.WITHHOLD,
            state=GateState.OPEN,
            reason=GateReason.IDLE_FILL,
            audio=(b"silence", b"held"),
            released=(b"held",),
        )


def test_what_goes_out_without_its_echo_is_told_by_the_frames_that_were_captured() -> None:
    """A run knows frames by identity; a gate makes others of them."""
    inner = CancellingGate()
    gate = LineGate(inner, np.array([20.0, 80.0, 80.0, 80.0, 100.0]))  # type: ignore[arg-type]
    frames = frames_of(speech_like(100))
    decisions = [gate.process("a", frame, 20.0 * (n + 1)) for n, frame in enumerate(frames)]
    assert [list(decision.audio) for decision in decisions] == [[], [], [], frames[:3], []]
    idle = gate.advance("a", 100.0)
    assert (idle.audio, idle.released) == ((frames[4],), ())


def test_the_far_end_and_time_go_straight_to_the_gate() -> None:
    """They come from our own side of the line."""
    inner = RecordingGate()
    gate = LineGate(inner, np.array([20.0]))  # type: ignore[arg-type]
    gate.receive_far_end("a", bytes(320), 0.0, is_agent_audio=True)
    gate.set_agent_speaking("a", True, 0.0)
    assert gate.advance("a", 20.0).reason is GateReason.AGENT_SILENT
    assert inner.slots == 1
    assert inner.word == (True, 0.0)
