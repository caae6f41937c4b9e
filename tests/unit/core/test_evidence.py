"""Evidence of the caller, counted in audio time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.config import BargeInConfig
from voxgate.core.echo.barge_in_decision import DecisionThresholds
from voxgate.core.evidence import Evidence


def make() -> Evidence:
    return Evidence(BargeInConfig(evidence_release_ms=160), DecisionThresholds())


def feed(evidence: Evidence, pattern: str) -> list[bool]:
    """Observe ``#`` for the caller, ``.`` for another frame and ``_`` for a slot without one."""
    steps = {
        "#": lambda: evidence.observe(is_caller=True),
        ".": lambda: evidence.observe(is_caller=False),
        "_": evidence.observe_nothing,
    }
    return [steps[step]() for step in pattern]


def test_only_frames_of_the_caller_count() -> None:
    """Evidence is 20 ms a frame that speaks for the caller; the span counts all since the first."""
    evidence = make()
    feed(evidence, "..##.#")
    assert (evidence.ms, evidence.span_frames, evidence.gap_ms) == (60, 4, 0)


@pytest.mark.parametrize("waiting", [".", "_"])
def test_it_lapses_after_the_release_time_and_says_so_once(waiting) -> None:
    """The frame with which the release time has passed reports it, and all is forgotten."""
    evidence = make()
    assert feed(evidence, "####" + 8 * waiting) == [False] * 11 + [True]
    assert (evidence.ms, evidence.span_frames) == (0, 0)
    assert evidence.gap_ms >= 160
    assert feed(evidence, waiting) == [False]


def test_a_short_closure_within_a_word_keeps_it() -> None:
    """Up to 40 ms without the caller cost nothing, and more costs 10 ms a frame."""
    evidence = make()
    assert not any(feed(evidence, "###..#"))
    assert evidence.ms == 80
    assert not any(feed(evidence, ".....#"))
    assert evidence.ms == 70


def test_sparse_hits_never_add_up() -> None:
    """One frame in seven, as of residual echo, makes no candidate however long it goes on."""
    evidence = make()
    for _ in range(100):
        feed(evidence, "#......")
        assert not evidence.is_candidate


def test_slots_without_a_frame_are_no_part_of_the_span() -> None:
    """The span counts captured frames, since it says how many held frames are the caller's."""
    evidence = make()
    feed(evidence, "##__#")
    assert (evidence.ms, evidence.span_frames) == (60, 3)


def test_reset_forgets() -> None:
    """After a reset there is no evidence, and none has been for long."""
    evidence = make()
    feed(evidence, "####")
    evidence.reset()
    assert (evidence.ms, evidence.span_frames, evidence.gap_ms) == (0, 0, 160)


@given(st.text("#._", max_size=80), st.integers(1, 20).map(lambda n: n * 20))
def test_evidence_never_outgrows_its_frames(pattern, release_ms) -> None:
    """Over any stream: at most 20 ms a frame, at most the span, and the gap is the time since."""
    evidence = Evidence(BargeInConfig(evidence_release_ms=release_ms), DecisionThresholds())
    feed(evidence, pattern)
    assert 0 <= evidence.ms <= 20 * evidence.span_frames <= 20 * len(pattern)
    if evidence.ms:
        assert evidence.gap_ms == 20 * (len(pattern) - 1 - pattern.rindex("#"))


def test_without_a_reference_frames_are_counted_up_to_candidate_and_commitment() -> None:
    """60 ms of the caller make a candidate and 140 ms hold, at the defaults."""
    evidence = make()
    reached = []
    for _ in range(7):
        evidence.observe(is_caller=True)
        reached.append((evidence.is_candidate, evidence.is_held))
    assert reached == [(False, False)] * 2 + [(True, False)] * 4 + [(True, True)]


def test_with_a_reference_strong_evidence_acts_at_once_and_weak_evidence_has_to_last() -> None:
    """One frame of log odds 3 opens; 0.9 pauses after some frames and never opens."""
    strong = make()
    strong.observe(is_caller=True, logit=3.0)
    assert strong.is_held
    weak = make()
    reached = []
    for _ in range(20):
        weak.observe(is_caller=True, logit=0.9)
        reached.append((weak.is_candidate, weak.is_held))
    assert reached[0] == (False, False)
    assert reached[-1] == (True, False)


def test_a_reset_forgets_the_sums_of_the_test() -> None:
    """What was said before the agent's turn is no evidence in it."""
    evidence = make()
    evidence.observe(is_caller=True, logit=6.0)
    evidence.reset()
    assert not evidence.is_candidate
    evidence.observe(is_caller=False, logit=-1.0)
    assert not evidence.is_held


def test_other_thresholds_hold_for_what_was_gathered() -> None:
    """80 ms are no candidate under 100 ms, and one under 60 ms with the next frame."""
    evidence = Evidence(BargeInConfig(candidate_ms=100, min_ms=400), DecisionThresholds())
    feed(evidence, "####")
    assert not evidence.is_candidate
    evidence.reconfigure(BargeInConfig(candidate_ms=60, min_ms=400), DecisionThresholds())
    feed(evidence, "#")
    assert evidence.is_candidate
    assert evidence.ms == 100


def test_other_thresholds_hold_for_the_test_on_log_odds() -> None:
    """Its sums stay."""
    evidence = make()
    evidence.observe(is_caller=True, logit=1.5)
    evidence.reconfigure(BargeInConfig(), DecisionThresholds(commit_drift=-20.0))
    evidence.observe(is_caller=True, logit=1.5)
    assert evidence.is_held
