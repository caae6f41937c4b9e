"""``voxgate bench-forwarding``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.recognised import interrupted
from support.sound_banks import write_corpus
from voxgate.cli import bench_forwarding as module
from voxgate.lab.recognition.trial import Interrupted, RecognitionSetting, Scenario

ASKED: list[tuple[Scenario, RecognitionSetting]] = []


def judged(scenario: Scenario, *, setting: RecognitionSetting) -> Interrupted:
    ASKED.append((scenario, setting))
    assert (setting.bank / "bank.csv").is_file()
    return interrupted(scenario.erl_db, clean=0, raw=(2, 6), cancelled=(1, 2))


@pytest.fixture(autouse=True)
def _no_recogniser(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "run_trial", judged)
    monkeypatch.chdir(tmp_path)
    ASKED.clear()


def bench(*arguments: str) -> Result:
    common = ["--jobs", "1", "--interruptions", "2", "--return-losses", "0,12"]
    return CliRunner().invoke(module.command, [*common, *arguments])


def test_tables_and_figures_are_under_one_folder(tmp_path: Path) -> None:
    """What is printed is kept; the JSON names the setting."""
    corpus = write_corpus(tmp_path / "sounds")
    result = bench("--corpus", str(corpus), "--out", "here", "--seed", "7")
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "here" / "forwarding.json").read_text())
    assert report["setting"] == {
        "corpus": str(corpus),
        "split": "all",
        "interruptions_each": 2,
        "return_losses_db": [0.0, 12.0],
        "seed": 7,
    }
    assert report["by_stop_ms"]["never"]["echo_cancelled"]["over_raw"]["all"]["percent"] == -40.0
    text = (tmp_path / "here" / "report.txt").read_text()
    assert "4 interruptions, 40 words, seed 7" in text
    assert "split: all (clips that training may have used are among them)" in text
    assert all(line in result.stdout for line in text.splitlines())
    assert [scenario.erl_db for scenario, _ in ASKED] == [0.0, 12.0, 0.0, 12.0]
    assert {setting.corpus for _, setting in ASKED} == {corpus}


def test_a_folder_named_corpus_is_found_by_itself(tmp_path: Path) -> None:
    """Without one the packaged voices serve, and the report says so."""
    assert "corpus: the packaged voices" in bench().stdout
    assert ASKED[-1][1].corpus is None
    write_corpus(tmp_path / "corpus")
    assert "corpus: corpus" in bench().stdout
    assert ASKED[-1][1].corpus == Path("corpus")


def test_return_losses_that_are_no_numbers_are_told() -> None:
    """Before any call is simulated."""
    result = bench("--return-losses", "6,loud")
    assert result.exit_code == 2
    assert "'6,loud' is not a list of numbers" in result.output
    assert not ASKED
