"""Judged rows of a bench, made by hand."""

from __future__ import annotations

__all__ = ["bench_row", "bench_rows"]

from pathlib import Path

from support.recordings import manifest_row
from voxgate.core.gate_decision import GateEvent, GateEventType, GateReason
from voxgate.lab.bench.matrix import draw_scenarios
from voxgate.lab.evaluate.evaluation import EvaluatedRow
from voxgate.lab.evaluate.judge import CallTruth, judge_call
from voxgate.lab.evaluate.runner import GateRun

_LEVELS = {
    "path": "room",
    "return_loss_db": "12 to 18",
    "delay_ms": "100 to 250",
    "delay_jump": "no",
    "clock_drift": "no",
    "loudspeaker": "linear",
    "background": "none",
    "bursts": "no",
    "caller_dbfs": "-24 to -16",
    "codec": "mulaw",
    "packet_loss": "no",
    "line": "steady",
}


def bench_row(*committed_ms: float, **levels: str) -> EvaluatedRow:
    """Return a call of two agent turns, of 0..4 s and 6..10 s, interrupted at 2 s and at 8 s.

    Args:
        committed_ms: When the gate opened.
        **levels: Conditions other than the plain ones.
    """
    turns, speech = ((0.0, 4000.0), (6000.0, 10000.0)), ((2000.0, 2600.0), (8000.0, 8600.0))
    events = tuple(
        GateEvent(type=GateEventType.BARGE_IN_COMMITTED, t_ms=t_ms, reason=GateReason.BARGE_IN)
        for t_ms in committed_ms
    )
    truth = CallTruth(duration_ms=12000.0, agent_speaking=turns, caller_speech=speech)
    return EvaluatedRow(
        row=manifest_row(Path("simulated"), tags={**_LEVELS, **levels}),
        run=GateRun(events=events, forwarded=((0.0, 3000.0),), us_per_frame_p50=10.0),
        verdict=judge_call(truth, events, ((0.0, 3000.0),)),
        is_gated=True,
        notes=(),
    )


def bench_rows(calls: int) -> list[EvaluatedRow]:
    """Return calls of all conditions, of which every third has a false barge-in."""
    return [
        bench_row(*([1000.0] if scenario.number % 3 == 0 else [2100.0, 8200.0]), **scenario.levels)
        for scenario in draw_scenarios(calls, 1, has_measured=True)
    ]
