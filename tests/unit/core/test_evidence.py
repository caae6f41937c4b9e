"""Evidence of the caller, counted in audio time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.evidence import Evidence


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
    evidence = Evidence(160)
    feed(evidence, "..##.#")
    assert (evidence.ms, evidence.span_frames, evidence.gap_ms) == (60, 4, 0)


@pytest.mark.parametrize("waiting", [".", "_"])
def test_it_lapses_after_the_release_time_and_says_so_once(waiting) -> None:
    """The frame with which the release time has passed reports it, and all is forgotten."""
    evidence = Evidence(160)
    assert feed(evidence, "##" + 8 * waiting) == [False] * 9 + [True]
    assert (evidence.ms, evidence.span_frames) == (0, 0)
    assert evidence.gap_ms >= 160
    assert feed(evidence, waiting) == [False]


def test_a_short_closure_within_a_word_keeps_it() -> None:
    """Less than the release time without the caller changes nothing."""
    evidence = Evidence(160)
    assert not any(feed(evidence, "###.......#"))
    assert evidence.ms == 80


def test_slots_without_a_frame_are_no_part_of_the_span() -> None:
    """The span counts captured frames, since it says how many held frames are the caller's."""
    evidence = Evidence(160)
    feed(evidence, "##____#")
    assert (evidence.ms, evidence.span_frames) == (60, 3)


def test_reset_forgets() -> None:
    """After a reset there is no evidence, and none has been for long."""
    evidence = Evidence(160)
    feed(evidence, "####")
    evidence.reset()
    assert (evidence.ms, evidence.span_frames, evidence.gap_ms) == (0, 0, 160)


@given(st.text("#._", max_size=80), st.integers(1, 20).map(lambda n: n * 20))
def test_evidence_never_outgrows_its_frames(pattern, release_ms) -> None:
    """Over any stream: at most 20 ms a frame, at most the span, and the gap is the time since."""
    evidence = Evidence(release_ms)
    feed(evidence, pattern)
    assert 0 <= evidence.ms <= 20 * evidence.span_frames <= 20 * len(pattern)
    if evidence.ms:
        assert evidence.gap_ms == 20 * (len(pattern) - 1 - pattern.rindex("#"))
