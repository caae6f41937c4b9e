"""What providers say, as metrics."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from support.scripted_call import decision, gate_event
from voxgate.call_observer import ProviderSwitched
from voxgate.core.gate_decision import (
    GateAction,
    GateDecision,
    GateEventType,
    GateReason,
    GateState,
)
from voxgate.errors import ProviderError
from voxgate.observe.metrics_providers import ProviderMetrics
from voxgate.observe.metrics_tally import CallTally
from voxgate.observe.metrics_values import MetricValues
from voxgate.providers.base import (
    AgentAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    ProviderDisconnected,
    ProviderEnded,
    ProviderEvent,
    ProviderReady,
    ProviderWarning,
    ResponseDone,
    Speaker,
    TokenUsage,
    Transcript,
    UsageReported,
)

_ERROR = ProviderError("p", "no", code="rate_limit_exceeded", retryable=True)


def told(events: Iterable[ProviderEvent]) -> dict[tuple[str, ...], float]:
    """Return every sample that is not 0, by name and labels, after events 100 ms apart."""
    values = MetricValues()
    metrics = ProviderMetrics(values)
    tally = CallTally("audiosocket", "agent", 0.0, {})
    for number, event in enumerate(events):
        metrics.receive(tally, 100.0 * number, event)
    return shown(values)


def shown(values: MetricValues) -> dict[tuple[str, ...], float]:
    return {
        (sample.name.removeprefix("voxgate_"), *sample.labels.values()): sample.value
        for family in values.families()
        for sample in family.samples
        if sample.value and not sample.name.endswith("_bucket")
    }


@pytest.mark.parametrize(
    ("event", "effect"),
    [
        (ProviderWarning(_ERROR), "warning"),
        (ProviderDisconnected(_ERROR), "disconnected"),
        (ProviderEnded(_ERROR), "ended"),
    ],
)
def test_an_error_counts_by_what_it_did_and_why(event: ProviderEvent, effect: str) -> None:
    """By its cause, not by its code."""
    assert told([event]) == {("provider_errors_total", "agent", effect, "rate_limited"): 1}


def test_a_good_end_is_no_error() -> None:
    """Nor is the first session a reconnect."""
    assert told([ProviderReady(), ProviderEnded()]) == {}


def test_a_session_that_comes_back_counts_with_what_waited() -> None:
    """And with what was too much."""
    ready = ProviderReady(reconnected=True, held_frames=40, dropped_frames=3)
    assert told([ready]) == {
        ("provider_reconnects_total", "agent"): 1,
        ("provider_away_frames_total", "agent", "held"): 40,
        ("provider_away_frames_total", "agent", "dropped"): 3,
    }


def test_a_turn_is_observed_once() -> None:
    """In seconds, by the provider that answered."""
    events = [CallerSpeechStopped(), AgentAudio("i", b""), AgentAudio("i", b"")]
    assert told(events) == {
        ("provider_turn_seconds_count", "agent"): 1,
        ("provider_turn_seconds_sum", "agent"): pytest.approx(0.1),
    }


def test_answers_count_by_their_status() -> None:
    """A status that nobody knows is other."""
    events = [ResponseDone("r", status) for status in ("completed", "cancelled", "odd")]
    assert told(events) == {
        ("provider_answers_total", "agent", status): 1
        for status in ("completed", "cancelled", "other")
    }


def test_tokens_are_apart_so_that_they_add_up() -> None:
    """What is not audio is text; cached ones are a part of the input, and stand for themselves."""
    usage = TokenUsage(
        input_tokens=100,
        cached_input_tokens=64,
        input_audio_tokens=70,
        output_tokens=50,
        output_audio_tokens=40,
    )
    assert told([UsageReported(usage)] * 2) == {
        ("provider_tokens_total", "agent", "input", "audio"): 140,
        ("provider_tokens_total", "agent", "input", "text"): 60,
        ("provider_tokens_total", "agent", "output", "audio"): 80,
        ("provider_tokens_total", "agent", "output", "text"): 20,
        ("provider_cached_tokens_total", "agent"): 128,
    }


def test_what_is_said_is_no_metric() -> None:
    """Not even how often."""
    text = Transcript(speaker=Speaker.CALLER, item_id="i", text="my card is", is_final=True)
    assert told([text]) == {}


@pytest.mark.parametrize("when", ["start", "mid_call"])
def test_a_fall_back_names_both(when: str) -> None:
    """Who failed, who took over, and when."""
    values = MetricValues()
    ProviderMetrics(values).receive_switch(
        ProviderSwitched(
            call_id="c",
            now_ms=0.0,
            previous="first",
            provider="second",
            error=_ERROR,
            was_ready=when == "mid_call",
            held_frames=7,
            dropped_frames=0,
        )
    )
    assert shown(values) == {
        ("provider_fall_backs_total", "first", "second", when): 1,
        ("provider_away_frames_total", "second", "held"): 7,
    }


@pytest.mark.parametrize(
    ("reason", "onset_ms"), [(GateReason.PASS_THROUGH, 50.0), (GateReason.BARGE_IN, None)]
)
def test_only_without_a_gate_is_a_providers_word_an_onset(
    reason: GateReason, onset_ms: float | None
) -> None:
    """A gate knows it better: it has the evidence."""
    said = GateDecision(
        action=GateAction.FORWARD,
        state=GateState.OPEN,
        reason=reason,
        events=(gate_event(GateEventType.INTERRUPTED),),
    )
    tally = CallTally("audiosocket", "agent", 0.0, {})
    tally.play_agent(100.0)
    metrics = ProviderMetrics(MetricValues())
    metrics.receive(tally, 200.0, CallerSpeechStarted(said, capture_ms=50.0))
    assert tally.onset_ms == onset_ms
    metrics.receive(tally, 300.0, CallerSpeechStarted(decision(), capture_ms=None))
    assert tally.onset_ms == onset_ms
