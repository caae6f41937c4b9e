"""The sample manifest."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxgate.core.config import GatingConfig, GatingMode
from voxgate.lab.evaluate.evaluation import EvaluatedRow, evaluate_row, with_mode
from voxgate.lab.evaluate.manifest import parse_manifest
from voxgate.lab.evaluate.sample import main, write_sample

KEPT = Path(__file__).parents[4] / "benchmarks" / "sample"


def test_the_sample_in_the_repository_is_what_is_generated(tmp_path: Path) -> None:
    """File for file, byte for byte."""
    write_sample(tmp_path / "sample")
    written = {path.name: path.read_bytes() for path in (tmp_path / "sample").iterdir()}
    kept = {path.name: path.read_bytes() for path in KEPT.iterdir() if path.suffix != ".md"}
    assert sorted(written) == sorted(kept)
    assert [name for name in written if written[name] != kept[name]] == []


def test_the_sample_is_small() -> None:
    """It is cloned by everyone."""
    assert sum(path.stat().st_size for path in KEPT.iterdir()) < 1_500_000


def test_every_row_of_the_sample_is_judged() -> None:
    """Without a problem or a note, and with something of everything in it."""
    manifest = parse_manifest((KEPT / "manifest.jsonl").read_bytes(), KEPT)
    assert manifest.problems == manifest.notes == ()
    config = with_mode(GatingConfig(), GatingMode.VAD)
    outcomes = [evaluate_row(row, config=config) for row in manifest.rows]
    rows = [outcome for outcome in outcomes if isinstance(outcome, EvaluatedRow)]
    assert len(rows) == len(outcomes) == 8
    assert not any(row.notes for row in rows)
    gated = [row for row in rows if row.is_gated]
    turns = [turn for row in gated for turn in row.verdict.turns]
    assert len(gated) == 7
    assert sum(turn.onset_ms is not None for turn in turns) == 4
    assert len(turns) == 6


def test_the_packaged_gate_lets_every_caller_of_the_sample_in_and_nothing_else() -> None:
    """Four interruptions of six easy turns: weights that miss one of them are not to be shipped."""
    manifest = parse_manifest((KEPT / "manifest.jsonl").read_bytes(), KEPT)
    outcomes = [evaluate_row(row, config=GatingConfig()) for row in manifest.rows]
    rows = [outcome for outcome in outcomes if isinstance(outcome, EvaluatedRow)]
    turns = [turn for row in rows if row.is_gated for turn in row.verdict.turns]
    assert sum(turn.right_ms is not None for turn in turns) == 4
    assert not any(turn.false_ms for turn in turns)


def test_the_module_runs_as_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the folder to write to, and a word on how if it is missing."""
    assert main([str(tmp_path / "new" / "sample")]) == 0
    assert (tmp_path / "new" / "sample" / "manifest.jsonl").is_file()
    assert main([]) == 2
    assert "usage: python -m voxgate.lab.evaluate.sample FOLDER" in capsys.readouterr().err
