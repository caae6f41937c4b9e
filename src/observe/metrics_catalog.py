"""Every metric that voxgate has: name, type, labels, buckets, and what it means.

One table, from which the registry is filled and ``docs/metrics.md`` is written. Invariant: labels
come from closed sets or from the configuration; none is a call's.
"""

from __future__ import annotations

__all__ = ["METRICS", "MetricKind", "MetricSpec"]

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class MetricKind(StrEnum):
    """The types of Prometheus that are used here."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """One metric."""

    name: str
    """Without ``voxgate_``; a counter's ends in ``_total``, which belongs to its name."""
    kind: MetricKind
    help: str
    """What it means, in one or two sentences."""
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets, in its unit; the last, infinity, is left out."""
    group: str
    """Where it stands in the documentation."""

    @property
    def full_name(self) -> str:
        """The name as Prometheus shows it, without a histogram's suffixes."""
        return f"voxgate_{self.name}"

    @property
    def unit(self) -> str:
        """The unit, of those that stand in names; empty for a count."""
        words = self.name.removesuffix("_total").split("_")
        return next((word for word in ("seconds", "bytes") if word in words), "")


_ONSET_S = (0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0)
"""Fine about the 50 to 150 ms in which a barge-in is usually decided (model card of the detector).
"""
_VISIT_S = (0.02, 0.06, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""From one frame, over the tenths of a candidate, to answers and silences of a minute."""
_FRAME_S = (5e-5, 1e-4, 2e-4, 3e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05)
"""Fine below 1 ms, where a frame belongs; 2 ms holds other calls up, 20 ms is a frame's time."""
_ANSWER_S = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0)
"""Fine about a second, where an answer begins to seem late."""
_CALL_S = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
_SLOTS = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 500.0)

_C, _G, _H = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM


def _spec(
    group: str,
    kind: MetricKind,
    name: str,
    labels: tuple[str, ...],
    text: str,
    buckets: tuple[float, ...] = (),
) -> MetricSpec:
    return MetricSpec(group=group, name=name, kind=kind, labels=labels, help=text, buckets=buckets)


def _of_calls() -> tuple[MetricSpec, ...]:
    group = "Calls"
    return (
        _spec(group, _C, "calls_started_total", ("line", "provider"),
              "Calls that were accepted, by the provider that was to answer."),
        _spec(group, _C, "calls_ended_total", ("line", "provider", "reason"),
              "Calls that are over, by the provider that answered or was tried last, and why."),
        _spec(group, _C, "calls_refused_total", ("reason",),
              "Lines that were hung up at once: max_calls were running, the engine was ending, the "
              "id was in use, or a bug kept the agent from being made."),
        _spec(group, _G, "calls_running", ("line", "provider"),
              "Calls that are being served now."),
        _spec(group, _G, "calls_limit", (), "Calls that may run at a time: engine.max_calls."),
        _spec(group, _H, "call_duration_seconds", ("line",),
              "How long calls took, from their acceptance to their end.", _CALL_S),
        _spec(group, _H, "call_playout_underruns", (),
              "How often the agent's audio ran out in the middle of an answer, per call.", _SLOTS),
        _spec(group, _C, "playout_dropped_seconds_total", (),
              "Audio of the agent that was left out, as more than ten minutes, or too many pieces, "
              "waited to be played. Counted when a call ends."),
        _spec(group, _H, "call_skipped_slots", (),
              "Slots of 20 ms that the process was too late for, per call: many of them are a "
              "machine with too little CPU.", _SLOTS),
    )  # fmt: skip


def _of_the_gate() -> tuple[MetricSpec, ...]:
    group = "The gate"
    return (
        _spec(group, _H, "barge_in_commit_seconds", ("provider",),
              "From the caller's onset over the agent to the opening of the gate: the span of the "
              "evidence on which it opened.", _ONSET_S),
        _spec(group, _H, "barge_in_silence_seconds", ("provider",),
              "From that onset to the last of the agent's voice on the line, 0 where the agent was "
              "already silent; a provider that is not gated: from the onset that it reports.",
              _ONSET_S),
        _spec(group, _C, "gate_events_total", ("provider", "type"),
              "What happened at the gate, by type."),
        _spec(group, _C, "gate_decisions_total", ("provider", "action", "reason"),
              "Decisions about captured audio, one for what the line delivered at a time, usually "
              "20 ms; the guard's verdicts are among the reasons."),
        _spec(group, _C, "gate_audio_seconds_total", ("provider", "fate"),
              "Audio by what became of it: forwarded or withheld, which together is what was "
              "captured; released or discarded later; silence that was sent, idle_fill a part of "
              "it; gap_recovery made up; surplus left out. What a provider that takes over hears "
              "again counts for both."),
        _spec(group, _C, "gate_malformed_total", ("provider", "direction"),
              "Audio that was not of the call's format: chunks of the capture, frames of the "
              "far_end."),
        _spec(group, _H, "gate_state_seconds", ("state",),
              "How long the gate stayed in a state, per visit, known to 20 ms.", _VISIT_S),
        _spec(group, _G, "gate_calls", ("state",), "Gated calls by the state of their gate now."),
        _spec(group, _H, "frame_processing_seconds", (),
              "How long it took to judge what the line delivered at a time, and to give it to the "
              "provider.", _FRAME_S),
        _spec(group, _C, "gate_unknown_call_inputs_total", (),
              "Inputs about calls that the gate did not know, or did no longer."),
        _spec(group, _C, "gate_unknown_provider_calls_total", (),
              "Calls of a kind of provider that has no policy: they passed through."),
        _spec(group, _C, "gate_tap_failures_total", (),
              "Recordings or live views of a call's gate that broke off by a mistake of theirs."),
    )  # fmt: skip


def _of_providers() -> tuple[MetricSpec, ...]:
    group = "Providers"
    return (
        _spec(group, _H, "provider_turn_seconds", ("provider",),
              "From the end of the caller's turn, as the provider dates it, or says it where it "
              "does not, to the first audio of the answer.", _ANSWER_S),
        _spec(group, _H, "caller_wait_seconds", ("provider",),
              "From the last frame in which the guard heard the caller to the agent's voice on the "
              "line: what the caller waits. Gated providers only.", _ANSWER_S),
        _spec(group, _C, "provider_answers_total", ("provider", "status"),
              "Answers that ended: completed, cancelled (interrupted, mostly), failed, "
              "incomplete."),
        _spec(group, _C, "provider_tokens_total", ("provider", "direction", "modality"),
              "Tokens that answers took, as the provider counts them: input or output, audio or "
              "text."),
        _spec(group, _C, "provider_cached_tokens_total", ("provider",),
              "Of the input tokens those that the provider had in its cache."),
        _spec(group, _C, "provider_errors_total", ("provider", "effect", "cause"),
              "What went wrong at a provider: a request refused (warning), a connection lost that "
              "is tried again (disconnected), or the provider's part of the call over (ended)."),
        _spec(group, _C, "provider_reconnects_total", ("provider",),
              "Sessions that came back in the middle of a call."),
        _spec(group, _C, "provider_away_frames_total", ("provider", "fate"),
              "Frames of the caller from the time without a provider: held and sent later, or "
              "dropped, as more came than engine.provider_hold_ms allows."),
        _spec(group, _C, "provider_call_events_total", ("provider", "event"),
              "What the provider's side of a call counted by itself, such as frames_dropped, "
              "events_malformed or requests_dropped. Added when a call ends."),
        _spec(group, _C, "provider_fall_backs_total", ("previous", "provider", "when"),
              "Calls taken over by another provider: at the start of the call or in mid_call."),
        _spec(group, _C, "local_agent_workers_replaced_total", ("provider", "part"),
              "Processes of a local agent that died and were replaced; parts that agents share "
              "count for the first of them."),
        _spec(group, _C, "local_agent_jobs_refused_total", ("provider", "part"),
              "Turns or sentences that failed as too many waited for a local agent's processes."),
    )  # fmt: skip


def _of_lines() -> tuple[MetricSpec, ...]:
    group = "Lines"
    return (
        _spec(group, _C, "line_warnings_total", ("line", "code"),
              "Odd things that calls on a line survived; codes as in the log event line.warned."),
        _spec(group, _C, "line_call_events_total", ("line", "event"),
              "What lines counted by themselves, such as dropped_sent_frames, of a peer that did "
              "not read, or dropped_received_frames, which nobody took. Added when a call ends."),
        _spec(group, _C, "line_server_events_total", ("line", "event"),
              "What a line's server counts, such as refused_connections or duplicate_calls."),
        _spec(group, _G, "line_open_connections", ("line",),
              "Connections that are not closed, whether they are calls yet or not."),
    )  # fmt: skip


def _of_the_engine() -> tuple[MetricSpec, ...]:
    group = "The engine"
    return (
        _spec(group, _G, "build_info", ("version", "python"), "1, with what runs here as labels."),
        _spec(group, _G, "engine_phase", ("phase",),
              "1 for where the engine is between its making and its end, 0 for the other phases."),
        _spec(group, _C, "observer_failures_total", (),
              "What watches calls - metrics, recordings, traces - and raised: it is told nothing "
              "more."),
        _spec(group, _C, "realtime_server_refused_total", (),
              "Clients that the embedded Realtime server turned away, as there were as many "
              "sessions as realtime_server.max_sessions allows, or connections that are none yet."),
        _spec(group, _G, "workers", ("state",),
              "With several workers: how many are waiting (to be started), starting, serving, "
              "draining or ended. All other metrics have a label worker then."),
        _spec(group, _G, "worker_connections", ("worker",),
              "With several workers: connections that a worker has, calls among them."),
        _spec(group, _C, "worker_restarts_total", ("worker",),
              "With several workers: how often one was started anew as it had died."),
        _spec(group, _C, "config_changes_total", ("source", "outcome"),
              "Changes of the configuration while it runs, by the file or at the desk: applied, or "
              "refused as a whole."),
        _spec(group, _G, "config_last_applied_timestamp_seconds", (),
              "When the configuration that is in force was applied, in Unix time; 0 since the "
              "start."),
        _spec(group, _C, "recordings_total", ("outcome",),
              "Recordings of calls: begun, and of those cut short, as the disk did not keep up, or "
              "failed, as it could not be written."),
        _spec(group, _C, "recorder_dropped_total", (),
              "Entries that recordings lack for that: inputs of the gate, pieces of audio."),
        _spec(group, _C, "trace_spans_total", ("outcome",),
              "Spans of traces: exported, or lost as the collector was away."),
    )  # fmt: skip


METRICS: Mapping[str, MetricSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            *_of_calls(),
            *_of_the_gate(),
            *_of_providers(),
            *_of_lines(),
            *_of_the_engine(),
        )
    }
)
"""All of them, by name, in the order in which they are documented."""
