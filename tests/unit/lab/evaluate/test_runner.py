"""A recording run through a gate: what the gate is fed, and what of it is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count
from statistics import median

import numpy as np
import pytest

from support.signals import Signal, frames_of, silence, speech_like
from voxgate.core.audio import AudioFormat
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.config import GatingConfig, GatingMode
from voxgate.core.gate_decision import (
    PASS_THROUGH,
    GateAction,
    GateDecision,
    GateEvent,
    GateEventType,
    GateMeasurements,
    GateReason,
    GateState,
)
from voxgate.lab.evaluate.evaluation import with_mode
from voxgate.lab.evaluate.intervals import Interval
from voxgate.lab.evaluate.recording import Recording, Slot
from voxgate.lab.evaluate.runner import GateRun, make_gate, run_gate

_SILENCE = bytes(320)


def _recording(
    capture: Signal,
    *,
    far_end: Signal | None = None,
    agent_speaking: tuple[Interval, ...] = (),
    duration_ms: float | None = None,
) -> Recording:
    frames = tuple(frames_of(capture))
    return Recording(
        capture=frames,
        capture_format=AudioFormat(),
        far_end=None if far_end is None else tuple(frames_of(far_end)),
        far_end_format=AudioFormat(),
        duration_ms=20.0 * len(frames) if duration_ms is None else duration_ms,
        agent_speaking=agent_speaking,
        caller_speech=(),
    )


def _decision(
    *,
    forward: bool = False,
    audio: tuple[bytes, ...] = (),
    released: tuple[bytes, ...] = (),
    events: tuple[GateEvent, ...] = (),
) -> GateDecision:
    return GateDecision(
        action=GateAction.FORWARD if forward else GateAction.WITHHOLD,
        state=GateState.CLOSED,
        reason=GateReason.AGENT_AUDIBLE,
        audio=audio,
        released=released,
        events=events,
    )


@dataclass
class Gate:
    """Decides what a test says, and keeps what it was told."""

    decide: Callable[[int, bytes], GateDecision] = lambda _slot, _frame: _decision()
    decide_before: Callable[[int], GateDecision] = lambda _slot: _decision()
    inputs: list[tuple[object, ...]] = field(default_factory=list)

    def start_call(
        self,
        call_id: str,
        *,
        provider: str,
        now_ms: float,
        capture_format: AudioFormat,
        far_end_format: AudioFormat | None,
    ) -> None:
        self.inputs.append(("start", provider, now_ms, capture_format, far_end_format))

    def process(self, call_id: str, frame: bytes, now_ms: float) -> GateDecision:
        self.inputs.append(("capture", frame, now_ms))
        return self.decide(round(now_ms / 20) - 1, frame)

    def advance(self, call_id: str, now_ms: float) -> GateDecision:
        self.inputs.append(("advance", now_ms))
        return self.decide_before(round(now_ms / 20))

    def receive_far_end(
        self, call_id: str, frame: bytes, now_ms: float, *, is_agent_audio: bool
    ) -> None:
        self.inputs.append(("far end", frame, now_ms, is_agent_audio))

    def set_agent_speaking(
        self, call_id: str, is_speaking: bool, now_ms: float, *, audio_ms: float = 0.0
    ) -> None:
        self.inputs.append(("speaking", is_speaking, now_ms, audio_ms))


def _run(recording: Recording, gate: Gate | AudioGatingManager) -> GateRun:
    ticks = count()
    return run_gate(
        recording, provider="openai_realtime", gate=gate, timer_ns=lambda: next(ticks) * 4000
    )


def test_each_slot_is_shown_and_then_its_frame_is_judged() -> None:
    """Far end and time at the start of the slot, the capture at its end."""
    capture, far_end = speech_like(60, seed=1), speech_like(60, seed=2)
    gate = Gate()
    _run(_recording(capture, far_end=far_end, agent_speaking=((20, 40),)), gate)
    heard, played = frames_of(capture), frames_of(far_end)
    assert gate.inputs == [
        ("start", "openai_realtime", 0.0, AudioFormat(), AudioFormat()),
        ("far end", played[0], 0.0, False),
        ("advance", 0.0),
        ("capture", heard[0], 20.0),
        ("far end", played[1], 20.0, True),
        ("advance", 20.0),
        ("capture", heard[1], 40.0),
        ("far end", played[2], 40.0, False),
        ("advance", 40.0),
        ("capture", heard[2], 60.0),
    ]


def test_without_a_far_end_the_agent_is_told_as_a_foreign_engine_tells_it() -> None:
    """Nobody reports playout then: the start of generation with its duration, and the end."""
    gate = Gate()
    _run(_recording(silence(140), agent_speaking=((0, 20), (50, 100))), gate)
    assert [told for told in gate.inputs if told[0] in {"speaking", "far end"}] == [
        ("speaking", True, 0.0, 20.0),
        ("speaking", False, 20.0, 0.0),
        ("speaking", True, 40.0, 60.0),
        ("speaking", False, 100.0, 0.0),
    ]


def test_a_barge_in_is_timed_by_the_end_of_the_frame_that_opened_the_gate() -> None:
    """Events come out in order, those of passing time before those of the frame."""

    def event(event_type: GateEventType, t_ms: float) -> GateEvent:
        return GateEvent(type=event_type, t_ms=t_ms, reason=GateReason.BARGE_IN)

    closed = event(GateEventType.GATE_CLOSED, 40.0)
    committed = event(GateEventType.BARGE_IN_COMMITTED, 60.0)
    gate = Gate(
        decide=lambda slot, _: _decision(events=(committed,) if slot == 2 else ()),
        decide_before=lambda slot: _decision(events=(closed,) if slot == 2 else ()),
    )
    run = _run(_recording(silence(100)), gate)
    assert run.events == (closed, committed)
    assert run.barge_in_ms == (60.0,)


def test_what_a_gate_withholds_is_not_forwarded_though_silence_goes_out() -> None:
    """Silence in a frame's place is not the frame, even if both are the same bytes."""
    gate = Gate(decide=lambda _slot, _frame: _decision(audio=(_SILENCE,)))
    assert _run(_recording(silence(100)), gate).forwarded == ()


def test_released_frames_are_entered_where_they_were_captured() -> None:
    """Held frames that go out with a later one, at once or by the passing of time."""
    recording = _recording(silence(200))
    held = recording.capture

    def decide(slot: int, frame: bytes) -> GateDecision:
        if slot == 5:
            return _decision(forward=True, audio=(*held[3:5], frame), released=held[3:5])
        return _decision(audio=(_SILENCE,))

    def decide_before(slot: int) -> GateDecision:
        return _decision(audio=held[7:9], released=held[7:9]) if slot == 9 else _decision()

    run = _run(recording, Gate(decide=decide, decide_before=decide_before))
    assert run.forwarded == ((60, 120), (140, 180))


def test_audio_made_of_frames_is_entered_by_its_position() -> None:
    """A gate may send what an echo canceller made of the frames."""
    recording = _recording(silence(200))
    made = tuple(bytes([n]) * 320 for n in range(3))

    def decide(slot: int, frame: bytes) -> GateDecision:
        if slot == 5:
            return _decision(forward=True, audio=made, released=made[:2])
        return _decision(audio=(_SILENCE,))

    def decide_before(slot: int) -> GateDecision:
        return _decision(audio=made[:1], released=made[:1]) if slot == 8 else _decision()

    run = _run(recording, Gate(decide=decide, decide_before=decide_before))
    assert run.forwarded == ((60, 120), (140, 160))


def test_what_passes_through_is_forwarded_to_the_end_of_the_recording() -> None:
    """The silence that fills the last frame is no audio of the recording."""
    gate = Gate(decide=lambda _slot, _frame: PASS_THROUGH)
    run = _run(_recording(silence(200), duration_ms=187.5), gate)
    assert run.forwarded == ((0, 187.5),)


def test_the_time_is_the_median_of_what_the_gate_took() -> None:
    """The run's own book-keeping is not in it."""
    spans_ns = iter([0, 5000, 90_000, 92_000, 99_000, 130_000])
    recording = _recording(silence(60))
    run = run_gate(recording, provider="p", gate=Gate(), timer_ns=lambda: next(spans_ns))
    assert run.us_per_frame_p50 == 5.0


def test_times_are_told_apart_by_what_the_agent_does() -> None:
    """While agent audio is played, and while there was none for a second."""
    clock_ns = chain.from_iterable((n * 10_000, n * 10_000 + (n + 1) * 1000) for n in range(100))
    recording = _recording(silence(2000), agent_speaking=((100, 300),))
    run = run_gate(recording, provider="p", gate=Gate(), timer_ns=lambda: next(clock_ns))
    assert run.us_agent_audible_p50 == 10.5
    assert run.us_agent_silent_p50 == median([*range(1, 6), *range(66, 101)])
    without = run_gate(_recording(silence(100)), provider="p", gate=Gate())
    assert without.us_agent_audible_p50 is None


class Call:
    """A call that keeps what it is told, slot by slot."""

    capture_format = far_end_format = AudioFormat()
    duration_ms = 80.0

    def __init__(self) -> None:
        self.told: list[tuple[int, list[GateEventType]]] = []
        self._slot = 0

    def slots(self) -> Iterator[Slot]:
        for self._slot in range(4):
            yield Slot(bytes([self._slot]) * 320, _SILENCE, is_agent_audio=False)

    def follow(self, events: Sequence[GateEvent]) -> None:
        self.told.append((self._slot, [event.type for event in events]))


def test_a_call_that_goes_on_as_the_gate_decides_is_told_before_its_next_slot() -> None:
    """Of the passing of time first, and of nothing where nothing happened."""
    started, committed = GateEventType.CANDIDATE_STARTED, GateEventType.BARGE_IN_COMMITTED

    def events(slot: int, event_type: GateEventType) -> tuple[GateEvent, ...]:
        reason = GateReason.BARGE_IN
        return (GateEvent(type=event_type, t_ms=0.0, reason=reason),) if slot == 2 else ()

    gate = Gate(
        decide=lambda slot, _: _decision(events=events(slot, committed)),
        decide_before=lambda slot: _decision(events=events(slot, started)),
    )
    call = Call()
    run_gate(call, provider="p", gate=gate)
    assert call.told == [(2, [started, committed])]


def test_the_gates_own_half_duplex_is_exact_to_the_frame() -> None:
    """Closed from the agent's first slot until the grace after the last has passed."""
    config = with_mode(GatingConfig(), GatingMode.HALF_DUPLEX)
    gate = AudioGatingManager(config=config, audio_guard_enabled=False)
    speech = speech_like(3000, seed=3)
    recording = _recording(speech, far_end=silence(3000), agent_speaking=((500, 1500),))
    run = _run(recording, gate)
    assert run.forwarded == ((0, 500), (1740, 3000))
    assert run.barge_in_ms == ()


def test_the_far_end_counts_where_there_is_one() -> None:
    """The same agent, told by a foreign engine, closes the gate for the same frames."""
    config = with_mode(GatingConfig(), GatingMode.HALF_DUPLEX)
    gate = AudioGatingManager(config=config, audio_guard_enabled=False)
    run = _run(_recording(speech_like(3000, seed=3), agent_speaking=((500, 1500),)), gate)
    assert run.forwarded == ((0, 500), (1740, 3000))


@pytest.mark.parametrize("provider", ["deepgram", "local"])
def test_a_provider_that_is_not_gated_gets_everything(provider: str) -> None:
    """Through the gate that the engine would make."""
    recording = _recording(silence(400), far_end=silence(400), agent_speaking=((0, 400),))
    run = run_gate(recording, provider=provider, gate=make_gate(GatingConfig()))
    assert run.forwarded == ((0, 400),)
    assert run.events == ()


def test_the_same_recording_gives_the_same_run() -> None:
    """But for the time that it took."""
    capture = speech_like(4000, seed=5, level_dbfs=-16.0)
    far_end = speech_like(4000, seed=6)
    recording = _recording(capture, far_end=far_end, agent_speaking=((300, 3000),))
    first, second = (_run(recording, make_gate(GatingConfig())) for _ in range(2))
    assert first == second
    assert first.events


class TestFramesTurnedDown:
    """A frame that was turned down counts by its level."""

    FRAMES = 12

    @staticmethod
    def run(
        *, attenuation_db: float, caller_speech: tuple[Interval, ...], released: int = 0
    ) -> GateRun:
        capture = speech_like(240, seed=3)
        capture[:] = 8000
        heard = frames_of(capture)
        soft = [
            (np.frombuffer(frame, "<i2") * 10 ** (-attenuation_db / 20)).astype("<i2").tobytes()
            for frame in heard
        ]

        def decide(slot: int, frame: bytes) -> GateDecision:
            if slot < 6 - released:
                return replace(_decision(forward=True), audio=(frame,))
            if slot < 6:
                return _decision(audio=(_SILENCE,))
            held = tuple(soft[slot - released : slot]) if slot == 6 else ()
            return replace(
                _decision(forward=True, audio=(*held, soft[slot]), released=held),
                measurements=GateMeasurements(attenuation_db=attenuation_db),
            )

        return run_gate(
            _recording(capture),
            provider="openai_realtime",
            gate=Gate(decide=decide),
            caller_speech=caller_speech,
        )

    @pytest.mark.parametrize(("attenuation_db", "is_forwarded"), [(19.0, True), (21.0, False)])
    def test_down_to_20_db_below_the_caller_they_are_forwarded(
        self, attenuation_db, is_forwarded
    ) -> None:
        """The caller's level is that of the labelled speech as it was captured."""
        run = self.run(attenuation_db=attenuation_db, caller_speech=((0.0, 100.0),))
        assert run.forwarded == (((0.0, 240.0),) if is_forwarded else ((0.0, 120.0),))

    def test_held_frames_that_go_out_with_them_count_the_same(self) -> None:
        """They were turned down as much."""
        run = self.run(attenuation_db=24.0, caller_speech=((0.0, 40.0),), released=2)
        assert run.forwarded == ((0.0, 80.0),)

    def test_where_nobody_speaks_there_is_no_level_to_count_by(self) -> None:
        """What went out was forwarded."""
        run = self.run(attenuation_db=40.0, caller_speech=())
        assert run.forwarded == ((0.0, 240.0),)
