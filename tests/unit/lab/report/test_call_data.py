"""A recorded call as columns on one scale of time."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from support.taped_calls import START_MS, MemoryCall, Talk, eventful_call, speech, taped_call
from voxgate.core.config import GatingConfig
from voxgate.core.gate_decision import GateAction, GateEventType, GateReason, GateState
from voxgate.core.gate_tape import FrameCaptured
from voxgate.lab.report import call_data as module
from voxgate.lab.report.call_data import STATES, CallData, Sent, gather_call
from voxgate.recordings import RecordedEnd


def gathered(recorded: MemoryCall) -> CallData:
    return gather_call(recorded)  # type: ignore[arg-type]


def asked(duration_ms: int) -> MemoryCall:
    """A second of silence, and then the caller."""
    return taped_call(lambda call: (call.quiet(1000), call.play(speech(duration_ms, seed=3))))  # type: ignore[func-returns-value]


def test_each_slot_has_what_was_decided_about_it() -> None:
    """The caller's first words were withheld and released; what follows was let through."""
    data = gathered(asked(1000))
    assert len(data.slots) == 100
    assert data.duration_ms == 2000
    assert set(data.slots.sent[:30].tolist()) == {Sent.WITHHELD}
    assert set(data.slots.sent[60:].tolist()) == {Sent.FORWARDED}
    assert Sent.RELEASED in data.slots.sent[30:60]
    assert data.released == (data.slots.sent == Sent.RELEASED).sum()
    assert set(data.slots.state.tolist()) == {STATES.index(GateState.OPEN)}
    assert data.slots.capture_dbfs[80] == pytest.approx(-18, abs=6)
    assert np.isnan(data.slots.near_end_logit).all()
    assert data.is_gated


def test_nothing_of_the_call_is_left_out() -> None:
    """Every event, every chunk by its reason, every configuration."""
    recorded = eventful_call()
    data = gathered(recorded)
    decided = [(each.given, each.decision) for each in recorded.taped if each.decision is not None]
    events = [event for _, decision in decided for event in decision.events]
    assert [moment.event for moment in data.moments] == events
    assert all(
        moment.t_ms == event.t_ms - START_MS
        for moment, event in zip(data.moments, events, strict=True)
    )
    chunks = [decision for given, decision in decided if isinstance(given, FrameCaptured)]
    kinds = Counter((decision.action, decision.reason) for decision in chunks)
    assert data.reasons.keys() == kinds.keys()
    music = GateAction.WITHHOLD, GateReason.LINE_MUSIC
    assert data.reasons[music] == 20 * kinds[music]
    assert len(data.configs) == 3
    assert data.configs[1][1].audio_guard.sensitivity == 0.4
    states = {STATES[code] for code in data.slots.state}
    assert states == set(GateState)


def test_a_trace_without_audio_has_the_same_columns() -> None:
    """As far as they are not of the sound itself."""
    recorded = asked(1000)
    whole, trace = gathered(recorded), gathered(recorded.without_audio())
    assert trace.tracks is None
    assert trace.configs == whole.configs != ()
    assert trace.reasons == whole.reasons
    assert trace.moments == whole.moments
    for name in ("state", "sent", "capture_dbfs", "speech_logit"):
        columns = [getattr(data.slots, name) for data in (trace, whole)]
        assert np.array_equal(*columns, equal_nan=True)


def test_a_call_that_is_not_gated_has_no_decisions() -> None:
    """What was told of it is there all the same."""
    data = gathered(taped_call(lambda call: call.play(speech(400, seed=3)), provider="deepgram"))
    assert not data.is_gated
    assert data.moments == ()
    assert data.reasons == {(GateAction.FORWARD, GateReason.PASS_THROUGH): 400}


def test_the_call_is_as_long_as_the_longest_of_its_parts() -> None:
    """Its end may come after the last sound."""
    recorded = asked(500)
    end = RecordedEnd(reason="caller_hangup", duration_ms=9000.0, provider="openai_realtime")
    data = gathered(replace(recorded, end=end))
    assert data.duration_ms == 9000
    assert len(data.slots) == 450
    assert (data.slots.sent[200:] == Sent.NOTHING).all()


def test_a_long_chunk_fills_the_slots_that_it_lasted() -> None:
    """A burst is laid back to where it was captured."""

    def talk(call: Talk) -> None:
        for _ in range(49):
            call.slot()
        call.slot(b"".join(speech(400, seed=3)))

    data = gathered(taped_call(talk))
    assert (data.slots.sent[30:50] != Sent.NOTHING).all()
    assert (data.slots.sent[:30] == Sent.NOTHING).all()


def test_a_day_is_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that jumps makes no column that fills the memory."""
    monkeypatch.setattr(module, "_MAX_SLOTS", 5000)
    recorded = asked(500)
    taped = recorded.taped[-2]
    assert taped.decision is not None
    late = replace(taped, given=replace(taped.given, now_ms=1e12))  # type: ignore[type-var]
    data = gathered(replace(recorded, taped=[*recorded.taped, late]))
    assert len(data.slots) == 5000
    assert data.duration_ms == 5000 * 20


def test_an_empty_recording_is_one_slot() -> None:
    """A call that ended at once."""
    data = gathered(taped_call(lambda call: None))
    assert len(data.slots) == 1
    assert data.duration_ms == 20
    assert [config for _, config in data.configs] == [GatingConfig()]
    assert not [m for m in data.moments if m.event.type is GateEventType.GATE_CLOSED]


@pytest.mark.parametrize("has_audio", [True, False])
def test_a_burst_lies_where_it_was_captured(has_audio: bool) -> None:
    """What a stall held back came at once, and ended when it came; nothing of it lies later."""

    def talk(call: Talk) -> None:
        call.quiet(1000)
        frames = speech(1000, seed=3)
        for _ in range(24):
            call.slot()
        call.slot(*frames[:25])
        call.play(frames[25:])

    recorded = taped_call(talk)
    data = gathered(recorded if has_audio else recorded.without_audio())
    assert len(data.slots) == 100
    assert (data.slots.sent[:100] != Sent.NOTHING).all()
    assert not np.isnan(data.slots.capture_dbfs[50:100]).any()


def test_chunks_that_come_a_little_late_leave_no_holes() -> None:
    """A telephone network's jitter: each chunk lies behind the one before."""
    late_ms = [0.0, 11.0, 19.0, 3.0, 17.0]

    def talk(call: Talk) -> None:
        for n, frame in enumerate(speech(1000, seed=3)):
            call.now_ms += late_ms[n % 5]
            call.slot(frame)
            call.now_ms -= late_ms[n % 5]

    data = gathered(taped_call(talk))
    assert (data.slots.sent[:49] != Sent.NOTHING).all()
    assert sum(data.reasons.values()) == 1000


def test_chunks_of_half_a_frame_are_not_counted_double() -> None:
    """Some lines deliver 10 ms at a time."""

    def talk(call: Talk) -> None:
        for frame in speech(1000, seed=3):
            call.slot(frame[:160], frame[160:])

    recorded = taped_call(talk)
    for data in (gathered(recorded), gathered(recorded.without_audio())):
        assert sum(data.reasons.values()) == 1000
        assert (data.slots.sent[1:] != Sent.NOTHING).all()


def test_where_a_chunk_was_recorded_it_lies() -> None:
    """Whenever it came."""
    recorded = asked(200)
    taped = [
        replace(each, track_ms=each.given.now_ms + 980.0)
        if isinstance(each.given, FrameCaptured)
        else each
        for each in recorded.taped
    ]
    data = gathered(replace(recorded, taped=taped))
    assert (data.slots.sent[:50] == Sent.NOTHING).all()
    assert (data.slots.sent[50:110] != Sent.NOTHING).all()


def ungated(*, then_gated: bool = False) -> MemoryCall:
    """Two seconds of a provider that gets all that comes, so that no chunk of it is recorded."""

    def talk(call: Talk) -> None:
        for _ in range(100):
            call.now_ms += 20.0
            call.manager.set_agent_speaking("call-1", False, call.now_ms)
        call.manager.receive_provider_speech_started("call-1", call.now_ms)
        if then_gated:
            call.manager.cleanup_call("call-1")
            call.begin("openai_realtime")
            call.quiet(1000)

    return taped_call(talk, provider="deepgram")


def test_what_nobody_judges_passes() -> None:
    """It is not shown as kept back; no gate stood, though the provider hears the caller."""
    for recorded in (ungated(), ungated().without_audio()):
        data = gathered(recorded)
        assert not data.is_gated
        assert (data.slots.sent == Sent.FORWARDED).all()
        assert (data.slots.state == -1).all()
        assert data.reasons == {(GateAction.FORWARD, GateReason.PASS_THROUGH): 2000}


def test_a_gate_that_takes_over_judges_from_then_on() -> None:
    """Silence after it is kept back, what was before it passed."""
    data = gathered(ungated(then_gated=True))
    assert data.is_gated
    assert (data.slots.sent[:100] == Sent.FORWARDED).all()
    assert (data.slots.sent[101:] == Sent.WITHHELD).all()
    assert (data.slots.state[:99] == -1).all()
    assert (data.slots.state[101:] != -1).all()
