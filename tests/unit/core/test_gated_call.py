"""One call's gate in somebody else's engine: slots, failures, and the same decisions as ours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support.gate_calls import FRAME, ScriptedNearEnd, agent_voice, plain_manager
from support.signals import frames_of, speech_like
from voxgate.core.audio import AudioFormat
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.config import GatingConfig, GatingMode, ProviderGatingPolicy
from voxgate.core.far_end_timeline import FarEndTimeline
from voxgate.core.gate_decision import (
    PASS_THROUGH,
    GateDecision,
    GateEvent,
    GateEventType,
    GateReason,
    GateState,
)
from voxgate.core.gated_call import FailureMode, GatedCall

SILENT = bytes(FRAME)


def _mixed(*signals: np.ndarray) -> tuple[bytes, ...]:
    total = sum(signal.astype(np.float64) for signal in signals)
    return tuple(frames_of(np.asarray(total, np.int16)))


def _echo_call() -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Return capture and far end: 6 s of the agent with its echo, the caller from 3 s on."""
    agent = speech_like(6000, level_dbfs=-20.0, seed=77)
    echo = np.concatenate([np.zeros(960, np.int16), agent[:-960]]) / 4
    caller = np.zeros(agent.size, np.int16)
    caller[24_000:40_000] = speech_like(2000, level_dbfs=-18.0, seed=5)
    return _mixed(echo, caller), tuple(frames_of(agent))


def test_the_decisions_are_those_of_a_gate_that_is_fed_slot_by_slot() -> None:
    captures, far_ends = _echo_call()
    direct = AudioGatingManager()
    direct.start_call("direct", provider="openai_realtime", now_ms=0.0)
    ours = GatedCall(AudioGatingManager(), "ours", now_ms=0.0)
    ours.far_end = FarEndTimeline(AudioFormat(), lead_ms=0.0)
    ours.receive_agent_audio(b"".join(far_ends), now_ms=0.0)
    expected: list[GateEvent] = []
    events: list[GateEvent] = []
    for number, (capture, far_end) in enumerate(zip(captures, far_ends, strict=True)):
        start_ms, end_ms = 20.0 * number, 20.0 * (number + 1)
        direct.receive_far_end("direct", far_end, start_ms, is_agent_audio=True)
        advanced = direct.advance("direct", start_ms)
        decision = direct.process("direct", capture, end_ms)
        audio = ours.receive_capture(capture, end_ms)
        assert ours.last_decision == decision
        assert audio == b"".join((*advanced.audio, *decision.audio))
        expected += [*advanced.events, *decision.events]
        events += ours.take_events()
    assert events == expected
    assert GateEventType.BARGE_IN_COMMITTED in {event.type for event in events}


def _watched_call(**options: object) -> tuple[GatedCall, ScriptedNearEnd]:
    detector = ScriptedNearEnd()
    manager = AudioGatingManager(near_end_factory=lambda: detector)
    return GatedCall(manager, "call", **options), detector  # type: ignore[arg-type]


@pytest.mark.parametrize("jitter_ms", [9.0, -9.0])
def test_captures_a_little_early_or_late_come_after_one_more_slot_each(jitter_ms: float) -> None:
    call, detector = _watched_call()
    for number in range(1, 40):
        offset_ms = jitter_ms if number > 1 and number % 2 else 0.0
        call.receive_capture(agent_voice(20)[0], 20.0 * number + offset_ms)
        assert len(detector.far_ends) == number


def test_chunks_of_any_size_are_judged_in_whole_frames() -> None:
    call, detector = _watched_call()
    call.receive_agent_audio(b"".join(agent_voice(1000)), now_ms=0.0)
    frame = agent_voice(20)[0]
    assert call.receive_capture(frame[:160], 10.0) == b""
    first = call.receive_capture(frame[160:], 20.0)
    assert len(first) == FRAME
    assert len(call.receive_capture(frame * 3, 80.0)) == 3 * FRAME
    assert len(detector.far_ends) == 4


def test_time_without_frames_is_shown_to_the_gate_slot_by_slot() -> None:
    call, detector = _watched_call()
    call.receive_agent_audio(b"".join(agent_voice(400)), now_ms=0.0)
    assert call.receive_capture(SILENT, 20.0) != b""
    for number in range(2, 12):
        call.advance(20.0 * number)
    assert len(detector.far_ends) == 11
    assert call.state is GateState.CLOSED
    filled = b"".join(call.advance(20.0 * number) for number in range(12, 60))
    assert filled
    assert not any(filled)
    assert call.counters.skipped_slots == 0


def test_a_call_that_is_not_filled_in_for_gets_nothing_for_time_without_frames() -> None:
    """All else is as with filling: what is shown to the gate, and when it closes and opens."""
    filled, filled_detector = _watched_call()
    bare, bare_detector = _watched_call(fills_idle=False)
    audio = {}
    for call in (filled, bare):
        call.receive_agent_audio(b"".join(agent_voice(400)), now_ms=0.0)
        audio[call] = call.receive_capture(agent_voice(20)[0], 20.0)
        for number in range(2, 60):
            audio[call] += call.advance(20.0 * number)
        audio[call] += call.receive_capture(SILENT, 2000.0)
    assert len(audio[filled]) > len(audio[bare]) == 2 * FRAME
    assert len(filled_detector.far_ends) == len(bare_detector.far_ends) == 100
    assert filled.take_events() == bare.take_events() != ()


@pytest.mark.parametrize("fills_idle", [True, False])
def test_an_onset_that_is_released_as_time_passes_is_never_left_out(fills_idle: bool) -> None:
    """The agent ends behind the caller's first words: they go out at once, filled in for or not."""
    detector = ScriptedNearEnd(logits=lambda number: 1.0 if number > 19 else -5.0)
    call = GatedCall(
        AudioGatingManager(near_end_factory=lambda: detector), "call", fills_idle=fills_idle
    )
    call.receive_agent_audio(b"".join(agent_voice(200)), now_ms=0.0)
    voices = agent_voice(480, seed=3)
    for number in range(1, 24):
        call.receive_capture(voices[number - 1], 20.0 * number)
    assert call.state is not GateState.OPEN
    released = call.advance(490.0)
    assert call.state is GateState.OPEN
    assert released == b"".join(voices[13:23])


def test_slots_nobody_asked_for_in_time_are_shown_and_counted() -> None:
    call, detector = _watched_call()
    call.receive_capture(SILENT, 20.0)
    call.receive_capture(SILENT, 4020.0)
    assert len(detector.far_ends) == 201
    assert call.counters.skipped_slots == 200 - 51


def test_after_hours_without_frames_the_gate_is_shown_the_last_seconds() -> None:
    """What the telephone played long ago is gone, and no work is done for it."""
    call, detector = _watched_call()
    call.receive_capture(SILENT, 20.0)
    call.receive_agent_audio(b"".join(agent_voice(1000)), now_ms=20.0)
    call.receive_capture(SILENT, 7_200_020.0)
    assert len(detector.far_ends) == 1 + 500 + 51
    assert not any(far_end.any() for far_end in detector.far_ends)
    assert call.counters.skipped_slots == 360_000 - 51
    assert call.far_end.played_ms == 1000.0


def test_a_greeting_that_began_before_the_caller_was_heard_is_played_from_its_beginning() -> None:
    call, detector = _watched_call()
    greeting = b"".join(agent_voice(1000))
    call.receive_agent_audio(greeting[:8000], now_ms=100.0)
    call.receive_agent_audio(greeting[8000:], now_ms=500.0)
    call.receive_capture(SILENT, 720.0)
    call.receive_capture(SILENT, 740.0)
    expected = np.frombuffer(greeting, "<i2")[580 * 8 :][:320]
    assert np.array_equal(np.concatenate(detector.far_ends), expected)
    assert call.far_end.played_ms == 620.0


def test_a_flush_ends_what_the_telephone_plays() -> None:
    call, detector = _watched_call()
    call.receive_agent_audio(b"".join(agent_voice(400)), now_ms=0.0)
    call.receive_capture(SILENT, 20.0)
    call.receive_capture(SILENT, 40.0)
    assert call.flush_agent_audio() == 380.0
    call.receive_capture(SILENT, 60.0)
    assert [bool(far_end.any()) for far_end in detector.far_ends] == [False, True, False]


def test_a_provider_that_is_not_gated_gets_the_very_audio() -> None:
    call = GatedCall(AudioGatingManager(), "call", provider="deepgram")
    frame = agent_voice(20)[0]
    assert call.receive_capture(frame, 20.0) == frame
    assert call.state is None
    assert call.take_events() == ()


def test_the_words_of_the_provider_confirm_a_barge_in() -> None:
    policies = {"openai_realtime": ProviderGatingPolicy(gating_enabled=True, mode=GatingMode.VAD)}
    manager = plain_manager(config=GatingConfig(providers=policies))
    call = GatedCall(manager, "call")
    call.receive_agent_audio(b"".join(agent_voice(3000)), now_ms=0.0)
    for number, frame in enumerate((SILENT,) * 10 + agent_voice(600, seed=3)):
        call.receive_capture(frame, 20.0 * (number + 1))
        if call.state is GateState.BARGE_IN:
            break
    call.receive_speech_started(20.0 * (number + 1))
    types = [event.type for event in call.take_events()]
    assert GateEventType.BARGE_IN_COMMITTED in types
    assert types[-1] is GateEventType.INTERRUPTED
    call.receive_speech_stopped(2000.0)
    assert call.counters.failures == 0


class BrokenManager(AudioGatingManager):
    """Raises at every frame."""

    def process(self, call_id: str, frame: bytes, now_ms: float) -> GateDecision:
        raise ZeroDivisionError("of ours")


@pytest.mark.parametrize("mode", list(FailureMode))
def test_a_failure_of_the_gate_costs_the_engine_nothing(mode: FailureMode) -> None:
    call = GatedCall(BrokenManager(), "call", on_failure=mode)
    frame = agent_voice(20)[0]
    expected = frame if mode is FailureMode.OPEN else SILENT
    assert [call.receive_capture(frame, 20.0 * n) for n in (1, 2)] == [expected] * 2
    assert (call.counters.failures, call.counters.last_failure) == (2, "ZeroDivisionError")


def test_agent_audio_that_is_none_costs_the_engine_nothing() -> None:
    call = GatedCall(AudioGatingManager(), "call")
    call.receive_agent_audio(None, 0.0)  # type: ignore[arg-type]
    assert (call.counters.failures, call.counters.last_failure) == (1, "TypeError")


def test_a_closed_call_is_forgotten_and_says_nothing() -> None:
    manager = AudioGatingManager()
    call = GatedCall(manager, "call")
    call.receive_capture(SILENT, 20.0)
    call.receive_agent_audio(b"".join(agent_voice(400)), 20.0)
    call.close()
    call.close()
    assert len(manager) == 0
    assert call.receive_capture(SILENT, 40.0) == b""
    assert call.advance(60.0) == b""
    call.receive_speech_started(60.0)
    call.receive_speech_stopped(60.0)
    call.receive_agent_audio(SILENT, 60.0)
    assert call.far_end.waiting_ms == 0.0
    assert manager.counters.unknown_call_inputs == 0
    GatedCall(manager, "call")


class EventfulManager(AudioGatingManager):
    """Something happens at every frame."""

    def process(self, call_id: str, frame: bytes, now_ms: float) -> GateDecision:
        event = GateEvent(
            type=GateEventType.GATE_OPENED, t_ms=now_ms, reason=GateReason.AGENT_SILENT
        )
        return replace(PASS_THROUGH, events=(event,))


def test_events_that_nobody_takes_are_bounded() -> None:
    call = GatedCall(EventfulManager(), "call")
    for number in range(300):
        call.receive_capture(SILENT, 20.0 * number)
    assert [event.t_ms for event in call.take_events()] == [20.0 * n for n in range(44, 300)]
    assert call.counters.dropped_events == 44
    assert call.take_events() == ()


def test_where_nothing_is_shown_of_the_far_end_the_provider_s_word_closes_the_gate() -> None:
    call, detector = _watched_call(shows_far_end=False)
    call.receive_agent_speaking(0.0, is_speaking=True, audio_ms=200.0)
    call.receive_agent_speaking(0.0, is_speaking=False)
    for number in range(1, 6):
        call.receive_capture(SILENT, 20.0 * number)
        assert call.state is GateState.CLOSED
    for number in range(6, 40):
        call.receive_capture(SILENT, 20.0 * number)
    assert call.state is GateState.OPEN
    assert detector.far_ends == []
    call.receive_agent_audio(b"".join(agent_voice(400)), now_ms=780.0)
    for number in range(40, 50):
        call.receive_capture(SILENT, 20.0 * number)
    assert call.state is GateState.CLOSED
    assert len(detector.far_ends) == 10


def test_a_far_end_that_is_shown_wins_over_the_provider_s_word() -> None:
    call, _ = _watched_call()
    call.receive_capture(SILENT, 20.0)
    call.receive_agent_speaking(20.0, is_speaking=True, audio_ms=200.0)
    call.receive_capture(SILENT, 40.0)
    assert call.state is GateState.OPEN
    call.close()
    call.receive_agent_speaking(60.0, is_speaking=True)
    assert call.counters.failures == 0


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"provider": "openai_realtme"}, "did you mean 'openai_realtime'"),
        ({"on_failure": "opn"}, "not one of open, closed"),
        ({"capture_format": "mulaw"}, "capture_format: 'mulaw' is not an AudioFormat"),
        ({"far_end_format": "mulaw"}, "far_end_format: 'mulaw' is not an AudioFormat"),
    ],
)
def test_a_choice_that_there_is_none_of_is_an_error_and_no_call(
    options: dict[str, str], word: str
) -> None:
    manager = AudioGatingManager()
    with pytest.raises((ValueError, TypeError), match=word):
        GatedCall(manager, "call", **options)  # type: ignore[arg-type]
    assert len(manager) == 0


def test_a_failure_mode_may_be_given_by_its_name() -> None:
    call = GatedCall(BrokenManager(), "call", on_failure="closed")  # type: ignore[arg-type]
    assert call.receive_capture(agent_voice(20)[0], 20.0) == SILENT
    call = GatedCall(BrokenManager(), "other", on_failure="open")  # type: ignore[arg-type]
    assert call.receive_capture(agent_voice(20)[0], 20.0) == agent_voice(20)[0]


def test_who_allows_it_has_calls_of_unknown_providers_pass_and_be_counted() -> None:
    manager = AudioGatingManager()
    call = GatedCall(manager, "call", provider="opnai", allows_unknown_provider=True)
    assert call.receive_capture(agent_voice(20)[0], 20.0) == agent_voice(20)[0]
    assert manager.counters.unknown_provider_calls == 1


@pytest.mark.parametrize(
    "rate_hz", [8000, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000]
)
def test_every_rate_that_the_guide_names_is_taken(rate_hz: int) -> None:
    audio_format = AudioFormat(rate_hz=rate_hz)
    call = GatedCall(AudioGatingManager(), "call", capture_format=audio_format)
    frame = bytes(audio_format.frame_bytes)
    call.receive_agent_audio(frame * 5, 0.0)
    out = b"".join(call.receive_capture(frame, 20.0 * number) for number in range(1, 11))
    assert len(out) == 10 * len(frame)
    assert call.counters.failures == 0
