"""A tap hears all that a gate is told of a call, changes nothing, and can be replayed."""

from __future__ import annotations

import pytest

from support.signals import frames_of, speech_like
from voxgate.core.audio import FRAME_MS, AudioFormat, Encoding
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.config import BargeInConfig, GatingConfig
from voxgate.core.gate_decision import GateDecision, GateEventType
from voxgate.core.gate_tape import (
    AgentSpeaking,
    FarEndPlayed,
    FrameCaptured,
    GateBegun,
    GateEnded,
    GateInput,
    GateReconfigured,
    ProviderSpeechStarted,
    ProviderSpeechStopped,
    TimePassed,
)
from voxgate.core.taped_gating_manager import TapedGatingManager, apply_input

GATED = "openai_realtime"


class Tape:
    """Keeps everything, with the decisions."""

    def __init__(self) -> None:
        self.inputs: list[GateInput] = []
        self.decisions: list[GateDecision | None] = []

    def receive(self, given: GateInput, decision: GateDecision | None) -> None:
        self.inputs.append(given)
        self.decisions.append(decision)


def place_call(manager: AudioGatingManager, call_id: str = "call") -> list[GateDecision]:
    """A call in which the caller interrupts the agent; return all decisions."""
    agent = frames_of(speech_like(4000, level_dbfs=-20.0, seed=3))
    caller = frames_of(speech_like(2000, level_dbfs=-18.0, seed=1))
    decisions: list[GateDecision] = []
    manager.start_call(call_id, provider=GATED, now_ms=0.0)
    manager.set_agent_speaking(call_id, True, 0.0, audio_ms=4000.0)
    for n, played in enumerate(agent):
        now_ms = float(n * FRAME_MS)
        manager.receive_far_end(call_id, played, now_ms, is_agent_audio=True)
        decisions.append(manager.advance(call_id, now_ms))
        captured = caller[n - 80] if 80 <= n < 80 + len(caller) else bytes(320)
        if n % 7 == 0:
            manager.place_capture(call_id, now_ms)
        decisions.append(manager.process(call_id, captured, now_ms + 1.0))
        if n == 110:
            decisions.append(
                manager.receive_provider_speech_started(call_id, now_ms, capture_ms=1600.0)
            )
    manager.receive_provider_speech_stopped(call_id, 4000.0)
    manager.cleanup_call(call_id)
    return decisions


def test_a_tap_hears_every_kind_of_input() -> None:
    """In order, each with what came of it."""
    manager, tape = TapedGatingManager(), Tape()
    manager.tap_call("call", tape)
    decisions = place_call(manager)
    assert {type(given) for given in tape.inputs} == {
        GateBegun,
        AgentSpeaking,
        FarEndPlayed,
        TimePassed,
        FrameCaptured,
        ProviderSpeechStarted,
        ProviderSpeechStopped,
        GateEnded,
    }
    assert [decision for decision in tape.decisions if decision is not None] == decisions
    placed = [given.placed_ms for given in tape.inputs if isinstance(given, FrameCaptured)]
    assert [ms is not None for ms in placed[:8]] == [True, *[False] * 6, True]
    begun = tape.inputs[0]
    assert isinstance(begun, GateBegun)
    assert begun.config is manager.config


def test_a_tap_changes_nothing() -> None:
    """Taped or not, and by the plain manager: the same decisions, and the caller gets through."""
    taped = TapedGatingManager()
    taped.tap_call("call", Tape())
    decisions = place_call(taped)
    assert decisions == place_call(TapedGatingManager()) == place_call(AudioGatingManager())
    events = {event.type for decision in decisions for event in decision.events}
    assert GateEventType.BARGE_IN_COMMITTED in events


def test_what_was_taped_gives_the_same_decisions_again() -> None:
    """To the bit, audio and measurements included."""
    manager, tape = TapedGatingManager(), Tape()
    manager.tap_call("call", tape)
    place_call(manager)
    again = AudioGatingManager(config=manager.config)
    assert [apply_input(again, "other", given) for given in tape.inputs] == tape.decisions
    assert len(again) == 0


def test_only_the_tapped_call_is_told_of() -> None:
    """Another call, and the same one after its tap was taken away, are nobody's business."""
    manager, tape = tapped_manager()
    place_call(manager, "another")
    assert tape.inputs == []
    manager.untap_call("call")
    manager.untap_call("call")
    place_call(manager)
    assert tape.inputs == []


def tapped_manager() -> tuple[TapedGatingManager, Tape]:
    manager, tape = TapedGatingManager(), Tape()
    manager.tap_call("call", tape)
    return manager, tape


def test_a_tap_that_raises_is_counted_and_the_call_goes_on() -> None:
    """It hears nothing more, and no decision differs."""

    class Broken(Tape):
        def receive(self, given: GateInput, decision: GateDecision | None) -> None:
            super().receive(given, decision)
            if len(self.inputs) == 5:
                raise RuntimeError("disk full")

    manager, tape = TapedGatingManager(), Broken()
    manager.tap_call("call", tape)
    assert place_call(manager) == place_call(AudioGatingManager())
    assert manager.tap_failures == 1
    assert len(tape.inputs) == 5


@pytest.mark.parametrize(
    ("capture", "far_end"),
    [(AudioFormat(Encoding.MULAW), None), (AudioFormat(rate_hz=16_000), AudioFormat())],
)
def test_the_formats_are_on_the_tape(capture: AudioFormat, far_end: AudioFormat | None) -> None:
    """Both, also where the far end's is left out."""
    manager, tape = tapped_manager()
    manager.start_call(
        "call", provider=GATED, now_ms=5.0, capture_format=capture, far_end_format=far_end
    )
    (begun,) = tape.inputs
    assert begun == GateBegun(
        now_ms=5.0,
        provider=GATED,
        capture_format=capture,
        far_end_format=far_end or capture,
        config=GatingConfig(),
    )


def test_the_older_face_works_untapped() -> None:
    """Its word on the agent, which comes without a time, is no input that could be replayed."""
    manager, tape = tapped_manager()
    manager.set_agent_speaking("call", True)
    assert tape.inputs == []


def test_a_call_whose_thresholds_were_changed_is_replayed_to_the_bit() -> None:
    """The tape holds the change at its place, and what came of it."""
    manager, tape = tapped_manager()
    seen: list[GateDecision] = []
    first, second = (
        GatingConfig(barge_in=BargeInConfig(candidate_ms=100, min_ms=ms)) for ms in (400, 100)
    )
    agent = frames_of(speech_like(4000, level_dbfs=-20.0, seed=3))
    caller = frames_of(speech_like(2000, level_dbfs=-18.0, seed=1))
    manager.start_call("call", provider=GATED, now_ms=0.0)
    for n, played in enumerate(agent):
        now_ms = float(n * FRAME_MS)
        if n in (30, 120):
            manager.reconfigure(first if n == 30 else second, now_ms)
        manager.receive_far_end("call", played, now_ms, is_agent_audio=True)
        captured = caller[n - 80] if 80 <= n < 80 + len(caller) else bytes(320)
        seen.append(manager.process("call", captured, now_ms + 1.0))
    changes = [given for given in tape.inputs if isinstance(given, GateReconfigured)]
    assert [(given.now_ms, given.config) for given in changes] == [(600.0, first), (2400.0, second)]
    again = TapedGatingManager()
    replayed = [apply_input(again, "other", given) for given in tape.inputs]
    assert replayed == tape.decisions
    assert [decision for decision in replayed if decision is not None] == seen
    assert again.config == second


def test_calls_that_are_over_are_not_told_of_changes() -> None:
    """A tap is told of its own call, while that lives."""
    manager, tape = tapped_manager()
    manager.reconfigure(GatingConfig(), 0.0)
    assert tape.inputs == []
    place_call(manager)
    n_told = len(tape.inputs)
    manager.reconfigure(GatingConfig(), 0.0)
    assert len(tape.inputs) == n_told
