"""Calls as metrics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from support.scripted_call import gate_event, loud_frame
from voxgate.call_observer import CallEnded, CallStarted, Observers, ProviderSwitched
from voxgate.config.models import AppConfig
from voxgate.core.call_stats import CallStats
from voxgate.core.gate_decision import (
    PASS_THROUGH,
    GateAction,
    GateDecision,
    GateEventType,
    GateMeasurements,
    GateReason,
    GateState,
)
from voxgate.core.playout import PlayoutFrame
from voxgate.engine import AIEngine
from voxgate.errors import ProviderError
from voxgate.observe.metrics import CallMetrics
from voxgate.observe.metrics_catalog import METRICS
from voxgate.providers.base import AgentAudio, CallerSpeechStopped
from voxgate.transports.base import LineDtmf, LineWarning

_CALL = "+49-30-901820"
"""An id as some dialplans make them: it must be nowhere."""
_VOICE = PlayoutFrame(audio=bytes(320), is_agent_audio=True, item_id="i")
_SILENCE = PlayoutFrame(audio=bytes(320), is_agent_audio=False, item_id=None)


class Rig:
    """The metrics of an engine that has one call, known as it is told."""

    def __init__(self) -> None:
        self.engine = AIEngine(AppConfig())
        self.metrics = CallMetrics(self.engine, wall_clock=lambda: 1_800_000_000.0)
        self.observers = Observers([self.metrics])

    def start(self, provider: str = "embedded") -> None:
        self.observers.on_call_started(
            CallStarted(call_id=_CALL, provider=provider, line="audiosocket", started_ms=1000.0)
        )

    def decide(
        self,
        now_ms: float,
        reason: GateReason,
        state: GateState = GateState.OPEN,
        *,
        frame: bytes | None = b"\0" * 320,
        **more: Any,
    ) -> None:
        decision = GateDecision(action=GateAction.FORWARD, state=state, reason=reason, **more)
        self.observers.on_decision(_CALL, now_ms, frame, decision)

    def end(self, **more: Any) -> None:
        ended = CallEnded(
            call_id=_CALL,
            provider="embedded",
            reason="caller_hangup",
            duration_ms=9000.0,
            gate=None,
            playout_underruns=2,
            skipped_slots=0,
        )
        self.observers.on_call_ended(replace(ended, **more))

    def shown(self) -> dict[tuple[str, ...], float]:
        """Return every sample, by name and values of labels; of histograms sum and count."""
        return {
            (sample.name.removeprefix("voxgate_"), *sample.labels.values()): sample.value
            for family in self.metrics.snapshot()
            for sample in family.samples
            if "le" not in sample.labels
        }


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_call_counts_when_it_starts_and_when_it_ends(rig: Rig) -> None:
    """Running in between; by line, provider and reason, never by its id."""
    key = ("audiosocket", "embedded")
    assert rig.shown()["calls_started_total", *key] == 0
    rig.start()
    shown = rig.shown()
    assert (shown["calls_started_total", *key], shown["calls_running", *key]) == (1, 1)
    rig.end()
    shown = rig.shown()
    assert shown["calls_running", *key] == 0
    assert shown["calls_ended_total", *key, "caller_hangup"] == 1
    assert shown["call_duration_seconds_sum", "audiosocket"] == 9.0
    assert shown["call_playout_underruns_sum",] == 2
    assert shown["call_skipped_slots_count",] == 1
    assert _CALL not in rig.metrics.render().decode()


def test_what_happens_to_calls_that_nobody_knows_is_not_counted(rig: Rig) -> None:
    """An observer may come in the middle of a call."""
    before = rig.shown()
    rig.decide(0.0, GateReason.CALLER_SPEECH)
    rig.observers.on_gate_event(_CALL, gate_event(GateEventType.RESUMED))
    rig.observers.on_playout(_CALL, 0.0, _VOICE)
    rig.observers.on_line_event(_CALL, 0.0, LineWarning("audiosocket.odd_length"))
    rig.observers.on_provider_event(_CALL, 0.0, CallerSpeechStopped())
    rig.observers.on_provider_switched(switched())
    rig.end()
    assert without_process(rig.shown()) == without_process(before)
    assert rig.observers.failures == 0


def test_decisions_count_by_action_and_reason(rig: Rig) -> None:
    """Of captured audio, not of time that passes; passing through is one of the reasons."""
    rig.start()
    for _ in range(3):
        rig.decide(1000.0, GateReason.LINE_NOISE)
    rig.decide(1020.0, GateReason.LINE_NOISE, frame=None)
    rig.observers.on_decision(_CALL, 1040.0, loud_frame(), PASS_THROUGH)
    shown = {key: value for key, value in rig.shown().items() if key[0] == "gate_decisions_total"}
    assert shown == {
        ("gate_decisions_total", "embedded", "forward", "line_noise"): 3,
        ("gate_decisions_total", "embedded", "forward", "pass_through"): 1,
    }


def test_a_barge_in_is_timed_from_the_onset_to_the_commitment_and_to_silence(rig: Rig) -> None:
    """The onset is as long ago as the evidence spans; the agent's last slot ends 20 ms after it
    began."""
    rig.start()
    rig.observers.on_playout(_CALL, 2000.0, _VOICE)
    rig.decide(
        2050.0,
        GateReason.BARGE_IN,
        GateState.BARGE_IN,
        events=(gate_event(GateEventType.BARGE_IN_COMMITTED),),
        measurements=GateMeasurements(evidence_span_ms=80.0),
    )
    rig.observers.on_playout(_CALL, 2060.0, _VOICE)
    rig.observers.on_playout(_CALL, 2080.0, _SILENCE)
    rig.observers.on_playout(_CALL, 2100.0, _SILENCE)
    shown = rig.shown()
    assert shown["barge_in_commit_seconds_count", "embedded"] == 1
    assert shown["barge_in_commit_seconds_sum", "embedded"] == pytest.approx(0.08)
    assert shown["barge_in_silence_seconds_count", "embedded"] == 1
    assert shown["barge_in_silence_seconds_sum", "embedded"] == pytest.approx(0.11)


@pytest.mark.parametrize(
    "more",
    [
        {"events": (gate_event(GateEventType.CANDIDATE_STARTED),)},
        {"measurements": None},
        {"measurements": GateMeasurements()},
    ],
)
def test_only_a_commitment_with_evidence_is_a_barge_in(rig: Rig, more: dict[str, Any]) -> None:
    """A candidate is none yet, and without a span there is no onset to count from."""
    rig.start()
    committed: dict[str, Any] = {
        "events": (gate_event(GateEventType.BARGE_IN_COMMITTED),),
        "measurements": GateMeasurements(evidence_span_ms=80.0),
    }
    rig.decide(2050.0, GateReason.BARGE_IN, GateState.BARGE_IN, **committed | more)
    rig.observers.on_playout(_CALL, 2060.0, _SILENCE)
    assert rig.shown()["barge_in_commit_seconds_count", "embedded"] == 0


def test_states_are_timed_visit_by_visit(rig: Rig) -> None:
    """The last one ends with the call."""
    rig.start()
    rig.decide(1000.0, GateReason.AGENT_SILENT)
    rig.decide(1020.0, GateReason.AGENT_AUDIBLE, GateState.CLOSED)
    rig.decide(1040.0, GateReason.AGENT_AUDIBLE, GateState.CLOSED, frame=None)
    rig.decide(2020.0, GateReason.AGENT_SILENT)
    rig.end()
    shown = rig.shown()
    assert shown["gate_state_seconds_sum", "closed"] == pytest.approx(1.0)
    assert shown["gate_state_seconds_count", "closed"] == 1
    assert shown["gate_state_seconds_sum", "open"] == pytest.approx(0.02 + 7.98)
    assert shown["gate_state_seconds_count", "candidate"] == 0


def test_a_call_that_passes_through_visits_no_state(rig: Rig) -> None:
    """There is no gate that could stand anywhere."""
    rig.start()
    rig.observers.on_decision(_CALL, 1000.0, loud_frame(), PASS_THROUGH)
    rig.end()
    assert rig.shown()["gate_state_seconds_count", "open"] == 0


def test_a_caller_waits_until_the_agent_is_on_the_line(rig: Rig) -> None:
    """From the last frame that the guard took for speech; the hangover behind it is no speech."""
    rig.start()
    rig.decide(3000.0, GateReason.CALLER_SPEECH)
    rig.decide(3200.0, GateReason.HANGOVER)
    rig.observers.on_playout(_CALL, 3900.0, _SILENCE)
    rig.observers.on_playout(_CALL, 4000.0, _VOICE)
    rig.observers.on_playout(_CALL, 4020.0, _VOICE)
    shown = rig.shown()
    assert shown["caller_wait_seconds_count", "embedded"] == 1
    assert shown["caller_wait_seconds_sum", "embedded"] == pytest.approx(1.0)


def test_an_announcement_keeps_the_caller_waiting(rig: Rig) -> None:
    """It is not the agent who says that one has to wait."""
    rig.start()
    rig.decide(3000.0, GateReason.CALLER_SPEECH)
    rig.observers.on_playout(_CALL, 5000.0, replace(_VOICE, item_id="announcement:fall_back"))
    rig.observers.on_playout(_CALL, 9000.0, _VOICE)
    assert rig.shown()["caller_wait_seconds_sum", "embedded"] == pytest.approx(6.0)


def test_frame_times_turns_events_and_warnings_are_counted(rig: Rig) -> None:
    """Each where it belongs."""
    rig.start()
    rig.observers.on_frame_processed(_CALL, 0.25)
    rig.observers.on_provider_event(_CALL, 2000.0, CallerSpeechStopped())
    rig.observers.on_provider_event(_CALL, 2500.0, AgentAudio("i", b""))
    rig.observers.on_gate_event(_CALL, gate_event(GateEventType.RESUMED))
    rig.observers.on_line_event(_CALL, 0.0, LineWarning("audiosocket.odd_length", "+49 30"))
    rig.observers.on_line_event(_CALL, 0.0, LineDtmf("7"))
    shown = rig.shown()
    assert shown["frame_processing_seconds_sum",] == pytest.approx(0.00025)
    assert shown["provider_turn_seconds_sum", "embedded"] == pytest.approx(0.5)
    assert shown["gate_events_total", "embedded", "resumed"] == 1
    warnings = {key: value for key, value in shown.items() if key[0] == "line_warnings_total"}
    assert warnings == {("line_warnings_total", "audiosocket", "audiosocket.odd_length"): 1}


def test_what_the_sides_of_a_call_counted_is_added_when_it_ends(rig: Rig) -> None:
    """What was left out because a bound was reached is at 0 from the start; a name that is no plain
    one is nobody's label."""
    key = ("line_call_events_total", "audiosocket", "dropped_sent_frames")
    assert rig.shown()[key] == 0
    for _ in range(2):
        rig.start()
        rig.end(
            line_counts={"dropped_sent_frames": 3, "Odd Name": 1},
            provider_counts={"embedded": {"frames_dropped": 4}, "other": {"keep_alives": 1}},
            playout_dropped_ms=1500.0,
        )
    shown = rig.shown()
    assert shown[key] == 6
    assert shown["line_call_events_total", "audiosocket", "other"] == 2
    assert shown["provider_call_events_total", "embedded", "frames_dropped"] == 8
    assert shown["provider_call_events_total", "other", "keep_alives"] == 2
    assert shown["playout_dropped_seconds_total",] == 3.0


def test_a_running_call_is_looked_at_when_somebody_scrapes(rig: Rig) -> None:
    """At the gate itself; what happens between the last look and the end comes with the end."""
    rig.start()
    manager = rig.engine.manager
    manager.start_call(_CALL, provider="openai_realtime", now_ms=0.0)
    rig.metrics.render()
    for number in range(50):
        manager.receive_far_end(_CALL, bytes(320), number * 20.0, is_agent_audio=False)
        manager.process(_CALL, bytes(320), number * 20.0)
    fates = ("gate_audio_seconds_total", "embedded")
    seen = rig.shown()
    assert seen["gate_calls", "open"] == 1
    captured = seen.get((*fates, "forwarded"), 0) + seen.get((*fates, "withheld"), 0)
    assert captured == pytest.approx(1.0)
    assert rig.shown()[*fates, "withheld"] == seen[*fates, "withheld"]
    stats = manager.get_stats(_CALL)
    assert stats is not None
    stats.released_frames += 10
    stats.malformed_chunks += 1
    rig.end(gate=stats)
    shown = rig.shown()
    assert shown[*fates, "released"] == pytest.approx(0.2)
    assert shown["gate_malformed_total", "embedded", "capture"] == 1
    assert shown[*fates, "withheld"] == seen[*fates, "withheld"]
    assert shown["gate_calls", "open"] == 0


def switched() -> ProviderSwitched:
    return ProviderSwitched(
        call_id=_CALL,
        now_ms=2000.0,
        previous="embedded",
        provider="local",
        error=ProviderError("p", "gone", retryable=True),
        was_ready=True,
        held_frames=0,
        dropped_frames=0,
    )


def test_after_a_fall_back_the_other_provider_counts(rig: Rig) -> None:
    """What the first one did stays its own."""
    rig.start()
    rig.decide(1000.0, GateReason.LINE_NOISE)
    rig.observers.on_provider_switched(switched())
    rig.decide(2000.0, GateReason.CALLER_SPEECH)
    shown = rig.shown()
    assert shown["gate_decisions_total", "embedded", "forward", "line_noise"] == 1
    assert shown["gate_decisions_total", "local", "forward", "caller_speech"] == 1
    assert shown["provider_fall_backs_total", "embedded", "local", "mid_call"] == 1
    assert shown["calls_running", "audiosocket", "local"] == 1
    rig.end(provider="local", gate=CallStats(forwarded_frames=2))
    assert rig.shown()["gate_audio_seconds_total", "local", "forwarded"] == pytest.approx(0.04)


def test_audio_counts_for_the_provider_whose_gate_it_was(rig: Rig) -> None:
    """To the frame, whenever somebody looked last; both together are what the call's sum says."""
    rig.start()
    manager = rig.engine.manager
    manager.start_call(_CALL, provider="openai_realtime", now_ms=0.0)
    manager.process(_CALL, bytes(320), 0.0)
    rig.shown()
    first = CallStats(forwarded_frames=4, withheld_frames=3, silence_frames=3)
    rig.observers.on_provider_switched(replace(switched(), gate=first))
    both = CallStats(forwarded_frames=9, withheld_frames=3, silence_frames=3)
    rig.end(provider="local", gate=both)
    shown = rig.shown()
    audio = {key[1:]: value for key, value in shown.items() if key[0] == "gate_audio_seconds_total"}
    assert audio == {
        ("embedded", "forwarded"): pytest.approx(0.08),
        ("embedded", "withheld"): pytest.approx(0.06),
        ("embedded", "silence"): pytest.approx(0.06),
        ("local", "forwarded"): pytest.approx(0.1),
    }


def test_a_visit_ends_with_its_gate(rig: Rig) -> None:
    """A provider that takes over has another gate, or none."""
    rig.start()
    rig.decide(1000.0, GateReason.AGENT_SILENT)
    rig.observers.on_provider_switched(switched())
    rig.observers.on_decision(_CALL, 2020.0, loud_frame(), PASS_THROUGH)
    rig.end(provider="local")
    shown = rig.shown()
    assert shown["gate_state_seconds_count", "open"] == 1
    assert shown["gate_state_seconds_sum", "open"] == pytest.approx(1.0)


def test_a_gate_behind_a_provider_without_one_is_timed(rig: Rig) -> None:
    """From its first decision, also where that is the state that passing through looks like."""
    rig.start()
    rig.observers.on_decision(_CALL, 1000.0, loud_frame(), PASS_THROUGH)
    rig.observers.on_provider_switched(switched())
    rig.decide(2500.0, GateReason.AGENT_SILENT)
    rig.end(provider="local")
    assert rig.shown()["gate_state_seconds_sum", "open"] == pytest.approx(7.5)


def test_who_takes_over_does_not_answer_for_the_other_ones_time(rig: Rig) -> None:
    """A turn that the first one left unanswered is none of the next one's."""
    rig.start()
    rig.observers.on_provider_event(_CALL, 1500.0, CallerSpeechStopped())
    rig.observers.on_provider_switched(switched())
    rig.observers.on_provider_event(_CALL, 9000.0, AgentAudio("i", b""))
    assert ("provider_turn_seconds_count", "local") not in rig.shown()


def test_changes_of_the_configuration_count_by_who_asked_for_them(rig: Rig) -> None:
    """With the time of the last one."""
    assert rig.shown()["config_last_applied_timestamp_seconds",] == 0
    for who in ("desk", "file", "SIGHUP", "a script of mine"):
        rig.metrics.count_config_change(who)
    shown = rig.shown()
    assert {key[1:]: value for key, value in shown.items() if key[0] == "config_changes_total"} == {
        ("file", "applied"): 2,
        ("file", "refused"): 0,
        ("desk", "applied"): 1,
        ("desk", "refused"): 0,
        ("other", "applied"): 1,
    }
    assert shown["config_last_applied_timestamp_seconds",] == 1_800_000_000


def test_what_counts_elsewhere_is_read_at_every_scrape(rig: Rig) -> None:
    """One that can't be read any more is logged once, and the others are shown."""
    counts = iter([3, 4])
    rig.metrics.watch("recorder_dropped_total", read=lambda: next(counts))
    assert rig.shown()["recorder_dropped_total",] == 4
    with capture_logs() as logged:
        assert rig.shown()["recorder_dropped_total",] == 4
        rig.shown()
    assert [(entry["event"], entry["metric"]) for entry in logged] == [
        ("metrics.source_failed", "recorder_dropped_total")
    ]


def test_what_another_configuration_brings_is_there_at_zero(rig: Rig) -> None:
    """From the first scrape under it; what was counted stays."""
    rig.start()
    config = rig.engine.config
    rig.engine.config = replace(
        config, engine=replace(config.engine, fall_back_provider="deepgram")
    )
    shown = rig.shown()
    assert shown["calls_started_total", "audiosocket", "deepgram"] == 0
    assert shown["provider_fall_backs_total", "embedded", "deepgram", "start"] == 0
    assert shown["calls_started_total", "audiosocket", "embedded"] == 1


def test_several_engines_do_not_mix() -> None:
    """Each has its own registry, and none is the process's."""
    one, other = Rig(), Rig()
    one.start()
    assert other.shown()["calls_started_total", "audiosocket", "embedded"] == 0
    assert one.metrics.registry is not other.metrics.registry


async def test_it_is_told_of_calls_between_start_and_stop(rig: Rig) -> None:
    """As everything that an operator sees; it has nothing for the terminal."""
    told = rig.engine._observer
    event = CallStarted(call_id="c", provider="embedded", line="audiosocket", started_ms=0.0)
    key = ("calls_started_total", "audiosocket", "embedded")
    await rig.metrics.start()
    told.on_call_started(event)
    await rig.metrics.stop()
    told.on_call_started(event)
    assert rig.shown()[key] == 1
    assert rig.metrics.notices == ()


def test_the_registry_shows_the_catalogue_and_the_process(rig: Rig) -> None:
    """And nothing else of our own."""
    names = {family.name for family in rig.metrics.snapshot()}
    ours = {spec.full_name.removesuffix("_total") for spec in METRICS.values()}
    assert {name for name in names if name.startswith("voxgate_")} == ours
    assert "process_cpu_seconds" in names
    page = rig.metrics.write(rig.metrics.snapshot(), "application/openmetrics-text")
    assert page.content_type.startswith("application/openmetrics-text")


def without_process(shown: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    return {key: value for key, value in shown.items() if not key[0].startswith("process_")}
