"""What the comparison with peers makes of figures that were made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.peer_comparison import (
    CONDITIONS_DB,
    Comparison,
    full_core_calls,
    held_calls,
    promises,
)
from benchmarks.peers_report import draw_peers, peers_text

from support.load_sides import figures
from voxgate.lab.load.load_figures import LoadFigures, Percentiles


def ramp(*shares: float, calls: int = 10, disturbed: bool = False) -> list[LoadFigures]:
    """Return steps that take so much of a core, each with so many calls more."""
    return [
        figures(calls * (at + 1), core_share=share, waited_share=0.2 if disturbed else 0.0)
        for at, share in enumerate(shares)
    ]


def test_what_a_core_holds_is_told_by_the_last_step_that_did_not_fill_it() -> None:
    """A core that is full hides what calls cost; one that others had tells nothing."""
    assert full_core_calls(ramp(0.3, 0.5, 1.0)) == pytest.approx(40.0)
    assert full_core_calls(ramp(0.3, 0.5, 1.0, disturbed=True)) is None
    assert full_core_calls(ramp(1.0)) is None


def test_an_engine_that_is_late_by_design_may_be_held_to_the_rest() -> None:
    """Nothing lost, and its core not full."""
    late = Percentiles(count=1000, p50_ms=80.0, p99_ms=140.0, max_ms=150.0)
    steps = [figures(n, line_to_provider=late) for n in (10, 20)]
    steps.append(figures(30, line_to_provider=late, lost_frames=1))
    assert held_calls(steps, may_be_late=True) == 20
    assert held_calls(steps, may_be_late=False) == 0


def test_a_promise_that_was_not_measured_is_neither_met_nor_missed() -> None:
    """Of those measured, each is held against its own number."""
    ramps = {
        "voxgate vad": ramp(0.1, 0.2),
        "Pipecat": ramp(0.25, 0.5),
        "Pipecat, Silero": ramp(0.3, 0.6),
        "voxgate echo_aware": ramp(0.1, 0.2, disturbed=True),
    }
    judged = {(each.ours, each.theirs): each for each in promises(ramps)}
    assert judged["voxgate vad", "Pipecat"].times == pytest.approx(2.5)
    assert not judged["voxgate vad", "Pipecat"].is_missed
    assert judged["voxgate vad", "Pipecat, Silero"].is_missed
    assert judged["voxgate echo_aware", "Pipecat, Silero"].times is None
    assert not judged["voxgate echo_aware", "Pipecat, Silero"].is_missed


def test_a_picture_is_drawn_of_either_part(tmp_path: Path) -> None:
    """Of both, of one alone, and of what was disturbed."""
    pytest.importorskip("matplotlib")
    alike = {"Pipecat": {erl: figures(10, answers=0) for erl in CONDITIONS_DB}}
    ramps = {"Pipecat": ramp(0.2, 0.9), "voxgate vad": ramp(0.2, disturbed=True)}
    for number, comparison in enumerate(
        (Comparison(alike, ramps), Comparison(alike=alike), Comparison(ramps=ramps))
    ):
        path = tmp_path / f"{number}.png"
        draw_peers(comparison, path)
        assert path.read_bytes().startswith(b"\x89PNG")


def test_the_text_marks_what_is_no_result() -> None:
    """Figures that others disturbed are told, and told apart."""
    comparison = Comparison(
        alike={"voxgate vad": {erl: figures(10) for erl in (None, 12.0, 30.0)}},
        ramps={"voxgate vad": ramp(0.2, 0.9, disturbed=True)},
    )
    text = peers_text(comparison, promises(comparison.ramps))
    assert "2 of 5 measurements are no result" in text
    assert text.count("voxgate vad *") == 2
    assert "calls per core, voxgate vad against Pipecat: no result" in text
