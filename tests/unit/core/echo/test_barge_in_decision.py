"""The sequential test: what pauses the agent, what opens the gate, what fades."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.echo.barge_in_decision import BargeInDecision, DecisionThresholds, Evidence

NOTHING = Evidence(is_candidate=False, is_commitment=False)
CANDIDATE = Evidence(is_candidate=True, is_commitment=False)
COMMITMENT = Evidence(is_candidate=True, is_commitment=True)

SLOW = DecisionThresholds(
    candidate_drift=0.0, candidate_sum=2.0, commit_drift=1.0, commit_sum=3.0, decay=0.5
)

finite = st.floats(-50.0, 50.0)


def _run(thresholds: DecisionThresholds, logits: list[float]) -> list[Evidence]:
    decision = BargeInDecision(thresholds)
    return [decision.process(logit) for logit in logits]


@pytest.mark.parametrize(
    ("logits", "last"),
    [
        ([], NOTHING),
        ([-10.0] * 50, NOTHING),
        ([0.0] * 50, NOTHING),
        ([1.9], NOTHING),
        ([2.0], CANDIDATE),
        ([3.9], CANDIDATE),
        ([4.0], COMMITMENT),
        ([1.9, 1.1], CANDIDATE),
        ([1.9, -1.0, 1.1], NOTHING),
        ([3.0, 3.0], COMMITMENT),
        ([2.5] * 3, CANDIDATE),
        ([2.5] * 9, CANDIDATE),
        ([2.6] * 9, COMMITMENT),
        ([9.0, -9.0], NOTHING),
        ([-40.0, 4.0], COMMITMENT),
    ],
)
def test_sums_of_evidence_decide(logits: list[float], last: Evidence) -> None:
    """Weak evidence has to last, strong evidence acts at once, evidence against is not hoarded."""
    assert (_run(SLOW, logits) or [NOTHING])[-1] == last


@given(
    st.lists(finite, min_size=1, max_size=40),
    st.builds(
        DecisionThresholds,
        candidate_drift=finite,
        candidate_sum=st.floats(0.1, 20.0),
        commit_drift=finite,
        commit_sum=st.floats(0.1, 20.0),
        decay=st.floats(0.0, 1.0),
        increment_limit=st.floats(0.1, 20.0),
    ),
)
def test_a_commitment_is_a_candidate_too(
    logits: list[float], thresholds: DecisionThresholds
) -> None:
    """Whatever the thresholds, the gate never opens beside an agent that plays on."""
    for evidence in _run(thresholds, logits):
        assert evidence.is_candidate or not evidence.is_commitment


def test_old_evidence_fades() -> None:
    """After strong evidence, frames that say nothing end commitment, then candidate, for good."""
    outcomes = _run(DecisionThresholds(), [8.0] + [0.0] * 20)
    assert outcomes[0] == COMMITMENT
    assert outcomes[-1] == NOTHING
    for before, after in pairwise(outcomes):
        assert before.is_candidate >= after.is_candidate
        assert before.is_commitment >= after.is_commitment


def test_one_frame_adds_no_more_than_the_limit() -> None:
    """A single frame of enormous odds fades as fast as one at the limit."""
    thresholds = DecisionThresholds(increment_limit=6.0)
    assert _run(thresholds, [1000.0] + [0.0] * 10) == _run(thresholds, [7.0] + [0.0] * 10)


def test_reset_forgets_all_evidence() -> None:
    """A new stretch of agent audio begins at nothing."""
    decision = BargeInDecision(SLOW)
    decision.process(1.9)
    decision.reset()
    assert decision.process(1.5) == NOTHING


@pytest.mark.parametrize(
    "wrong",
    [
        {"decay": -0.1},
        {"decay": 1.1},
        {"candidate_sum": 0.0},
        {"commit_sum": -1.0},
        {"increment_limit": 0.0},
        {"commit_drift": float("nan")},
        {"candidate_drift": float("inf")},
    ],
)
def test_thresholds_that_can_not_be_are_refused_by_name(wrong: dict[str, float]) -> None:
    """The error names the field."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        DecisionThresholds(**wrong)
