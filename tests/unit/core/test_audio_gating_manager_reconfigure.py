"""A running call takes other thresholds at its next frame, and keeps what it has learned."""

from __future__ import annotations

from dataclasses import fields, replace
from enum import Enum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.gate_calls import (
    GateCall,
    ScriptedCanceller,
    ScriptedNearEnd,
    agent_voice,
    plain_manager,
)
from support.signals import frames_of, speech_like, white_noise
from voxgate.config.reload_rules import TakesEffect, rule_for
from voxgate.core.audio import AudioFormat
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.config import (
    AudioGuardConfig,
    BargeInConfig,
    ForwardedAudio,
    GatingConfig,
    GatingMode,
    IdleFillConfig,
    ProviderGatingPolicy,
    QuieterVoices,
    VadConfig,
    WithheldAudio,
)
from voxgate.core.gate_decision import GateAction, GateDecision, GateEventType, GateState
from voxgate.core.vad_manager import EnhancedVADManager

GATED = "openai_realtime"
E = GateEventType
CALLER = tuple(frames_of(speech_like(2000, level_dbfs=-18.0, seed=1)))
NOISE = tuple(frames_of(white_noise(2000, level_dbfs=-40.0, seed=2)))


def configured(policy: dict[str, object] | None = None, **sections: object) -> GatingConfig:
    """Return a configuration in which the gated kind has these keys."""
    own = ProviderGatingPolicy(gating_enabled=True, **(policy or {}))
    return GatingConfig(providers={GATED: own}, **sections)


def by_voice(policy: dict[str, object] | None = None, **sections: object) -> GatingConfig:
    return configured({"mode": GatingMode.VAD, **(policy or {})}, **sections)


def packaged(config: GatingConfig) -> AudioGatingManager:
    return AudioGatingManager(config=config)


# -- the same configuration changes nothing --------------------------------------------------------


def place_call(
    manager: AudioGatingManager, told: dict[int, GatingConfig] | None = None
) -> list[GateDecision]:
    """A call with an interruption, noise, a hole and a provider's word; told at these slots."""
    call = GateCall(manager)
    captured = [*NOISE[:20], *CALLER[:30], *NOISE[20:60], *CALLER[30:70], *NOISE[60:]]
    agent = [None] * 50 + list(agent_voice(1600))
    for n in range(140):
        if told and n in told:
            manager.reconfigure(told[n], call.now_ms)
        chunks = () if 96 <= n < 106 else (captured[n],)
        call.slot(*chunks, agent=agent[n] if n < len(agent) else None)
        if n == 120:
            call.hear_provider()
    return call.decisions


@pytest.mark.parametrize("mode", list(GatingMode))
def test_the_same_configuration_changes_no_decision(mode: GatingMode) -> None:
    """Told it at every slot, in every mode: to the bit, audio and measurements included."""
    config = configured({"mode": mode})
    same = configured({"mode": mode})
    told = dict.fromkeys(range(140), same)
    decisions = place_call(packaged(config), told)
    assert decisions == place_call(packaged(config))
    if mode is GatingMode.ECHO_AWARE:
        assert E.BARGE_IN_COMMITTED in {e.type for d in decisions for e in d.events}


async def test_the_same_configuration_changes_no_answer_of_the_older_face() -> None:
    """Its calls begin on first use, and are told like any other."""
    manager, other = packaged(configured()), packaged(configured())
    for n, chunk in enumerate((*NOISE[:30], *CALLER, *NOISE[30:])):
        if n % 3 == 0:
            manager.reconfigure(configured(), 0.0)
        if n == 60:
            manager.set_agent_speaking("call", True, audio_ms=500.0)
            other.set_agent_speaking("call", True, audio_ms=500.0)
        answer = await manager.should_forward_audio("call", GATED, chunk)
        assert answer == await other.should_forward_audio("call", GATED, chunk)


def test_voice_activity_of_ones_own_stays_while_its_section_does() -> None:
    """A manager with thresholds of its own is not told the configuration's, unless they change."""
    vad = EnhancedVADManager(webrtc_aggressiveness=0, energy_threshold=77)
    manager = plain_manager(vad, config=by_voice())
    manager.reconfigure(by_voice({"vad_threshold": 0.9}), 0.0)
    assert vad.config.energy_threshold == 77
    manager.reconfigure(by_voice(vad=VadConfig(energy_threshold=300)), 0.0)
    assert vad.config == VadConfig(energy_threshold=300)


# -- never an exception ----------------------------------------------------------------------------

policies = st.builds(
    ProviderGatingPolicy,
    gating_enabled=st.booleans(),
    mode=st.sampled_from(GatingMode),
    withheld_audio=st.sampled_from(WithheldAudio),
    forwarded_audio=st.sampled_from(ForwardedAudio),
    post_speech_grace_ms=st.integers(0, 3000),
    vad_threshold=st.floats(0.0, 1.0),
    energy_threshold=st.integers(0, 32_767),
    sensitivity=st.floats(0.0, 1.0),
)
guards = st.builds(
    AudioGuardConfig,
    initial_noise_floor=st.floats(1.0, 2000.0),
    speech_threshold_factor=st.floats(1.0, 20.0),
    hangover_ms=st.integers(0, 3000),
    noise_hangover_ms=st.integers(0, 3000),
    sensitivity=st.floats(0.0, 1.0),
    preroll_ms=st.integers(0, 500),
    quieter_voices=st.sampled_from(QuieterVoices),
    quieter_voice_db=st.floats(6.0, 30.0),
)
barge_ins = st.builds(
    BargeInConfig,
    candidate_ms=st.integers(20, 140),
    min_ms=st.integers(140, 2000),
    evidence_release_ms=st.integers(20, 2000),
    onset_preroll_ms=st.integers(0, 480),
    confirm_speech_ms=st.integers(20, 5000),
    confirm_timeout_ms=st.integers(100, 10_000),
    turn_end_ms=st.integers(100, 5000),
    cooldown_ms=st.integers(0, 10_000),
)
vads = st.builds(
    VadConfig,
    webrtc_aggressiveness=st.integers(0, 3),
    confidence_threshold=st.floats(0.0, 1.0),
    energy_threshold=st.integers(0, 32_767),
    smoothing_frames=st.integers(1, 25),
)
configs = st.builds(
    GatingConfig,
    providers=policies.map(lambda policy: {GATED: policy}),
    vad=vads,
    audio_guard=guards,
    barge_in=barge_ins,
    idle_fill=st.builds(IdleFillConfig, after_ms=st.integers(40, 2000)),
)


@settings(max_examples=25)
@given(configs, st.dictionaries(st.integers(0, 139), configs, max_size=5))
def test_no_configuration_at_any_moment_raises_or_loses_a_frame(
    config: GatingConfig, told: dict[int, GatingConfig]
) -> None:
    """Whatever the state, and the counters still add up."""
    policy = replace(config.providers[GATED], gating_enabled=True)
    manager = plain_manager(config=replace(config, providers={GATED: policy}))
    decisions = place_call(manager, told)
    stats = manager.get_stats("call")
    assert stats is not None
    assert stats.captured_frames == stats.forwarded_frames + stats.withheld_frames == 130
    n_sent = sum(len(decision.audio) for decision in decisions)
    assert n_sent == stats.forwarded_frames + stats.released_frames + stats.silence_frames


@settings(max_examples=10)
@given(st.lists(configs, min_size=1, max_size=3))
def test_the_same_changes_at_the_same_time_give_the_same_decisions(
    changes: list[GatingConfig],
) -> None:
    """Replay rests on that."""
    told = {30 * n + 20: config for n, config in enumerate(changes)}
    first = place_call(plain_manager(config=by_voice()), told)
    assert place_call(plain_manager(config=by_voice()), told) == first


# -- what the rules say of each key ----------------------------------------------------------------

SECTIONS = ("vad", "audio_guard", "barge_in", "idle_fill")
POLICY = f"gating.providers.{GATED}"
TURNED: dict[str, Any] = {
    f"{POLICY}.mode": GatingMode.HALF_DUPLEX,
    f"{POLICY}.sensitivity": 1.0,
    f"{POLICY}.aliases": ("another",),
    "barge_in.candidate_ms": 120,
    "audio_guard.hangover_ms": 40,
    "audio_guard.initial_noise_floor": 900.0,
    "audio_guard.quieter_voice_db": 20.0,
}
"""Other values, where twice as much would not be allowed, or would not be seen."""


def model_of(config: GatingConfig, section: str) -> Any:
    return config.providers[GATED] if section == POLICY else getattr(config, section)


def other_value(key: str, value: Any) -> Any:
    if key in TURNED:
        return TURNED[key]
    if isinstance(value, Enum):
        return next(each for each in type(value) if each is not value)
    return not value if isinstance(value, bool) else type(value)(0.5 * value)


def turned(config: GatingConfig, key: str) -> GatingConfig:
    """Return a configuration in which one key has another value."""
    section, _, name = key.rpartition(".")
    model = model_of(config, section)
    model = replace(model, **{name: other_value(key, getattr(model, name))})
    return replace(
        config, **({"providers": {GATED: model}} if section == POLICY else {section: model})
    )


KEYS = [
    f"{section}.{each.name}"
    for section in (POLICY, *SECTIONS)
    for each in fields(model_of(configured(), section))
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_reaches_what_the_rules_say(key: str) -> None:
    """A call told of it before its first frame is as one begun with it, or as one never told."""
    rule = rule_for(key)
    for mode in (GatingMode.VAD, GatingMode.ECHO_AWARE):
        config = configured({"mode": mode})
        other = turned(config, key)
        assert other != config
        told = place_call(packaged(config), {0: other})
        is_running = rule.takes_effect is TakesEffect.RUNNING_CALLS
        assert told == place_call(packaged(other if is_running else config))


# -- later frames are judged by it -----------------------------------------------------------------


def over_agent(call: GateCall, frames: tuple[bytes, ...] = CALLER[:20]) -> list[GateEventType]:
    """Let the agent speak, and the caller into it; return what happened."""
    n_before = len(call.events)
    call.play([], agent_voice(200))
    call.play(frames, agent_voice(20 * len(frames)))
    return call.event_types[n_before:]


STUBBORN = {
    "vad_threshold": {"policy": {"vad_threshold": 1.0}, "vad": VadConfig(smoothing_frames=25)},
    "energy_threshold": {"policy": {"energy_threshold": 32_767}},
    "min_ms": {"barge_in": BargeInConfig(candidate_ms=1000, min_ms=2000)},
}


@pytest.mark.parametrize("name", STUBBORN)
def test_the_next_interruption_is_judged_by_the_new_thresholds(name: str) -> None:
    """What opened the gate before does not any more, and does again once it is changed back."""
    call = GateCall(plain_manager(config=by_voice()))
    assert E.BARGE_IN_COMMITTED in over_agent(call)
    call.quiet(3000)
    call.manager.reconfigure(by_voice(**STUBBORN[name]), call.now_ms)
    assert E.BARGE_IN_COMMITTED not in over_agent(call)
    call.quiet(3000)
    call.manager.reconfigure(by_voice(), call.now_ms)
    assert E.BARGE_IN_COMMITTED in over_agent(call)


def test_in_the_middle_of_evidence_the_rest_is_judged_by_it() -> None:
    """100 ms are gathered under 140 ms; a limit of 60 ms opens with the next frame of speech."""
    call = GateCall(plain_manager(config=by_voice()))
    call.play([], agent_voice(400))
    for n, frame in enumerate(CALLER):
        call.slot(frame, agent=agent_voice(2400)[20 + n])
        if call.state is GateState.CANDIDATE:
            break
    assert call.state is GateState.CANDIDATE
    soon = BargeInConfig(candidate_ms=20, min_ms=60)
    call.manager.reconfigure(by_voice(barge_in=soon), call.now_ms)
    call.slot(CALLER[n + 1], agent=agent_voice(2400)[21 + n])
    assert call.state is GateState.BARGE_IN
    assert E.ONSET_RELEASED in call.event_types, "what was held went out with it"


def echo_aware(logit: float, sensitivity: float = 0.5) -> tuple[GateCall, ScriptedNearEnd]:
    near_end = ScriptedNearEnd(lambda number: logit)
    config = configured({"sensitivity": sensitivity})
    return GateCall(AudioGatingManager(config=config, near_end_factory=lambda: near_end)), near_end


def test_sensitivity_moves_the_thresholds_of_a_running_call() -> None:
    """Log odds of 0 open at 1 only; the very detector goes on, which has learned the echo."""
    call, near_end = echo_aware(0.0)
    assert E.CANDIDATE_STARTED not in over_agent(call)
    call.manager.reconfigure(configured({"sensitivity": 1.0}), call.now_ms)
    n_seen = len(near_end.captures)
    assert E.BARGE_IN_COMMITTED in over_agent(call)
    assert len(near_end.captures) > n_seen


def test_the_mode_is_that_of_calls_that_start_later() -> None:
    """As are the audio that is forwarded, and whether there is a gate at all."""
    call, near_end = echo_aware(-9.0)
    over_agent(call)
    call.manager.reconfigure(by_voice(), call.now_ms)
    n_seen = len(near_end.captures)
    over_agent(call)
    assert len(near_end.captures) > n_seen, "the reference still tells"
    later = GateCall(call.manager, call_id="later")
    n_seen = len(near_end.captures)
    assert E.BARGE_IN_COMMITTED in over_agent(later)
    assert len(near_end.captures) == n_seen


def test_gating_turned_off_is_for_calls_that_start_later() -> None:
    """A running call keeps its gate, which takes what else has changed."""
    call = GateCall(plain_manager(config=by_voice()))
    off = {"gating_enabled": False, "mode": GatingMode.VAD, "energy_threshold": 32_767}
    config = GatingConfig(providers={GATED: ProviderGatingPolicy(**off)})
    call.manager.reconfigure(config, call.now_ms)
    assert E.BARGE_IN_COMMITTED not in over_agent(call)
    assert call.state is not None
    call.manager.start_call("later", provider=GATED, now_ms=call.now_ms)
    assert call.manager.get_state("later") is None


def test_a_gate_turned_on_is_for_calls_that_start_later() -> None:
    """A call that passes through goes on to do so."""
    config = GatingConfig(providers={GATED: ProviderGatingPolicy(gating_enabled=False)})
    manager = plain_manager(config=config)
    assert manager.speech_evidence is None
    call = GateCall(manager)
    manager.reconfigure(by_voice(), call.now_ms)
    assert manager.speech_evidence is not None
    assert manager.get_state("call") is None
    assert GateCall(manager, call_id="later").state is GateState.OPEN


def test_a_call_of_a_provider_that_is_gone_goes_on_as_before() -> None:
    """Nobody says any more how it is to be gated."""
    call = GateCall(plain_manager(config=by_voice()))
    others = GatingConfig(providers={"other": ProviderGatingPolicy(gating_enabled=True)})
    call.manager.reconfigure(others, call.now_ms)
    assert E.BARGE_IN_COMMITTED in over_agent(call)


def test_what_is_held_goes_out_under_the_new_times() -> None:
    """The onset begins as long before the evidence as is configured when it is released."""
    call = GateCall(plain_manager(config=by_voice()))
    noise, spoken = NOISE[:40], CALLER[:40]
    call.play(noise, agent_voice(800))
    longer = BargeInConfig(onset_preroll_ms=400)
    call.manager.reconfigure(by_voice(barge_in=longer), call.now_ms)
    call.play(spoken, agent_voice(1600)[40:])
    released = next(d.released for d in call.decisions if d.released)
    assert released[0] in noise
    assert len(set(released) & set(noise)) > 10, "120 ms would be 6"


def test_the_noise_floor_and_what_else_the_line_has_taught_stay() -> None:
    """A higher floor to start with is for calls that start later."""
    call = GateCall(plain_manager(config=by_voice()))
    call.play(NOISE)
    call.play(NOISE)
    learned = call.decisions[-2].measurements
    assert learned is not None
    floor = AudioGuardConfig(initial_noise_floor=2000.0)
    call.manager.reconfigure(by_voice(audio_guard=floor), call.now_ms)
    after = call.slot(NOISE[0]).measurements
    assert after is not None
    assert after.noise_floor == pytest.approx(learned.noise_floor, rel=0.05)
    later = GateCall(call.manager, call_id="later").slot(NOISE[0]).measurements
    assert later is not None
    assert later.noise_floor > 2 * after.noise_floor


def test_the_echo_tail_is_as_long_as_it_is_now() -> None:
    """The gate opens later where the grace has grown in the middle of it."""
    call = GateCall(plain_manager(config=by_voice({"post_speech_grace_ms": 100})))
    call.play([], agent_voice(400))
    call.manager.reconfigure(by_voice({"post_speech_grace_ms": 1000}), call.now_ms)
    call.quiet(500)
    assert call.state is GateState.CLOSED
    call.quiet(600)
    assert call.state is GateState.OPEN


def test_a_line_is_idle_after_the_time_that_holds_now() -> None:
    """Silence is sent sooner."""
    call = GateCall(plain_manager(config=by_voice(idle_fill=IdleFillConfig(after_ms=2000))))
    call.quiet(200)
    call.idle(200)
    assert call.stats.idle_fill_frames == 0
    call.manager.reconfigure(by_voice(idle_fill=IdleFillConfig(after_ms=40)), call.now_ms)
    call.slot()
    assert call.stats.idle_fill_frames > 0


def test_withheld_frames_are_replaced_as_is_configured_now() -> None:
    """Nothing takes their place from the next one on, and silence again after that."""
    drop = by_voice({"withheld_audio": WithheldAudio.DROP})
    call = GateCall(plain_manager(config=by_voice()))
    assert call.slot(NOISE[0], agent=agent_voice(200)[0]).audio
    call.manager.reconfigure(drop, call.now_ms)
    assert not call.slot(NOISE[1], agent=agent_voice(200)[1]).audio
    call.manager.reconfigure(by_voice(), call.now_ms)
    assert call.slot(NOISE[2], agent=agent_voice(200)[2]).audio


def test_what_is_forwarded_of_a_frame_stays() -> None:
    """The echo filter of a running call goes on to take echo out, or not."""
    canceller = ScriptedCanceller(lambda number: 9.0)
    manager = AudioGatingManager(config=configured(), near_end_factory=lambda: canceller)
    call = GateCall(manager)
    raw = configured({"forwarded_audio": ForwardedAudio.RAW})
    manager.reconfigure(raw, call.now_ms)
    call.play(CALLER[:20], agent_voice(400))
    assert not set(call.sound) & set(CALLER[:20])


async def test_a_call_of_the_older_face_is_judged_by_it_too() -> None:
    """And still turns no voice down, which its users could not carry out."""
    manager = plain_manager(config=by_voice())
    manager.set_agent_speaking("call", True, audio_ms=60_000.0)
    answers = [await manager.should_forward_audio("call", GATED, chunk) for chunk in CALLER[:40]]
    assert any(forward for forward, _ in answers)
    manager.cleanup_call("call")
    manager.set_agent_speaking("other", True, audio_ms=60_000.0)
    await manager.should_forward_audio("other", GATED, NOISE[0])
    deaf = by_voice({"energy_threshold": 32_767})
    manager.reconfigure(
        replace(deaf, audio_guard=AudioGuardConfig(quieter_voices=QuieterVoices.ATTENUATE)), 0.0
    )
    answers = [await manager.should_forward_audio("other", GATED, chunk) for chunk in CALLER[:40]]
    assert not any(forward for forward, _ in answers)


def test_a_call_that_was_cleaned_up_is_forgotten_here_too() -> None:
    """Nothing is kept of it that a configuration could be told."""
    manager = plain_manager(config=by_voice())
    manager.start_call("call", provider=GATED, now_ms=0.0, capture_format=AudioFormat())
    manager.cleanup_call("call")
    manager.reconfigure(by_voice({"vad_threshold": 0.9}), 0.0)
    assert manager.process("call", CALLER[0], 20.0).action is GateAction.FORWARD
    assert len(manager) == 0
