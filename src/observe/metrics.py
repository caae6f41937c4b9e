"""Calls as metrics: what Prometheus scrapes.

The table of all metrics is :mod:`~voxgate.observe.metrics_catalog`. Invariant: a registry of its
own, so that several engines live in one process; what happens to every frame costs an addition,
and what the engine counts by itself is read when somebody scrapes.
"""

from __future__ import annotations

__all__ = ["CallMetrics"]

import time
from collections.abc import Callable, Iterator
from itertools import product

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import Metric

from ..call.announcer import is_announcement
from ..call_observer import CallEnded, CallObserver, CallStarted, ProviderSwitched
from ..config.models import AppConfig
from ..core.audio import FRAME_MS
from ..core.call_stats import CallStats
from ..core.gate_decision import (
    GateAction,
    GateDecision,
    GateEvent,
    GateEventType,
    GateReason,
    GateState,
)
from ..core.playout import PlayoutFrame
from ..engine import AIEngine
from ..providers.base import ProviderEvent
from ..transports.base import LineEvent, LineWarning
from .metrics_engine import read_engine
from .metrics_labels import BoundedLabels, change_source, end_reason
from .metrics_page import Collected, MetricsPage, write_page
from .metrics_providers import ProviderMetrics
from .metrics_start import lines_with_providers, show_from_the_start
from .metrics_tally import CallTally, FramesByFate
from .metrics_values import MetricValues

_log = structlog.get_logger(__name__)

_FRAME_S = FRAME_MS / 1000
_MALFORMED = {"malformed_chunks": "capture", "malformed_far_end_frames": "far_end"}

Decided = dict[GateAction, dict[GateReason, int]]
"""Decisions by action and reason."""


class CallMetrics(CallObserver):
    """Counts what happens on calls, and shows it to Prometheus.

    All but :meth:`write` belongs into the engine's loop.

    Args:
        engine: Whose calls are observed; what it counts by itself is read at every scrape.
        wall_clock: Unix time in s.
    """

    hears_line_audio = False
    """Frames of the line tell it nothing."""

    def __init__(self, engine: AIEngine, *, wall_clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._wall_clock = wall_clock
        self._values = MetricValues()
        self._providers = ProviderMetrics(self._values)
        self._frame_times = self._values.buckets("frame_processing_seconds")
        self._tallies: dict[str, CallTally] = {}
        self._decided: dict[str, Decided] = {}
        self._line_codes = BoundedLabels()
        self._line_counters = BoundedLabels()
        self._provider_counters = BoundedLabels()
        self._watched: list[tuple[str, tuple[str, ...], Callable[[], float]]] = []
        self.registry = CollectorRegistry()
        """Where all of it is registered, and others may register collectors of theirs."""
        self.registry.register(Collected(self._collect))
        ProcessCollector(registry=self.registry)
        self._shown: AppConfig | None = None
        """The configuration whose lines and providers are shown."""
        self._show_what_there_is()

    @property
    def notices(self) -> tuple[str, ...]:
        """Nothing for the terminal."""
        return ()

    async def start(self) -> None:
        """Count calls from now on."""
        self._engine.add_observer(self)

    async def stop(self) -> None:
        """Count no more calls; what was counted can still be scraped."""
        self._engine.remove_observer(self)

    # -- for the scraper ---------------------------------------------------------------------------

    def snapshot(self) -> tuple[Metric, ...]:
        """Return all metrics as they are now."""
        return tuple(self.registry.collect())

    @staticmethod
    def write(snapshot: tuple[Metric, ...], accept: str = "") -> MetricsPage:
        """Return a snapshot as a page, in the form that ``Accept`` asks for; best in a thread."""
        return write_page(snapshot, accept)

    def render(self) -> bytes:
        """Return all metrics as Prometheus text."""
        return write_page(self.snapshot()).body

    # -- what happens to no call -------------------------------------------------------------------

    def count_config_change(self, who: str) -> None:
        """Count a change of the configuration that was applied, by who asked for it."""
        self._values.count("config_changes_total", change_source(who), "applied")
        self._values.set("config_last_applied_timestamp_seconds", value=self._wall_clock())

    def watch(self, name: str, *labels: str, read: Callable[[], float]) -> None:
        """Read one metric of the catalogue at every scrape.

        Raises:
            KeyError: there is no such counter or gauge.
            ValueError: these are not its labels.
        """
        self._values.set(name, *labels, value=read())
        self._watched.append((name, labels, read))

    # -- what happens to calls ---------------------------------------------------------------------

    def on_call_started(self, event: CallStarted) -> None:  # noqa: D102 - as in the base
        self._values.count("calls_started_total", event.line, event.provider)
        self._tallies[event.call_id] = CallTally(
            event.line, event.provider, event.started_ms, self._decided_of(event.provider)
        )

    def on_line_event(self, call_id: str, now_ms: float, event: LineEvent) -> None:  # noqa: D102
        del now_ms
        if isinstance(event, LineWarning) and (tally := self._tallies.get(call_id)) is not None:
            code = self._line_codes.label(event.code)
            self._values.count("line_warnings_total", tally.line, code)

    def on_decision(  # noqa: D102
        self, call_id: str, now_ms: float, frame: bytes | None, decision: GateDecision
    ) -> None:
        tally = self._tallies.get(call_id)
        if tally is None:
            return
        reason = decision.reason
        if frame is not None:
            tally.decided[decision.action][reason] += 1
            if reason is GateReason.CALLER_SPEECH:
                tally.hear_caller(now_ms)
        if decision.state is not tally.state:
            self._enter(tally, now_ms, decision)
        if decision.events:
            self._follow_commitment(tally, now_ms, decision)

    def on_frame_processed(self, call_id: str, duration_ms: float) -> None:  # noqa: D102
        del call_id
        self._frame_times.observe(duration_ms / 1000)

    def on_gate_event(self, call_id: str, event: GateEvent) -> None:  # noqa: D102
        tally = self._tallies.get(call_id)
        if tally is not None:
            self._values.count("gate_events_total", tally.provider, event.type.value)

    def on_playout(self, call_id: str, now_ms: float, frame: PlayoutFrame) -> None:  # noqa: D102
        tally = self._tallies.get(call_id)
        if tally is None or is_announcement(frame):
            return
        if frame.is_agent_audio:
            wait_ms = tally.play_agent(now_ms)
            if wait_ms is not None:
                self._values.observe("caller_wait_seconds", wait_ms / 1000, tally.provider)
        elif tally.onset_ms is not None:
            took_s = tally.play_silence() / 1000
            self._values.observe("barge_in_silence_seconds", took_s, tally.provider)

    def on_provider_event(  # noqa: D102
        self, call_id: str, now_ms: float, event: ProviderEvent
    ) -> None:
        tally = self._tallies.get(call_id)
        if tally is not None:
            self._providers.receive(tally, now_ms, event)

    def on_provider_switched(self, event: ProviderSwitched) -> None:  # noqa: D102
        tally = self._tallies.get(event.call_id)
        if tally is None:
            return
        self._providers.receive_switch(event)
        self._end_gate(tally, event.now_ms, event.gate)
        tally.turns.lose_provider()
        tally.provider = event.provider
        tally.decided = self._decided_of(event.provider)

    def on_call_ended(self, event: CallEnded) -> None:  # noqa: D102
        tally = self._tallies.pop(event.call_id, None)
        if tally is None:
            return
        reason = end_reason(event.reason)
        self._values.count("calls_ended_total", tally.line, event.provider, reason)
        self._values.observe("call_duration_seconds", event.duration_ms / 1000, tally.line)
        self._values.observe("call_playout_underruns", event.playout_underruns)
        self._values.observe("call_skipped_slots", event.skipped_slots)
        self._count_by_parts(tally.line, event)
        self._end_gate(tally, tally.started_ms + event.duration_ms, event.gate)

    # -- private steps -----------------------------------------------------------------------------

    def _count_by_parts(self, line: str, event: CallEnded) -> None:
        """Add what the line and the providers of a call counted by themselves."""
        self._values.count("playout_dropped_seconds_total", by=event.playout_dropped_ms / 1000)
        for name, count in event.line_counts.items():
            label = self._line_counters.label(name)
            self._values.count("line_call_events_total", line, label, by=count)
        for provider, counts in event.provider_counts.items():
            for name, count in counts.items():
                label = self._provider_counters.label(name)
                self._values.count("provider_call_events_total", provider, label, by=count)

    def _decided_of(self, provider: str) -> Decided:
        """Return where decisions of a provider's calls are counted."""
        if provider not in self._decided:
            self._decided[provider] = {
                action: dict.fromkeys(GateReason, 0) for action in GateAction
            }
        return self._decided[provider]

    def _enter(self, tally: CallTally, now_ms: float, decision: GateDecision) -> None:
        left = tally.state
        is_gated = decision.reason is not GateReason.PASS_THROUGH
        visit_ms = tally.enter(decision.state, now_ms, is_gated=is_gated)
        if left is not None:
            self._observe_visit(left, visit_ms)

    def _end_gate(self, tally: CallTally, now_ms: float, gate: CallStats | None) -> None:
        if (left := tally.state) is not None:
            self._observe_visit(left, tally.leave(now_ms))
        if gate is not None:
            self._count_audio(tally.provider, tally.totals.end(gate))

    def _observe_visit(self, state: GateState, visit_ms: float | None) -> None:
        if visit_ms is not None:
            self._values.observe("gate_state_seconds", visit_ms / 1000, state.value)

    def _follow_commitment(self, tally: CallTally, now_ms: float, decision: GateDecision) -> None:
        measured = decision.measurements
        if measured is None or measured.evidence_span_ms <= 0:
            return
        if any(event.type is GateEventType.BARGE_IN_COMMITTED for event in decision.events):
            span_ms = measured.evidence_span_ms
            self._values.observe("barge_in_commit_seconds", span_ms / 1000, tally.provider)
            tally.onset_ms = now_ms - span_ms

    def _count_audio(self, provider: str, frames: FramesByFate) -> None:
        for fate, count in frames.items():
            if fate in _MALFORMED:
                direction = _MALFORMED[fate]
                self._values.count("gate_malformed_total", provider, direction, by=count)
            else:
                seconds = count * _FRAME_S
                self._values.count("gate_audio_seconds_total", provider, fate, by=seconds)

    def _show_what_there_is(self) -> None:
        if self._shown is not (config := self._engine.config):
            show_from_the_start(config, self._values)
            self._shown = config

    def _collect(self) -> Iterator[Metric]:
        self._show_what_there_is()
        read_engine(self._engine, self._values)
        self._read_watched()
        self._read_calls()
        for provider, action in product(self._decided, GateAction):
            for reason, count in self._decided[provider][action].items():
                if count:
                    labels = (provider, action.value, reason.value)
                    self._values.set("gate_decisions_total", *labels, value=count)
        return self._values.families()

    def _read_watched(self) -> None:
        for watched in tuple(self._watched):
            name, labels, read = watched
            try:
                self._values.set(name, *labels, value=read())
            except Exception:  # noqa: BLE001 - the other metrics are shown all the same
                self._watched.remove(watched)
                _log.exception("metrics.source_failed", metric=name)

    def _read_calls(self) -> None:
        values, manager = self._values, self._engine.manager
        for name in ("calls_running", "gate_calls"):
            values.forget(name)
        for state in GateState:
            values.set("gate_calls", state.value, value=0)
        for line, provider in lines_with_providers(self._engine.config):
            values.set("calls_running", line, provider, value=0)
        for call_id, tally in self._tallies.items():
            values.count("calls_running", tally.line, tally.provider)
            stats, state_now = manager.get_stats(call_id), manager.get_state(call_id)
            if stats is not None and state_now is not None:
                values.count("gate_calls", state_now.value)
                self._count_audio(tally.provider, tally.totals.see(stats))
