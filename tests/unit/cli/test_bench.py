"""``voxgate bench``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from support.sound_banks import write_corpus
from voxgate.cli import bench as module
from voxgate.errors import VoxgateError
from voxgate.lab.bench import matrix
from voxgate.lab.bench.matrix import Scenario
from voxgate.lab.bench.run import LostTrial, run_trials
from voxgate.lab.bench.trial import Trial


@pytest.fixture(autouse=True)
def _no_codec_of_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """GSM needs soundfile."""
    monkeypatch.setattr(
        matrix,
        "FACTORS",
        tuple(
            matrix.Factor(name="codec", levels={"mulaw": (1.0, factor.levels["mulaw"][1])})
            if factor.name == "codec"
            else factor
            for factor in matrix.FACTORS
        ),
    )


def bench(out: Path, *arguments: str) -> Result:
    common = ["--calls", "3", "--seconds", "6", "--jobs", "1", "--out", str(out)]
    return CliRunner().invoke(module.command, [*common, *arguments])


def test_everything_is_under_one_folder(tmp_path: Path) -> None:
    """Tables, figures, single calls and plots; the same seed gives the same figures."""
    corpus = str(write_corpus(tmp_path / "corpus"))
    arguments = ("--corpus", corpus, "--gates", "vad, usual_rule", "--seed", "4")
    result = bench(tmp_path / "one", *arguments)
    assert result.exit_code == 0, result.output
    assert {path.name for path in (tmp_path / "one").iterdir()} == {
        "bench.json",
        "calls.jsonl",
        "conditions.png",
        "latency.png",
        "report.txt",
        "right_against_false.png",
    }
    assert "targets: voxgate, vad" in result.stdout
    assert "WebRTC VAD and RMS >= 1500" in (tmp_path / "one" / "report.txt").read_text()
    assert bench(tmp_path / "two", *arguments).exit_code == 0
    one, two = (json.loads((tmp_path / name / "bench.json").read_text()) for name in ("one", "two"))
    assert one.pop("timing").keys() == two.pop("timing").keys() == {"vad", "usual_rule"}
    assert one == two
    calls = (tmp_path / "one" / "calls.jsonl").read_text()
    assert calls == (tmp_path / "two" / "calls.jsonl").read_text()
    assert [set(json.loads(line)["gates"]) for line in calls.splitlines()] == [
        {"vad", "usual_rule"}
    ] * 3


def test_without_a_corpus_the_report_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Synthetic sounds serve; a folder named corpus is found by itself."""
    monkeypatch.chdir(tmp_path)
    result = bench(tmp_path / "out", "--gates", "usual_rule")
    assert result.exit_code == 0, result.output
    assert "no corpus was given" in result.stdout
    write_corpus(tmp_path / "corpus")
    result = bench(tmp_path / "out", "--gates", "usual_rule")
    assert "no corpus was given" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "split: all (clips that training may have used are among them)"),
        (("--split", "report"), "split: report (clips that training leaves out)"),
    ],
)
def test_the_head_of_the_report_names_the_split(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    """Its first line: a figure on clips of the training split is worth less."""
    result = bench(tmp_path, "--gates", "off", *arguments)
    assert result.exit_code == 0, result.output
    assert words in result.stdout.splitlines()[0]
    assert words in (tmp_path / "report.txt").read_text().splitlines()[0]


def test_a_gate_that_does_not_exist_is_named(tmp_path: Path) -> None:
    """Before any call is simulated."""
    result = bench(tmp_path / "out", "--gates", "nonsense")
    assert isinstance(result.exception, VoxgateError)
    assert "'nonsense' is no gate" in str(result.exception)


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    """In one line, before any call is simulated."""
    (tmp_path / "file").write_text("")
    result = bench(tmp_path / "file" / "out", "--gates", "off")
    assert result.exit_code == 1
    assert "can't be made" in result.output


def lose(*numbers: int) -> Callable[..., Iterator[object]]:
    """Return what runs calls, of which some are lost."""

    def run(scenarios: list[Scenario], **options: Any) -> Iterator[object]:
        for trial in run_trials(scenarios, **options):
            assert isinstance(trial, Trial)
            is_lost = trial.scenario.number in numbers
            yield LostTrial(trial.scenario, "out of memory") if is_lost else trial

    return run


def test_a_call_that_is_lost_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named in the report, and the status is 1."""
    monkeypatch.setattr(module, "run_trials", lose(1))
    result = bench(tmp_path / "out", "--gates", "usual_rule")
    assert result.exit_code == 1
    assert "note: call-2 is lost: out of memory" in result.stdout
    lines = (tmp_path / "out" / "calls.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["call-1", "call-3"]


def test_if_every_call_is_lost_there_is_no_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the reason."""
    monkeypatch.setattr(module, "run_trials", lose(0, 1, 2))
    result = bench(tmp_path / "out", "--gates", "usual_rule")
    assert result.exit_code == 1
    assert "every call is lost: out of memory" in result.output


def test_calls_can_be_given_to_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the address of its scheduler."""
    asked: list[object] = []

    def run(scenarios: list[Scenario], *, dask: str | None, **options: Any) -> Iterator[object]:
        asked.append(dask)
        return run_trials(scenarios, **options)

    monkeypatch.setattr(module, "run_trials", run)
    arguments = ["--calls", "1", "--seconds", "6", "--out", str(tmp_path), "--gates", "off"]
    result = CliRunner().invoke(module.command, [*arguments, "--dask", "tcp://10.0.0.5:8786"])
    assert result.exit_code == 0, result.output
    assert asked == ["tcp://10.0.0.5:8786"]


def test_only_gates_that_lack_something_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing to compare; what is missing is said."""
    monkeypatch.setattr(module, "choose_gates", lambda names: ((), {"aec3": "needs livekit"}))
    result = bench(tmp_path / "out", "--gates", "aec3")
    assert result.exit_code == 1
    assert "aec3: needs livekit" in result.output
