"""Reads at every scrape what the engine and its parts count by themselves.

Invariant: reading changes nothing, and what can't be read is left out.
"""

from __future__ import annotations

__all__ = ["read_engine"]

from dataclasses import asdict, is_dataclass
from typing import Any

from ..engine import AIEngine, EnginePhase
from .metrics_values import MetricValues

_OPEN = "open_connections"


def read_engine(engine: AIEngine, values: MetricValues) -> None:
    """Set the metrics of the engine, its gate, its lines and its local parts."""
    for phase in EnginePhase:
        values.set("engine_phase", phase.value, value=float(engine.phase is phase))
    values.set("calls_limit", value=engine.config.engine.max_calls)
    values.set("observer_failures_total", value=engine.observer_failures)
    for reason, count in engine.counters.refusals.items():
        values.set("calls_refused_total", reason, value=count)
    values.set("realtime_server_refused_total", value=engine.refused_realtime_sessions)
    manager = engine.manager
    counters = manager.counters
    values.set("gate_unknown_call_inputs_total", value=counters.unknown_call_inputs)
    values.set("gate_unknown_provider_calls_total", value=counters.unknown_provider_calls)
    values.set("gate_tap_failures_total", value=manager.tap_failures)
    _read_lines(engine, values)
    _read_local_parts(engine, values)


def _read_lines(engine: AIEngine, values: MetricValues) -> None:
    values.forget("line_open_connections")
    for line, transport in engine.transports.items():
        stats: Any = getattr(transport, "stats", None)
        if not is_dataclass(stats) or isinstance(stats, type):
            continue
        for event, count in asdict(stats).items():
            if event == _OPEN:
                values.set("line_open_connections", line, value=count)
            elif isinstance(count, int):
                values.set("line_server_events_total", line, event, value=count)


def _read_local_parts(engine: AIEngine, values: MetricValues) -> None:
    seen: set[int] = set()
    for (provider, section), part in engine.local_parts.items():
        crew = getattr(part, "crew", None)
        if crew is None or id(part) in seen:
            continue
        seen.add(id(part))
        values.set("local_agent_workers_replaced_total", provider, section, value=crew.replaced)
        values.set("local_agent_jobs_refused_total", provider, section, value=crew.refused)
