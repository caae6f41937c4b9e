"""What the engine counts by itself, read at a scrape."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

from voxgate.config.models import AppConfig, EngineConfig
from voxgate.core.audio_gating_manager import ManagerCounters
from voxgate.engine import AIEngine, EngineCounters, EnginePhase
from voxgate.observe.metrics_engine import read_engine
from voxgate.observe.metrics_values import MetricValues


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    open_connections: int = 4
    refused_peers: int = 2


def engine(**changed: Any) -> AIEngine:
    facts = {
        "phase": EnginePhase.DRAINING,
        "config": AppConfig(engine=EngineConfig(max_calls=7)),
        "counters": EngineCounters(refusals={"max_calls": 3}),
        "observer_failures": 1,
        "manager": SimpleNamespace(
            counters=ManagerCounters(unknown_call_inputs=5, unknown_provider_calls=6),
            tap_failures=8,
        ),
        "transports": {"audiosocket": SimpleNamespace(stats=Stats()), "own": SimpleNamespace()},
        "local_parts": {},
        "refused_realtime_sessions": 9,
    }
    return cast("AIEngine", SimpleNamespace(**facts | changed))


def read(*engines: AIEngine) -> dict[tuple[str, ...], float]:
    values = MetricValues()
    for each in engines:
        read_engine(each, values)
    return {
        (sample.name.removeprefix("voxgate_"), *sample.labels.values()): sample.value
        for family in values.families()
        for sample in family.samples
    }


def test_the_engine_says_where_it_is_and_what_it_refused() -> None:
    """One phase is 1, the others are 0."""
    shown = read(engine())
    assert {key[1]: value for key, value in shown.items() if key[0] == "engine_phase"} == {
        "starting": 0,
        "running": 0,
        "draining": 1,
        "stopped": 0,
    }
    assert shown["calls_refused_total", "max_calls"] == 3
    assert shown["calls_limit",] == 7
    assert shown["observer_failures_total",] == 1


def test_what_reached_nobody_is_shown() -> None:
    """The counters of the gate's manager."""
    shown = read(engine())
    assert shown["gate_unknown_call_inputs_total",] == 5
    assert shown["gate_unknown_provider_calls_total",] == 6
    assert shown["gate_tap_failures_total",] == 8
    assert shown["realtime_server_refused_total",] == 9


def test_lines_show_what_they_count() -> None:
    """What is open now is a gauge; a line that counts nothing is left out."""
    shown = read(engine())
    assert shown["line_open_connections", "audiosocket"] == 4
    assert shown["line_server_events_total", "audiosocket", "refused_peers"] == 2
    assert not any("own" in key for key in shown)


def test_a_line_that_is_gone_has_no_open_connections() -> None:
    """What it counted stays."""
    shown = read(engine(), engine(transports={}))
    assert ("line_open_connections", "audiosocket") not in shown
    assert shown["line_server_events_total", "audiosocket", "refused_peers"] == 2


def test_a_part_that_agents_share_counts_once() -> None:
    """For the first of them; one without processes of its own has nothing to count."""
    voice = SimpleNamespace(crew=SimpleNamespace(replaced=2, refused=9))
    shown = read(
        engine(
            local_parts={
                ("one", "voice"): voice,
                ("two", "voice"): voice,
                ("two", "reply"): SimpleNamespace(),
            }
        )
    )
    assert {key: value for key, value in shown.items() if key[0].startswith("local_agent")} == {
        ("local_agent_workers_replaced_total", "one", "voice"): 2,
        ("local_agent_jobs_refused_total", "one", "voice"): 9,
    }
