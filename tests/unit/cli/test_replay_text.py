"""What came of a replay, for people."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console

from support.taped_calls import eventful_call
from voxgate.cli.replay_text import ReplayReport
from voxgate.core.gate_decision import GateEventType, GateMeasurements
from voxgate.lab.replay.comparison import Comparison, RunDecision, compare_runs
from voxgate.lab.replay.replayed_call import recorded_run


def shown(comparison: Comparison, **changes: object) -> str:
    recorded = replace(eventful_call(), **changes)  # type: ignore[arg-type]
    report = ReplayReport(
        recorded=recorded,  # type: ignore[arg-type]
        against=None,
        config="as recorded",
        is_other_config=False,
        comparison=comparison,
    )
    console = Console(width=110, record=True, quiet=False, file=None)
    with console.capture() as capture:
        report.show(console, only_differences=False)
    return " ".join(capture.get().split())


def run() -> list[RunDecision]:
    return list(recorded_run(eventful_call()))  # type: ignore[arg-type]


def test_software_of_another_version_is_named() -> None:
    """With what may come of it."""
    header = replace(eventful_call().header, numpy_version="1.26.4")
    said = shown(compare_runs(run(), run()), header=header)
    assert "note: numpy 1.26.4 then" in said
    assert "what is measured may differ" in said


def test_a_recording_that_broke_off_is_named() -> None:
    """It is compared as far as it goes."""
    assert "breaks off" in shown(compare_runs(run(), run()), is_complete=False)


def test_measurements_alone_are_no_other_decision() -> None:
    """They are counted, and no frame is listed."""
    other = run()
    at = next(n for n, each in enumerate(other) if each.decision.measurements is not None)
    decision = replace(other[at].decision, measurements=GateMeasurements(capture_rms=1.5))
    other[at] = replace(other[at], decision=decision)
    said = shown(compare_runs(run(), other))
    assert "0 of 12 decisions differ; 1 answers are alike but for their measurements" in said
    assert "captured frames differ" not in said


def test_audio_alone_is_told_apart_from_another_verdict() -> None:
    """Such frames are counted below those that were decided otherwise."""
    other = run()
    at = next(n for n, each in enumerate(other) if each.is_frame)
    other[at] = replace(other[at], decision=replace(other[at].decision, audio_digest="ff"))
    said = shown(compare_runs(run(), other))
    assert "1 of" in said
    assert "and 1 frames decided alike, of which other audio or events came" in said


def test_a_decision_that_comes_later_says_by_how_much() -> None:
    """And is no difference."""
    other = run()
    at = next(
        n
        for n, each in enumerate(other)
        if any(event.type is GateEventType.GATE_CLOSED for event in each.decision.events)
    )
    decision = other[at].decision
    late = tuple(replace(event, t_ms=event.t_ms + 40) for event in decision.events)
    other[at] = replace(other[at], decision=replace(decision, events=late))
    said = shown(compare_runs(run(), other))
    assert "0 of 12 decisions differ, 1 more comes sooner or later" in said
    assert "40 ms later" in said


def test_a_damaged_recording_is_not_called_identical_as_a_whole() -> None:
    """File and line are named, and how far the claim goes."""
    damage = "calls/a/trace.jsonl:812: is damaged; the rest is not read"
    said = shown(compare_runs(run(), run()), is_complete=False, damage=damage)
    assert f"note: {damage}" in said
    assert "identical, bit for bit, as far as it is recorded: " in said
    assert "breaks off" not in said


def test_answers_that_differ_between_the_frames_are_no_mere_measurements() -> None:
    """Time that passes closes a gate too."""
    other = run()
    at = next(n for n, each in enumerate(other) if not each.is_frame and not each.decision.events)
    other[at] = replace(other[at], decision=replace(other[at].decision, audio_digest="ff"))
    said = shown(compare_runs(run(), other))
    assert "1 answers between the frames differ" in said
    assert "but for their measurements" not in said


def test_a_call_s_name_sends_nothing_to_the_terminal() -> None:
    """Its line gave it."""
    header = replace(eventful_call().header, call_id="a\x1b]0;title\x07b")
    assert "call a?]0;title?b," in shown(compare_runs(run(), run()), header=header)
