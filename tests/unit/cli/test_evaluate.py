"""``voxgate evaluate``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from support.recordings import manifest_line, write_wav
from support.signals import silence, speech_like
from voxgate.cli import evaluate as module
from voxgate.cli.evaluate import command
from voxgate.errors import ConfigError
from voxgate.lab.evaluate.manifest import ManifestRow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A call with an interruption, and a manifest of it with a row for each test to add."""
    caller = speech_like(1500, level_dbfs=-16.0, seed=1)
    write_wav(tmp_path / "capture.wav", np.concatenate([silence(1500), caller]))
    write_wav(tmp_path / "far.wav", speech_like(3000, seed=2))
    return tmp_path


def row(**changes: object) -> str:
    speech = {"caller_speech": [[1500, 3000]]}
    return manifest_line(**{"far_end": "far.wav", **speech, **changes})


def evaluate(folder: Path, lines: list[str], *arguments: str, jobs: str = "1") -> Result:
    (folder / "m.jsonl").write_text("\n".join(lines), encoding="utf-8")
    where = ["--jobs", jobs] if jobs else []
    return CliRunner().invoke(command, [str(folder / "m.jsonl"), *where, *arguments])


def results(folder: Path) -> list[dict[str, object]]:
    text = (folder / "results.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_good_rows_are_judged_and_written(folder: Path) -> None:
    """A table on stdout, results in the file, nothing on stderr."""
    out = folder / "new" / "results.jsonl"
    lines = [row(id="a", tags={"erl_db": 24}), row(id="b", provider="deepgram")]
    result = evaluate(folder, lines, "--mode", "vad", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    first, *table = result.stdout.splitlines()
    assert first == (
        f"{folder / 'm.jsonl'}: 2 rows (1 not gated), 0.1 min, 1 agent turns (0.1 min); "
        "gate: config/ai-agent.yaml, mode vad"
    )
    assert any(line.split()[:4] == ["right", "barge-ins", "100.0", "%"] for line in table)
    assert any(line.split()[:3] == ["24", "1", "1"] for line in table)
    gated, passed = results(out.parent)
    assert list(gated) == ["id", "barge_in_ms", "forwarded", "events", "us_per_frame_p50"]
    assert len(gated["barge_in_ms"]) == 1  # type: ignore[arg-type]
    assert (passed["id"], passed["forwarded"]) == ("b", [[0, 3000]])


def test_the_summary_comes_as_json(folder: Path) -> None:
    """One object on stdout, with what it was made of."""
    result = evaluate(folder, [row()], "--json", "--mode", "half_duplex")
    summary = json.loads(result.stdout)
    assert summary["manifest"] == str(folder / "m.jsonl")
    assert (summary["config"], summary["mode"]) == ("config/ai-agent.yaml", "half_duplex")
    assert summary["overall"]["recall"]["count"] == 0
    assert summary["overall"]["interruptions"] == 1


def test_bad_rows_are_named_and_the_others_judged(folder: Path) -> None:
    """By file, line and field, in the order of the lines; status 1."""
    lines = [
        row(id="a"),
        row(id="b", capture="gone.wav"),
        row(id="c", caller_speech="all"),
        "no json",
        row(id="e"),
    ]
    out = folder / "results.jsonl"
    result = evaluate(folder, lines, "--json", "--out", str(out))
    assert result.exit_code == 1
    source = folder / "m.jsonl"
    first, second, third = result.stderr.splitlines()
    assert first == f"{source}:2: capture: file not found: {folder / 'gone.wav'}"
    assert second.startswith(f'{source}:3: caller_speech: "all" is not a list of')
    assert third.startswith(f"{source}:4: is not JSON: Expecting value (column 1)")
    summary = json.loads(result.stdout)
    assert [bad["line"] for bad in summary["bad_rows"]] == [2, 3, 4]
    assert summary["overall"]["rows"] == 2
    assert [found["id"] for found in results(folder)] == ["a", "e"]


def test_notes_cost_nothing(folder: Path) -> None:
    """They are said, and the status stays 0; many are only counted."""
    result = evaluate(folder, [row(note="x")])
    assert result.exit_code == 0
    assert result.stderr.startswith(f"note: {folder / 'm.jsonl'}:1: note: is ignored: ")
    many = evaluate(folder, [row(**{f"note{n}": n for n in range(25)})], "--json")
    assert many.stderr.splitlines()[-1] == "note: and 5 more; --json has them all"
    assert len(json.loads(many.stdout)["notes"]) == 25


@pytest.mark.parametrize("lines", [[], ["", "  "], ["{"]])
def test_a_manifest_without_a_good_row_is_a_failure(folder: Path, lines: list[str]) -> None:
    """Nothing was judged, so nothing is in order."""
    result = evaluate(folder, lines)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{folder / 'm.jsonl'}: 0 rows")
    assert result.stderr.endswith(f"{folder / 'm.jsonl'}: there is no row that can be judged\n")


def test_the_configuration_is_the_one_named(folder: Path) -> None:
    """Its thresholds hold; what is wrong in it is said before any row is run."""
    config = folder / "gate.yaml"
    config.write_text("gating: {providers: {openai_realtime: {mode: half_duplex}}}\n")
    result = evaluate(folder, [row()], "--json", "--config", str(config))
    summary = json.loads(result.stdout)
    assert summary["config"] == str(config)
    assert summary["overall"]["barge_ins"] == 0
    config.write_text("gating: {mood: good}\n")
    refused = evaluate(folder, [row()], "--config", str(config))
    assert isinstance(refused.exception, ConfigError)


def test_results_that_cannot_be_written_are_a_line_not_a_traceback(folder: Path) -> None:
    """Found before the work is done."""
    blocked = folder / "capture.wav" / "results.jsonl"
    result = evaluate(folder, [row()], "--out", str(blocked))
    assert result.exit_code == 1
    assert "results.jsonl" in result.stderr
    assert result.stdout == ""


def test_rows_can_be_given_to_a_cluster(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the address of its scheduler."""
    asked: list[object] = []

    def answer(rows: object, *, dask: str | None, **_: object) -> list[object]:
        asked.append(dask)
        return []

    monkeypatch.setattr(module, "evaluate_rows", answer)
    evaluate(folder, [row()], "--dask", "tcp://10.0.0.5:8786", jobs="")
    evaluate(folder, [row()])
    assert asked == ["tcp://10.0.0.5:8786", None]


def test_processes_and_a_cluster_exclude_each_other(folder: Path) -> None:
    """Nobody would know which of the two did the work."""
    result = evaluate(folder, [row()], "--dask", "tcp://10.0.0.5:8786", jobs="2")
    assert result.exit_code == 2
    assert "--jobs: the workers of --dask do it all" in result.output


def test_the_manifest_is_not_overwritten(folder: Path) -> None:
    """By its own results, whatever path leads to it."""
    (folder / "link.jsonl").symlink_to(folder / "m.jsonl")
    result = evaluate(folder, [row()], "--out", str(folder / "link.jsonl"))
    assert result.exit_code == 2
    assert "is the manifest" in result.output
    assert (folder / "m.jsonl").read_text() == row()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_a_line_not_a_traceback(folder: Path) -> None:
    """It shows when the first result is written."""
    result = evaluate(folder, [row()], "--out", "/dev/full")
    assert result.exit_code == 1
    assert "'/dev/full'" in result.output
    assert isinstance(result.exception, SystemExit)


def test_ctrl_c_keeps_what_was_judged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The results so far are in the file; the status is that of an interrupted command."""
    judge = module.evaluate_rows

    def interrupted(rows: list[ManifestRow], **options: object) -> Iterator[object]:
        yield from judge(rows[:1], **options)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "evaluate_rows", interrupted)
    lines = [row(id="a"), row(id="b")]
    result = evaluate(folder, lines, "--out", str(folder / "results.jsonl"))
    assert result.exit_code == 130
    assert result.stderr == "interrupted: 1 of 2 rows were judged\n"
    assert [found["id"] for found in results(folder)] == ["a"]


def test_the_same_manifest_gives_the_same_results(folder: Path) -> None:
    """To the byte, but for the time."""
    texts = []
    for _ in range(2):
        evaluate(folder, [row()], "--out", str(folder / "results.jsonl"))
        (found,) = results(folder)
        texts.append(json.dumps({**found, "us_per_frame_p50": 0}))
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.jsonl"], "'gone.jsonl' does not exist"),
        (["--mode", "half"], "'half' is not one of"),
        (["--jobs", "0"], "0 is not in the range x>=1"),
    ],
)
def test_wrong_arguments_are_usage_errors(arguments: list[str], message: str) -> None:
    """Status 2, as everywhere."""
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 2
    assert message in result.output
