"""Thresholds from logits made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from support.echo_scenes import random_arrays
from support.training_turns import made_turn, separable_turns, turn_truth
from voxgate.core.echo.barge_in_decision import DecisionThresholds
from voxgate.core.echo.recurrent_network import NetworkWeights, RecurrentNetwork
from voxgate.lab.evaluate.intervals import Interval
from voxgate.lab.training.threshold_tuning import (
    Trace,
    judge_traces,
    rank_candidates,
    rank_commitments,
    trace_turns,
)

ONE_FRAME = DecisionThresholds(commit_drift=0.0, commit_sum=0.5, decay=0.0, candidate_sum=1e9)


def trace(logits: list[float], *utterances: Interval) -> Trace:
    return Trace(
        logits=np.array(logits),
        frame_index=np.arange(len(logits), dtype=np.int32),
        truth=turn_truth(*utterances),
    )


def quiet(length: int) -> list[float]:
    return [-4.0] * length


def test_each_turn_is_right_false_or_missed() -> None:
    """The definitions are those of the judge: by the end of the frame that commits."""
    figures = judge_traces(
        [
            trace([*quiet(50), 3.0, *quiet(49)]),  # false: nobody spoke
            trace([*quiet(50), 3.0, *quiet(49)], (900.0, 1500.0)),  # right, 120 ms after
            trace([*quiet(20), 3.0, *quiet(79)], (900.0, 1500.0)),  # false: before the onset
            trace(quiet(100), (900.0, 1500.0)),  # missed
            trace(quiet(100)),
        ],
        ONE_FRAME,
    )
    assert (figures.false.count, figures.false.of) == (2, 5)
    assert (figures.right.count, figures.right.of) == (1, 3)
    assert figures.open_p50_ms == figures.open_p95_ms == 120.0


def test_a_pause_that_lapses_is_needless_and_one_that_is_committed_is_early() -> None:
    """The pause before a commitment is timed; one without the caller counts against the setting."""
    two_steps = DecisionThresholds(
        candidate_drift=0.0, candidate_sum=1.0, commit_drift=0.0, commit_sum=5.0, decay=0.7
    )
    rising = [*quiet(50), 2.0, 2.0, 2.0, 2.0, *quiet(46)]
    figures = judge_traces(
        [trace(rising, (1000.0, 1500.0)), trace([*quiet(10), 2.0, *quiet(89)])], two_steps
    )
    assert (figures.needless.count, figures.needless.of) == (1, 2)
    assert figures.false.count == 0
    assert figures.pause_p50_ms == 20.0
    assert figures.open_p50_ms == 80.0


def test_lost_frames_keep_their_time() -> None:
    """A commitment is timed by its frame in the call, not by its row."""
    made = trace([*quiet(10), 3.0], (1000.0, 1500.0))
    late = Trace(logits=made.logits, frame_index=made.frame_index + np.int32(45), truth=made.truth)
    assert judge_traces([late], ONE_FRAME).open_p50_ms == 120.0


def test_nothing_measured_is_none() -> None:
    """Without turns there are no percent and no latency."""
    figures = judge_traces([], ONE_FRAME)
    assert figures.false.percent is None
    assert figures.open_p50_ms is None


@pytest.fixture
def table() -> list[Trace]:
    """Clicks of one strong frame without the caller; callers who are weaker and last."""
    clicks = [trace([*quiet(30 + i), 4.0, *quiet(60)]) for i in range(10)]
    callers = [
        trace([*quiet(30 + i), *[2.5] * 20, *quiet(30)], (600.0 + 20 * i, 1000.0 + 20 * i))
        for i in range(10)
    ]
    return [*clicks, *callers]


def test_the_best_commitment_tells_clicks_from_callers(table: list[Trace]) -> None:
    """A setting that waits for a sum of weak frames wins over one that opens for a click."""
    ranked = rank_commitments(table, false_limit_percent=1.0)
    best, figures = ranked[0]
    assert figures.false.count == 0
    assert figures.right.count == 10
    assert best.decay > 0.0
    assert ranked[-1][1].false.count == 10 or ranked[-1][1].right.count == 0


def test_the_best_candidate_is_early_within_its_limit(table: list[Trace]) -> None:
    """Of the settings that seldom pause for a click the earliest wins; the commitment stays."""
    commitment, opened = rank_commitments(table, false_limit_percent=1.0)[0]
    best, figures = rank_candidates(table, commitment, needless_limit_percent=2.5)[0]
    assert (best.commit_drift, best.commit_sum) == (commitment.commit_drift, commitment.commit_sum)
    assert figures.right == opened.right
    assert figures.needless.count == 0
    assert figures.pause_p50_ms is not None
    assert opened.open_p50_ms is not None
    assert figures.pause_p50_ms <= opened.open_p50_ms
    lenient, loose = rank_candidates(table, commitment, needless_limit_percent=100.0)[0]
    assert lenient != best or loose == figures


def test_traces_are_of_the_gate_s_network_from_zero_each_turn() -> None:
    """A turn's logits do not depend on the turn before."""
    weights = NetworkWeights(random_arrays())
    turns = separable_turns(3)
    network = RecurrentNetwork(weights)
    expected = [network.process(row) for row in turns[2].features.astype(np.float32)]
    traces = trace_turns(turns, weights)
    np.testing.assert_array_equal(traces[2].logits, expected)
    assert traces[1].truth == made_turn(41, onset=15, seed=1).truth
