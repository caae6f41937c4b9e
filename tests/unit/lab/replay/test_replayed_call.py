"""A recorded call through a gate anew."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from support.gate_calls import BrokenVad, ScriptedNearEnd
from support.recorded_calls import make_recorded_call
from support.taped_calls import (
    ECHO_AWARE,
    MULAW,
    START_MS,
    VAD,
    WIDE,
    Talk,
    echo_of,
    eventful_call,
    reencoded,
    speech,
    taped_call,
)
from voxgate.core.audio import AudioFormat
from voxgate.core.config import (
    AudioGuardConfig,
    GatingConfig,
    GatingMode,
    ProviderGatingPolicy,
)
from voxgate.core.gate_decision import GateEventType, GateReason
from voxgate.core.gate_tape import (
    AgentSpeaking,
    FrameCaptured,
    GateBegun,
    GateReconfigured,
    ProviderSpeechStarted,
)
from voxgate.core.taped_gating_manager import TapedGatingManager
from voxgate.core.vad_manager import EnhancedVADManager
from voxgate.errors import RecordingError
from voxgate.lab.replay.replayed_call import compare, recorded_run, replay_call
from voxgate.recordings import TapedInput, open_call

_T, _R = GateEventType, GateReason


def test_a_call_with_every_event_is_replayed_to_the_bit() -> None:
    """Decisions, events, measurements and the audio let out; the test makes sure that all of it is
    in the call."""
    recorded = eventful_call()
    decisions = [each.decision for each in recorded.taped if each.decision is not None]
    happened = {event.type for decision in decisions for event in decision.events}
    assert happened == set(_T) - {_T.DETECTOR_DEGRADED}
    assert {decision.reason for decision in decisions} >= {
        _R.MALFORMED_AUDIO,
        _R.INCOMPLETE_FRAME,
        _R.PROVIDER_SPEECH,
        _R.CONFIRM_TIMEOUT,
        _R.IDLE_FILL,
    }
    given = [each.given for each in recorded.taped]
    assert sum(isinstance(each, GateBegun) for each in given) == 2
    assert any(isinstance(each, FrameCaptured) and len(each.audio) == 6400 for each in given)
    for kind in (ProviderSpeechStarted, AgentSpeaking, GateReconfigured):
        assert any(isinstance(each, kind) for each in given)
    assert len({decision.audio_digest for decision in decisions}) > 100
    comparison = compare(recorded, replay_call(recorded))
    assert comparison.is_identical
    assert comparison.inputs == len(decisions)
    assert len(comparison.points) == 12


def test_a_call_on_disk_is_replayed_to_the_bit(tmp_path: Path) -> None:
    """What was written and read back is what the gate was told, in mu-law, with a far end of
    another rate, and turned in the middle of the call."""
    folder = make_recorded_call(
        tmp_path,
        capture_format=MULAW,
        far_end_format=WIDE,
        reconfigured=GatingConfig(audio_guard=AudioGuardConfig(sensitivity=0.1)),
    )
    recorded = open_call(folder)
    comparison = compare(recorded, replay_call(recorded))
    assert comparison.is_identical
    assert comparison.frames > 2000


@pytest.mark.parametrize("audio_format", [MULAW, WIDE], ids=["mu-law", "16 kHz"])
def test_lines_of_other_formats_are_replayed_to_the_bit(audio_format: AudioFormat) -> None:
    """The bytes are those of the line."""
    agent = reencoded(speech(3000, seed=2, level_dbfs=-20.0), audio_format)
    captured = reencoded(echo_of(speech(2000, seed=2)) + speech(900, seed=3), audio_format)
    recorded = taped_call(lambda call: call.play(captured, agent), audio_format=audio_format)
    comparison = compare(recorded, replay_call(recorded))
    assert comparison.is_identical
    assert comparison.points


def test_a_detector_that_fails_again_is_replayed_to_the_bit() -> None:
    """With what raised: the simpler mode takes over at the same frame."""

    def make_manager(config: GatingConfig) -> TapedGatingManager:
        return TapedGatingManager(
            BrokenVad(works_for=120),
            config,
            near_end_factory=lambda: ScriptedNearEnd(raises_from=30),
        )

    def talk(call: Talk) -> None:
        call.play(speech(3000, seed=3), speech(3000, seed=2))

    recorded = taped_call(talk, manager=make_manager(GatingConfig()))
    decisions = [each.decision for each in recorded.taped if each.decision is not None]
    types = [event.type for decision in decisions for event in decision.events]
    assert types.count(_T.DETECTOR_DEGRADED) == 2
    assert compare(recorded, replay_call(recorded, make_manager=make_manager)).is_identical
    assert not compare(recorded, replay_call(recorded)).is_identical


def test_another_configuration_decides_otherwise() -> None:
    """A gate that lets nobody interrupt has no candidate; the first difference is where the caller
    was heard."""
    recorded = eventful_call()
    deaf = replace(
        GatingConfig(),
        providers={
            kind: ProviderGatingPolicy(gating_enabled=True, mode=GatingMode.HALF_DUPLEX)
            for kind in (ECHO_AWARE, VAD)
        },
    )
    replayed = replay_call(recorded, deaf)
    comparison = compare(recorded, replayed)
    assert replayed.config is deaf
    assert comparison.points_differ > 0
    gone = [pair.first.type for pair in comparison.points if pair.first and not pair.second]
    assert _T.CANDIDATE_DROPPED in gone
    assert _T.RESUMED in gone


def test_the_gate_is_that_of_the_tape_where_nothing_else_is_asked() -> None:
    """Though it was not the default."""
    config = GatingConfig(
        providers={ECHO_AWARE: ProviderGatingPolicy(gating_enabled=True, sensitivity=0.1)}
    )
    recorded = taped_call(lambda call: call.play(speech(900, seed=3)), config=config)
    seen: list[GatingConfig] = []

    def make_manager(config: GatingConfig) -> TapedGatingManager:
        seen.append(config)
        return TapedGatingManager(EnhancedVADManager(config.vad), config)

    replay_call(recorded, make_manager=make_manager)
    assert seen[-1] == config


def test_what_comes_before_a_gate_passes_as_it_did() -> None:
    """A call is tapped before its gate begins; the answer of then is the answer now."""
    config = GatingConfig()
    manager = TapedGatingManager(EnhancedVADManager(), config)

    def early(call: Talk) -> None:
        call.manager.cleanup_call("call-1")
        call.slot(bytes(320))
        call.begin(ECHO_AWARE)
        call.slot(bytes(320))

    recorded = taped_call(early, manager=manager)
    assert compare(recorded, replay_call(recorded)).is_identical


def test_a_replay_can_stop_early() -> None:
    """At a time of the recording, which is left out too when it is compared."""
    recorded = eventful_call()
    until_ms = START_MS + 3000.0
    replayed = replay_call(recorded, until_ms=until_ms)
    assert max(each.t_ms for each in replayed.run) < until_ms
    whole = list(recorded_run(recorded))
    assert list(replayed.run) == list(islice(whole, len(replayed.run)))
    assert compare(recorded, replayed, until_ms=until_ms).is_identical
    assert not compare(recorded, replayed).is_identical


def test_two_replays_can_be_compared() -> None:
    """Without the recording."""
    recorded = taped_call(lambda call: call.play(speech(900, seed=3)))
    assert compare(replay_call(recorded), replay_call(recorded)).is_identical


def test_a_call_without_audio_is_refused() -> None:
    """There is nothing to run through a gate."""
    with pytest.raises(RecordingError):
        replay_call(eventful_call().without_audio())


def test_numbers_are_made_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """As they were when the call was served."""
    import threadpoolctl

    asked: list[dict[str, object]] = []
    real = threadpoolctl.threadpool_limits

    def limits(**kwargs: object) -> object:
        asked.append(kwargs)
        return real(**kwargs)

    monkeypatch.setattr(threadpoolctl, "threadpool_limits", limits)
    replay_call(taped_call(lambda call: call.quiet(100)))
    assert asked == [{"limits": 1, "user_api": "blas"}]


def test_what_was_turned_in_the_call_does_not_undo_what_is_asked_for() -> None:
    """Another configuration holds for all of the call."""
    recorded = taped_call(lambda call: call.play(speech(900, seed=3)))
    turned = GateReconfigured(now_ms=START_MS + 20.0, config=GatingConfig())
    changed = replace(recorded, taped=[*recorded.taped])
    changed.taped.insert(5, TapedInput(turned, None))
    config = GatingConfig(audio_guard=AudioGuardConfig(sensitivity=0.0))
    assert replay_call(changed, config).run == replay_call(recorded, config).run
