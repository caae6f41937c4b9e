"""What differs between two runs of one call."""

from __future__ import annotations

from dataclasses import replace

from voxgate.core.gate_decision import (
    GateAction,
    GateEvent,
    GateEventType,
    GateMeasurements,
    GateReason,
    GateState,
)
from voxgate.lab.replay.comparison import RunDecision, compare_runs
from voxgate.recordings import RecordedDecision

FORWARD = RecordedDecision(
    action=GateAction.FORWARD,
    state=GateState.OPEN,
    reason=GateReason.CALLER_SPEECH,
    audio_digest="ab",
    measurements=GateMeasurements(capture_rms=100.0),
)
WITHHOLD = replace(FORWARD, action=GateAction.WITHHOLD, reason=GateReason.LINE_NOISE)


def run(*decisions: RecordedDecision, is_frame: bool = True) -> list[RunDecision]:
    return [RunDecision(20.0 * n, is_frame, each) for n, each in enumerate(decisions)]


def test_equal_runs_are_identical() -> None:
    """Nothing to tell."""
    comparison = compare_runs(run(FORWARD, WITHHOLD), run(FORWARD, WITHHOLD))
    assert comparison.is_identical
    assert (comparison.inputs, comparison.frames, comparison.frames_differ) == (2, 2, 0)
    assert comparison.spans == ()


def test_a_bit_of_a_measurement_is_a_difference_but_no_other_outcome() -> None:
    """Two versions of a library show so; the caller hears nothing of it."""
    measured = replace(FORWARD, measurements=GateMeasurements(capture_rms=100.00000001))
    comparison = compare_runs(run(FORWARD), run(measured))
    assert not comparison.is_identical
    assert (comparison.inputs_differ, comparison.frames_differ) == (1, 0)


def test_other_audio_is_another_outcome() -> None:
    """Though action, state and reason are the same."""
    comparison = compare_runs(run(FORWARD), run(replace(FORWARD, audio_digest="cd")))
    assert comparison.frames_differ == 1


def test_frames_that_differ_alike_are_told_as_one_stretch() -> None:
    """One that does not, or differs otherwise, ends it."""
    first = run(FORWARD, FORWARD, FORWARD, FORWARD, FORWARD)
    other = replace(WITHHOLD, reason=GateReason.LINE_MUSIC)
    second = run(WITHHOLD, WITHHOLD, other, FORWARD, other)
    spans = compare_runs(first, second).spans
    assert [(span.from_ms, span.to_ms, span.frames) for span in spans] == [
        (0.0, 20.0, 2),
        (40.0, 40.0, 1),
        (80.0, 80.0, 1),
    ]
    assert spans[1].first == FORWARD
    assert spans[1].second == other


def test_slots_are_compared_and_not_counted_as_frames() -> None:
    """What time that passes brings forth is a decision of its own."""
    comparison = compare_runs(run(FORWARD, is_frame=False), run(WITHHOLD, is_frame=False))
    assert (comparison.inputs, comparison.inputs_differ, comparison.outcomes_differ) == (1, 1, 1)
    assert (comparison.frames, comparison.frames_differ, comparison.spans) == (0, 0, ())


def test_a_longer_run_differs_in_what_the_other_lacks() -> None:
    """Whichever is the longer."""
    short, long = run(FORWARD), run(FORWARD, FORWARD, WITHHOLD)
    for one, other in ((short, long), (long, short)):
        comparison = compare_runs(one, other)
        assert (comparison.inputs, comparison.inputs_differ) == (3, 2)
        assert comparison.frames_differ == 2


def test_decisions_are_counted_in_a_sentence() -> None:
    """As the web desk and the terminal say it."""
    point = GateEvent(
        type=GateEventType.GATE_CLOSED, t_ms=20.0, reason=GateReason.AGENT_AUDIBLE, count=0
    )
    with_point = replace(FORWARD, events=(point,))
    shifted = replace(FORWARD, events=(replace(point, t_ms=40.0),))
    assert str(compare_runs(run(with_point), run(with_point))) == "0 of 1 decisions differ"
    assert str(compare_runs(run(with_point), run(FORWARD))) == "1 of 1 decisions differs"
    assert str(compare_runs(run(FORWARD), run(FORWARD))) == "there was nothing to decide"
    moved = compare_runs(run(with_point), run(shifted))
    assert (moved.points_differ, moved.points_shifted, moved.frames_differ) == (0, 1, 1)
