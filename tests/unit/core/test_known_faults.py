"""Faults that gates of this kind have had in the field, each with a test that would have found it.

Most are properties that other tests cover in more detail; here they stand together, one by one, and
each on whole calls through the manager.
"""

from __future__ import annotations

import pytest

from support.gate_calls import AdamantVad, GateCall, agent_voice, plain_manager
from support.signals import frames_of, silence, speech_like, tone, white_noise
from voxgate.core import gate_factory
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.config import GatingConfig, GatingMode, ProviderGatingPolicy
from voxgate.core.gate_decision import GateEventType, GateState
from voxgate.core.vad_manager import EnhancedVADManager

E = GateEventType


def caller(duration_ms: int, *, level_dbfs: float = -18.0, seed: int = 1) -> list[bytes]:
    return frames_of(speech_like(duration_ms, level_dbfs=level_dbfs, seed=seed))


def echo(duration_ms: int, *, seed: int = 2) -> list[bytes]:
    return caller(duration_ms, level_dbfs=-32.0, seed=seed)


def over_agent(call: GateCall, captured: list[bytes]) -> GateCall:
    """Capture frames while the agent talks, after half a second of it."""
    call.quiet(500, agent=True)
    call.play(captured, agent_voice(20 * len(captured)))
    return call


@pytest.mark.parametrize("rate_hz", [12_000, 24_000, 44_100])
def test_rates_that_the_voice_detector_does_not_know(rate_hz) -> None:
    """Fault: 24 kHz audio was handed to a VAD for 8, 16, 32 and 48 kHz, so nobody could interrupt.

    At such a rate a caller interrupts as at 8 kHz.
    """
    audio_format = AudioFormat(Encoding.PCM16, rate_hz)
    samples = speech_like(1000, level_dbfs=-18.0, seed=1, rate_hz=rate_hz)
    call = over_agent(GateCall(capture_format=audio_format), frames_of(samples, rate_hz=rate_hz))
    assert call.stats.barge_ins == 1
    assert call.stats.degradations == 0


@pytest.mark.parametrize("grace_ms", [0, 400, 1500])
def test_the_grace_is_read(grace_ms) -> None:
    """Fault: ``post_speech_grace_ms`` was in the configuration and never looked at.

    The gate stays closed for exactly as long after the agent's last slot.
    """
    policy = ProviderGatingPolicy(gating_enabled=True, post_speech_grace_ms=grace_ms)
    config = GatingConfig(providers={"openai_realtime": policy})
    call = GateCall(plain_manager(config=config))
    call.quiet(500, agent=True)
    decisions = call.quiet(2000)
    closed_ms = 20 * sum(decision.state is GateState.CLOSED for decision in decisions)
    assert grace_ms <= closed_ms + 20 <= grace_ms + 40


def test_echo_is_not_flushed_when_the_agent_is_done() -> None:
    """Fault: on "agent done" the buffer, 500 ms of echo, was flushed to the provider.

    Neither at the end of generation nor at the end of playing goes out a single held frame.
    """
    call = GateCall()
    call.quiet(500)
    call.manager.set_agent_speaking("call", True, call.now_ms, audio_ms=2000)
    call.play(echo(2000), agent_voice(2000))
    call.manager.set_agent_speaking("call", False, call.now_ms)
    call.play(echo(200, seed=3))
    call.quiet(2000)
    assert call.sound == []
    assert call.stats.discarded_frames > 0
    assert call.stats.released_frames == 0


def test_playing_outlasts_generating() -> None:
    """Fault: the agent's state followed generation; all echo passed while playout went on.

    After generation has ended, 20 of 20 frames of echo of what is still being played are withheld.
    """
    call = GateCall()
    call.quiet(500)
    call.manager.set_agent_speaking("call", True, call.now_ms, audio_ms=5000)
    call.manager.set_agent_speaking("call", False, call.now_ms)
    call.quiet(500, agent=True)
    decisions = call.play(echo(400), agent_voice(400))
    assert [decision.action for decision in decisions] == ["withhold"] * 20


def test_the_caller_is_not_muted_while_the_agent_generates() -> None:
    """Fault: the live substitute dropped all of the caller's audio during generation, 30 of 30.

    While the agent generates and nothing is played yet, every frame of the caller goes out.
    """
    call = GateCall()
    call.play(caller(400))
    n_before = len(call.sound)
    call.manager.set_agent_speaking("call", True, call.now_ms, audio_ms=5000)
    frames = caller(600, seed=3)
    call.play(frames)
    assert call.sound[n_before:] == frames


@pytest.mark.parametrize("frequency_hz", [400.0, 1000.0, 3000.0])
def test_one_click_or_tone_does_not_open_the_gate(frequency_hz) -> None:
    """Fault: one 20 ms click or tone at RMS 6000 opened the gate.

    No candidate, no barge-in, and the click itself does not go out.
    """
    click = frames_of(tone(20, frequency_hz, level_dbfs=-14.75))
    call = over_agent(GateCall(), [*click, *frames_of(silence(1000))])
    assert call.event_types == [E.GATE_CLOSED]
    assert call.sound == []


def test_calls_do_not_share_a_voice_detector() -> None:
    """Fault: one VAD object, which adapts to what it hears, served all calls.

    A caller in one call is heard at the same frame with or without a noisy call beside it.
    """

    def committed_at(manager: AudioGatingManager, *, is_beside: bool) -> float:
        call = GateCall(manager, call_id="call")
        other = GateCall(manager, call_id="other") if is_beside else None
        noise = frames_of(white_noise(3000, level_dbfs=-10.0))
        captured = [*[bytes(320)] * 50, *caller(600, seed=4)]
        for number, frame in enumerate(captured):
            if other is not None:
                other.slot(noise[number])
            call.slot(frame, agent=agent_voice(3000)[number])
        return next(event.t_ms for event in call.events if event.type is E.BARGE_IN_COMMITTED)

    vad = EnhancedVADManager()
    beside = committed_at(plain_manager(vad), is_beside=True)
    assert beside == committed_at(plain_manager(), is_beside=False)
    assert len(vad) == 2


def test_a_late_event_does_not_bring_a_call_back() -> None:
    """Fault: an event after cleanup re-created the call's state, for ever.

    Words on the agent, audio and time after the end of the call leave nothing behind.
    """
    vad = EnhancedVADManager()
    call = over_agent(GateCall(plain_manager(vad)), caller(400))
    manager = call.manager
    manager.cleanup_call("call")
    manager.set_agent_speaking("call", False)
    manager.set_agent_speaking("call", False, call.now_ms)
    manager.process("call", bytes(320), call.now_ms)
    manager.advance("call", call.now_ms)
    assert (len(manager), len(vad)) == (0, 0)


def test_a_second_instance_is_gated_like_the_first() -> None:
    """Fault: matching by exact provider name let a second instance through ungated."""
    for provider in ("openai_realtime", "openai_realtime_2", "openai_realtime-3"):
        call = over_agent(GateCall(provider=provider), echo(500))
        assert call.state is GateState.CLOSED
        assert call.sound == []


def test_withheld_frames_leave_no_hole_in_time() -> None:
    """Fault: the provider's own turn detector, starved, never ended a turn, and the agent was mute.

    Over a minute of listening and speaking the provider gets the line's time, slot by slot.
    """
    call = GateCall()
    for number in range(6):
        call.play(caller(2000, seed=number))
        call.quiet(1000)
        over_agent(call, echo(6500, seed=number))
        call.quiet(500)
        assert call.audio_ms >= call.now_ms
    turns = [len(decision.audio) for decision in call.decisions if decision.measurements]
    assert min(turns) >= 0
    assert turns.count(0) == call.stats.surplus_frames


def test_false_barge_ins_do_not_cut_replies_off() -> None:
    """Complaint: on a clean install every reply was cut off after 1 to 2 s.

    Ten replies of 6 s with their echo: none is paused, interrupted or opened.
    """
    call = GateCall()
    for number in range(10):
        over_agent(call, echo(5500, seed=number))
        call.quiet(1000)
    assert set(call.event_types) == {E.GATE_CLOSED, E.GATE_OPENED, E.HELD_DISCARDED}
    assert call.stats.interruptions == 0


@pytest.mark.parametrize("method", ["process", "advance", "receive_far_end"])
def test_a_gate_that_is_a_stub_is_noticed(method, monkeypatch) -> None:
    """Fault: a suite of 508 tests passed with the gating class replaced by a stub that raises.

    The manager neither swallows what the gate raises nor gets by without it.
    """

    class Stub(gate_factory.GatingState):
        def _raise(self, *args: object, **kwargs: object) -> None:
            raise NotImplementedError("a stub")

    setattr(Stub, method, Stub._raise)
    monkeypatch.setattr(gate_factory, "GatingState", Stub)
    with pytest.raises(NotImplementedError):
        GateCall().slot(bytes(320))


def test_providers_without_need_are_left_alone() -> None:
    """Fault: the gate was taken out for all, because it stood in the way of providers that did not
    need it.

    Deepgram's frames are not looked at, whatever the agent does.
    """
    call = GateCall(plain_manager(AdamantVad()), provider="deepgram")
    frames = caller(1000)
    over_agent(call, frames)
    processed = call.decisions[50::2]
    sent = [decision.audio_for(frame) for decision, frame in zip(processed, frames, strict=True)]
    assert all(chunk is frame for (chunk,), frame in zip(sent, frames, strict=True))


@pytest.mark.parametrize("mode", list(GatingMode))
def test_no_mode_mutes_a_caller_while_the_agent_is_silent(mode) -> None:
    """Whatever the mode, after the agent's turn the caller is heard from the first word on."""
    policy = ProviderGatingPolicy(gating_enabled=True, mode=mode)
    config = GatingConfig(providers={"openai_realtime": policy})
    call = over_agent(GateCall(plain_manager(config=config)), [bytes(320)] * 50)
    call.quiet(1000)
    frames = caller(1000)
    call.play(frames)
    assert call.sound == frames
