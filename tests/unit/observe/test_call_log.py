"""What a call leaves in the log."""

from __future__ import annotations

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from support.scripted_call import gate_event, loud_frame
from voxgate.call_observer import CallEnded, CallObserver, CallStarted, ProviderSwitched
from voxgate.core.call_stats import CallStats
from voxgate.core.gate_decision import GateEvent, GateEventType, GateReason
from voxgate.errors import ProviderError
from voxgate.observe.call_log import GATE_EVENTS, CallLog
from voxgate.providers.base import (
    AgentAudio,
    CallerSpeechStopped,
    ProviderDisconnected,
    ProviderEnded,
    ProviderEvent,
    ProviderReady,
    ProviderWarning,
    ResponseDone,
    TokenUsage,
)
from voxgate.transports.base import LineAudio, LineDtmf, LineEvent, LineHangup, LineWarning

_ERROR = ProviderError("openai_realtime", "a request was refused", code="odd", retryable=False)


def started(call_id: str = "c-1") -> CallLog:
    log = CallLog()
    log.on_call_started(
        CallStarted(call_id=call_id, provider="agent", line="twilio", started_ms=0.0)
    )
    return log


def ended(gate: CallStats | None = None, detail: str = "") -> CallEnded:
    return CallEnded(
        call_id="c-1",
        provider="agent",
        reason="caller_hangup",
        detail=detail,
        duration_ms=1234.6,
        gate=gate,
        playout_underruns=2,
        skipped_slots=3,
    )


def test_what_was_left_out_stands_in_the_summary() -> None:
    """Of the line, of all providers and of playout; what is not lost is the metrics' business."""
    event = replace(
        ended(),
        line_counts={"dropped_sent_frames": 3, "sent_frames": 900},
        provider_counts={
            "a": {"frames_dropped": 2, "keep_alives": 9},
            "b": {"frames_dropped": 5, "requests_dropped": 1},
        },
        playout_dropped_ms=80.4,
    )
    with capture_logs() as logged:
        started().on_call_ended(event)
    summary = {name: value for name, value in logged[1].items() if "dropped" in name}
    assert summary == {
        "line_dropped_sent_frames": 3,
        "provider_frames_dropped": 7,
        "provider_requests_dropped": 1,
        "playout_dropped_ms": 80,
    }


def test_start_and_end_are_one_event_each() -> None:
    """The end is the call's summary, with the counters of the gate."""
    with capture_logs() as logged:
        log = started()
        log.on_call_ended(ended(CallStats(captured_frames=50, barge_ins=1)))
    begin, end = logged
    assert begin == {
        "event": "call.started",
        "log_level": "info",
        "call_id": "c-1",
        "line": "twilio",
        "provider": "agent",
    }
    assert end["event"] == "call.ended"
    assert end["log_level"] == "info"
    assert (end["reason"], end["duration_ms"]) == ("caller_hangup", 1235)
    assert (end["playout_underruns"], end["skipped_slots"]) == (2, 3)
    assert (end["captured_frames"], end["barge_ins"]) == (50, 1)
    assert (end["line"], end["turns"], end["warnings"]) == ("twilio", 0, 0)
    assert "detail" not in end


def test_the_summary_of_a_pass_through_has_no_gate() -> None:
    """What was not counted is not 0."""
    with capture_logs() as logged:
        CallLog().on_call_ended(ended(detail="kind 0x42"))
    assert "captured_frames" not in logged[0]
    assert logged[0]["detail"] == "kind 0x42"


def test_the_summary_says_how_long_the_caller_waited() -> None:
    """The median and the longest of the turns, how often the agent was interrupted, and how much
    the call was warned of."""
    log = started()
    with capture_logs() as logged:
        for number, took_ms in enumerate((400.0, 900.0, 500.0)):
            log.on_provider_event("c-1", number * 5000.0, CallerSpeechStopped())
            log.on_provider_event("c-1", number * 5000.0 + took_ms, AgentAudio("i", b""))
        log.on_line_event("c-1", 0.0, LineWarning("line.odd"))
        log.on_gate_event("c-1", gate_event(GateEventType.INTERRUPTED))
        log.on_gate_event("c-1", gate_event(GateEventType.RESUMED))
        log.on_call_ended(ended())
    end = logged[-1]
    assert (end["turns"], end["turn_p50_ms"], end["turn_max_ms"]) == (3, 500, 900)
    assert (end["interruptions"], end["warnings"]) == (1, 1)


def test_a_gate_counts_interruptions_itself() -> None:
    """Those of a provider that is not gated are counted here."""
    log = started()
    with capture_logs() as logged:
        log.on_gate_event("c-1", gate_event(GateEventType.INTERRUPTED))
        log.on_call_ended(ended(CallStats(interruptions=4)))
    assert logged[-1]["interruptions"] == 4


def test_the_summary_has_the_tokens_where_the_provider_counts_them() -> None:
    """By the names in the list of events."""
    with capture_logs() as logged:
        CallLog().on_call_ended(replace(ended(), usage=TokenUsage(input_tokens=7)))
        CallLog().on_call_ended(ended())
    assert (logged[0]["input_tokens"], logged[0]["output_audio_tokens"]) == (7, 0)
    assert "input_tokens" not in logged[1]


def test_a_call_that_changes_its_provider_tells_so() -> None:
    """Which route, who failed and why, who answered; no number and no word of the caller."""
    with capture_logs() as logged:
        log = CallLog()
        log.on_call_started(
            CallStarted(
                call_id="c-1",
                provider="agent",
                started_ms=0.0,
                metadata={"called_number": "+4930123"},
                route=2,
            )
        )
        log.on_provider_switched(
            ProviderSwitched(
                call_id="c-1",
                now_ms=1.0,
                previous="agent",
                provider="other",
                error=_ERROR,
                was_ready=False,
                held_frames=7,
                dropped_frames=1,
            )
        )
        log.on_call_ended(replace(ended(), provider="other", predecessors=("agent",)))
    begin, switched, end = logged
    assert begin["route"] == 2
    assert switched == {
        "event": "call.provider_fell_back",
        "log_level": "warning",
        "call_id": "c-1",
        "previous": "agent",
        "provider": "other",
        "code": "odd",
        "was_ready": False,
        "held_frames": 7,
        "dropped_frames": 1,
    }
    assert (end["provider"], end["predecessors"]) == ("other", ["agent"])
    assert "4930" not in repr(logged)


@pytest.mark.parametrize("event_type", GateEventType)
def test_every_gate_event_has_a_name_and_a_level(event_type: GateEventType) -> None:
    """With its reason, and count and detail where there are any."""
    log = started()
    event = GateEvent(type=event_type, t_ms=1.0, reason=GateReason.BARGE_IN)
    full = GateEvent(
        type=event_type, t_ms=1.0, reason=GateReason.BARGE_IN, count=7, detail="half_duplex"
    )
    with capture_logs() as logged:
        log.on_gate_event("c-1", event)
        log.on_gate_event("c-1", full)
    name, level = GATE_EVENTS[event_type]
    expected = {"event": name, "log_level": level.value, "call_id": "c-1", "reason": "barge_in"}
    assert logged == [expected, {**expected, "count": 7, "detail": "half_duplex"}]


def test_a_line_warning_is_logged_once_a_call_and_code() -> None:
    """A line that is odd in every frame does not fill the disk; another call is told of again."""
    log = started()
    with capture_logs() as logged:
        for _ in range(100):
            log.on_line_event("c-1", 0.0, LineWarning("audiosocket.odd_length", "a byte"))
            log.on_line_event("c-1", 0.0, LineWarning("audiosocket.unknown_kind"))
        log.on_call_ended(ended())
        log.on_call_started(CallStarted(call_id="c-1", provider="agent", started_ms=0.0))
        log.on_line_event("c-1", 0.0, LineWarning("audiosocket.odd_length", "a byte"))
    warned = [event for event in logged if event["event"] == "line.warned"]
    assert [event["code"] for event in warned] == [
        "audiosocket.odd_length",
        "audiosocket.unknown_kind",
        "audiosocket.odd_length",
    ]
    assert warned[0] == {
        "event": "line.warned",
        "log_level": "warning",
        "call_id": "c-1",
        "code": "audiosocket.odd_length",
        "detail": "a byte",
    }


def test_a_provider_warning_is_logged_once_a_call_and_code() -> None:
    """A server that refuses every append does not fill the disk."""
    log = started()
    with capture_logs() as logged:
        for _ in range(100):
            log.on_provider_event("c-1", 0.0, ProviderWarning(_ERROR))
    assert logged == [
        {
            "event": "provider.warned",
            "log_level": "warning",
            "call_id": "c-1",
            "provider": "agent",
            "peer": _ERROR.peer,
            "code": "odd",
            "detail": "a request was refused",
        }
    ]


def test_a_provider_that_makes_codes_up_is_not_logged_without_end() -> None:
    """Warnings of one call are bounded, whatever the peer sends."""
    log = started()
    with capture_logs() as logged:
        for number in range(1000):
            error = ProviderError("agent", "odd", code=f"code_{number}", retryable=False)
            log.on_provider_event("c-1", 0.0, ProviderWarning(error))
    assert len(logged) == 50


def test_what_comes_after_the_end_brings_nothing_back() -> None:
    """A late event of a call that is over is not logged and not remembered."""
    log = started()
    with capture_logs() as logged:
        log.on_call_ended(ended())
        log.on_line_event("c-1", 0.0, LineWarning("audiosocket.odd_length"))
        log.on_provider_event("c-1", 0.0, ProviderWarning(_ERROR))
    assert [event["event"] for event in logged] == ["call.ended"]
    assert log._calls == {}


_ONLY_LINE_EVENTS: list[LineEvent] = [
    LineAudio(loud_frame()),
    LineDtmf("7"),
    LineHangup("caller_hangup"),
]
_ONLY_PROVIDER_EVENTS: list[ProviderEvent] = [
    AgentAudio("item", loud_frame()),
    ResponseDone("response", "completed"),
    ProviderReady(),
    ProviderDisconnected(_ERROR),
    ProviderEnded(_ERROR),
]


def test_nothing_of_what_is_said_or_typed_is_logged() -> None:
    """Audio, digits and frames leave no trace, and what the provider logs itself comes once."""
    log = started()
    with capture_logs() as logged:
        for line_event in _ONLY_LINE_EVENTS:
            log.on_line_event("c-1", 0.0, line_event)
        for provider_event in _ONLY_PROVIDER_EVENTS:
            log.on_provider_event("c-1", 0.0, provider_event)
    assert logged == []


def test_it_keeps_out_of_what_comes_by_the_frame() -> None:
    """Decisions and playout are not even looked at."""
    assert CallLog.on_decision is CallObserver.on_decision
    assert CallLog.on_playout is CallObserver.on_playout


def test_a_warning_has_the_name_of_the_provider_that_answers() -> None:
    """That of the second is another one, though its code be the same."""
    log = started()
    warning = ProviderWarning(_ERROR)
    switch = ProviderSwitched(
        call_id="c-1",
        now_ms=1.0,
        previous="agent",
        provider="other",
        error=_ERROR,
        was_ready=True,
        held_frames=0,
        dropped_frames=0,
    )
    with capture_logs() as logged:
        log.on_provider_event("c-1", 0.0, warning)
        log.on_provider_switched(switch)
        log.on_provider_event("c-1", 0.0, warning)
        log.on_call_ended(ended())
        log.on_provider_switched(switch)
    warned = [event for event in logged if event["event"] == "provider.warned"]
    assert [event["provider"] for event in warned] == ["agent", "other"]
    assert log._calls == {}
