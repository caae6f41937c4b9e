"""What counting and showing metrics costs with 50 calls: `python -m benchmarks.metrics_cost`."""

from __future__ import annotations

__all__ = ["N_CALLS", "metrics_figures"]

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figure import Figure
from voxgate.call_observer import CallObserver, CallStarted, Observers
from voxgate.config.models import AppConfig
from voxgate.core.gate_decision import (
    GateAction,
    GateDecision,
    GateMeasurements,
    GateReason,
    GateState,
)
from voxgate.core.playout import PlayoutFrame
from voxgate.engine import AIEngine
from voxgate.observe.metrics import CallMetrics
from voxgate.transports.base import LineAudio

N_CALLS = 50
_N_SLOTS = 200
_N_ROUNDS = 7
_SLOTS_A_S = 50
_FRAME = bytes(320)
_AUDIO = LineAudio(_FRAME)
_PLAYED = PlayoutFrame(audio=_FRAME, is_agent_audio=True, item_id="item")
_DECISION = GateDecision(
    action=GateAction.WITHHOLD,
    state=GateState.CLOSED,
    reason=GateReason.AGENT_AUDIBLE,
    measurements=GateMeasurements(),
)


def metrics_figures() -> list[Figure]:
    """Measure a slot of a call, in which a frame comes, is judged and played, and a scrape."""
    metrics = CallMetrics(engine := AIEngine(AppConfig()))
    nobody, counted = Observers([CallObserver()]), Observers([metrics])
    calls = [f"call-{number}" for number in range(N_CALLS)]
    for call_id in calls:
        _start(engine, counted, call_id)
    rounds = [(_slot_us(nobody, calls), _slot_us(counted, calls)) for _ in range(_N_ROUNDS)]
    slots_us = [after - before for before, after in rounds]
    snapshots_ms = [_time_ms(metrics.snapshot) for _ in range(_N_ROUNDS)]
    snapshot = metrics.snapshot()
    accept = "application/openmetrics-text; version=1.0.0"
    writes_ms = [_time_ms(lambda: metrics.write(snapshot, accept)) for _ in range(_N_ROUNDS)]
    share = median(slots_us) * N_CALLS * _SLOTS_A_S / 1e4
    return [
        Figure(
            name="metrics, a slot of a call",
            value=median(slots_us),
            unit="us",
            limit=10,
            best=min(slots_us),
        ),
        Figure(name=f"... of a core with {N_CALLS} calls", value=share, unit="%"),
        Figure(
            name=f"a scrape with {N_CALLS} calls, in the loop",
            value=median(snapshots_ms),
            unit="ms",
            limit=2,
            best=min(snapshots_ms),
        ),
        Figure(name="... written out, in a thread", value=median(writes_ms), unit="ms"),
    ]


def _start(engine: AIEngine, observers: Observers, call_id: str) -> None:
    started = CallStarted(call_id=call_id, provider="embedded", line="audiosocket", started_ms=0.0)
    observers.on_call_started(started)
    engine.manager.start_call(call_id, provider="openai_realtime", now_ms=0.0)
    engine.manager.receive_far_end(call_id, _FRAME, 0.0, is_agent_audio=False)
    engine.manager.process(call_id, _FRAME, 0.0)


def _slot_us(observers: Observers, calls: list[str]) -> float:
    """Return what it takes to tell observers of one slot of one call, in us."""

    def tell() -> None:
        for slot in range(_N_SLOTS):
            now_ms = slot * 20.0
            for call_id in calls:
                observers.on_line_event(call_id, now_ms, _AUDIO)
                observers.on_frame_processed(call_id, 0.2)
                observers.on_decision(call_id, now_ms, _FRAME, _DECISION)
                observers.on_playout(call_id, now_ms, _PLAYED)
                observers.on_decision(call_id, now_ms, None, _DECISION)

    return _time_ms(tell) * 1000 / (_N_SLOTS * len(calls))


def _time_ms(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    for figure in metrics_figures():
        print(f"{figure.name:40} {figure.value:8.2f} {figure.unit:3} {figure.verdict}")
