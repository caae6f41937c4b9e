"""Chooses the thresholds of the sequential test on logits of a tuning set.

Every setting of a grid is tried and judged as ``voxgate evaluate`` judges. Invariant: what is
reported on is never read here.
"""

from __future__ import annotations

__all__ = [
    "Trace",
    "TuningFigures",
    "judge_traces",
    "rank_candidates",
    "rank_commitments",
    "trace_turns",
]

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ...core.audio import FRAME_MS
from ...core.echo.barge_in_decision import BargeInDecision, DecisionThresholds
from ...core.echo.recurrent_network import NetworkWeights, RecurrentNetwork
from ..evaluate.pauses import PlayoutPause
from ..evaluate.summary import Share
from ..evaluate.turns import TurnVerdict, judge_turn
from .turn_rows import TurnRows, TurnTruth

_DECAYS = (0.0, 0.5, 0.7, 0.85)
_DRIFTS = (-1.0, 0.0, 1.0, 2.0)
_CANDIDATE_DRIFTS = (-2.0, *_DRIFTS)
_SUMS = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
_LIMITS = (3.0, 6.0)
_NEVER = 1e9
"""Sum that no evidence reaches."""
_OVER_LIMIT_COST = 4.0
"""Of each percent beyond a limit; a missed percent costs 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Logits of one agent turn."""

    logits: npt.NDArray[np.float64]
    """[shape=(rows,)]."""
    frame_index: npt.NDArray[np.int32]
    """Number of each row's frame in its call."""
    truth: TurnTruth


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningFigures:
    """What came of one setting; None where nothing was measured."""

    false: Share
    """Agent turns in which the gate opened without the caller, or before."""
    right: Share
    """Interruptions let in within a second."""
    needless: Share
    """Agent turns in which playout paused without the caller, or before."""
    open_p50_ms: float | None
    open_p95_ms: float | None
    pause_p50_ms: float | None


def trace_turns(turns: Sequence[TurnRows], weights: NetworkWeights) -> list[Trace]:
    """Run the gate's network over every turn."""
    network = RecurrentNetwork(weights)
    traces = []
    for turn in turns:
        network.reset()
        logits = [network.process(row) for row in turn.features.astype(np.float32)]
        traces.append(
            Trace(logits=np.array(logits), frame_index=turn.frame_index, truth=turn.truth)
        )
    return traces


def judge_traces(traces: Sequence[Trace], thresholds: DecisionThresholds) -> TuningFigures:
    """Return what the sequential test makes of some turns."""
    judged = (_judge(trace, thresholds) for trace in traces)
    verdicts = [verdict for verdict in judged if verdict is not None]
    interrupted = [verdict for verdict in verdicts if verdict.onset_ms is not None]
    open_ms = [v.open_latency_ms for v in verdicts if v.open_latency_ms is not None]
    pause_ms = [v.pause_latency_ms for v in verdicts if v.pause_latency_ms is not None]
    return TuningFigures(
        false=Share(sum(bool(verdict.false_ms) for verdict in verdicts), len(verdicts)),
        right=Share(sum(v.right_ms is not None for v in interrupted), len(interrupted)),
        needless=Share(sum(bool(v.needless_pause_ms) for v in verdicts), len(verdicts)),
        open_p50_ms=_percentile(open_ms, 50),
        open_p95_ms=_percentile(open_ms, 95),
        pause_p50_ms=_percentile(pause_ms, 50),
    )


def rank_commitments(
    traces: Sequence[Trace], *, false_limit_percent: float
) -> list[tuple[DecisionThresholds, TuningFigures]]:
    """Return settings of the commitment, best first: few misses, early, false ones in the limit."""

    def cost(figures: TuningFigures) -> float:
        excess = max(0.0, (figures.false.percent or 0.0) - false_limit_percent)
        lateness = (figures.open_p50_ms or 0.0) / 60.0 + (figures.open_p95_ms or 0.0) / 150.0
        return 100.0 - (figures.right.percent or 0.0) + _OVER_LIMIT_COST * excess + lateness

    settings = (
        DecisionThresholds(
            commit_drift=drift,
            commit_sum=total,
            decay=decay,
            increment_limit=limit,
            candidate_sum=_NEVER,
        )
        for decay, drift, total, limit in itertools.product(_DECAYS, _DRIFTS, _SUMS, _LIMITS)
        if total <= limit or decay > 0.0
    )
    tried = [(setting, judge_traces(traces, setting)) for setting in settings]
    return sorted(tried, key=lambda item: cost(item[1]))


def rank_candidates(
    traces: Sequence[Trace], commitment: DecisionThresholds, *, needless_limit_percent: float
) -> list[tuple[DecisionThresholds, TuningFigures]]:
    """Return settings of the candidate for a commitment, best first: early, few needless ones."""

    def cost(figures: TuningFigures) -> float:
        needless = figures.needless.percent or 0.0
        excess = max(0.0, needless - needless_limit_percent)
        early = (figures.pause_p50_ms or 0.0) / 20.0
        return early + _OVER_LIMIT_COST * excess + needless / 4.0

    settings = (
        replace(commitment, candidate_drift=drift, candidate_sum=total)
        for drift, total in itertools.product(_CANDIDATE_DRIFTS, _SUMS)
    )
    tried = [(setting, judge_traces(traces, setting)) for setting in settings]
    return sorted(tried, key=lambda item: cost(item[1]))


def _judge(trace: Trace, thresholds: DecisionThresholds) -> TurnVerdict | None:
    return judge_turn(
        trace.truth.turn,
        next_turn_ms=trace.truth.next_turn_ms,
        utterances=trace.truth.utterances,
        pauses=_pauses_of(trace, thresholds),
    )


def _pauses_of(trace: Trace, thresholds: DecisionThresholds) -> list[PlayoutPause]:
    """Return the candidates of a turn up to its first commitment, after which the gate is open."""
    test = BargeInDecision(thresholds)
    pauses: list[PlayoutPause] = []
    paused_ms: float | None = None
    drift = min(thresholds.candidate_drift, thresholds.commit_drift)
    telling = np.flatnonzero(trace.logits > drift)
    if len(telling) == 0:
        return pauses
    # Before the first logit above the drift all sums are zero: most frames need not be tried.
    for place in range(int(telling[0]), len(trace.logits)):
        evidence = test.process(float(trace.logits[place]))
        end_ms = float((trace.frame_index[place] + 1) * FRAME_MS)
        if evidence.is_commitment:
            return [*pauses, PlayoutPause(end_ms if paused_ms is None else paused_ms, end_ms)]
        if evidence.is_candidate and paused_ms is None:
            paused_ms = end_ms
        elif not evidence.is_candidate and paused_ms is not None:
            pauses.append(PlayoutPause(paused_ms, None))
            paused_ms = None
    return pauses if paused_ms is None else [*pauses, PlayoutPause(paused_ms, None)]


def _percentile(values: Sequence[float], percent: float) -> float | None:
    return float(np.percentile(values, percent)) if values else None
