"""``voxgate bench-guard``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from support.sound_banks import SPLIT, small_bank
from voxgate.cli import bench_guard as module
from voxgate.core.config import QuieterVoices
from voxgate.lab.bench.sounds import Sounds
from voxgate.lab.evaluate.judge import AudioShare
from voxgate.lab.guard_bench import Cell, CellFigures, GuardBenchPlan
from voxgate.lab.guard_bench.invariance import CellInvariance, Flips
from voxgate.lab.guard_bench.level_curve import CurveCondition, CurvePoint
from voxgate.lab.guard_bench.provider_turns import Hearing, TurnBenchPlan, TurnFigures
from voxgate.lab.guard_bench.server_turns import TurnVerdict
from voxgate.lab.guard_scenes.turning_away import CourseKind
from voxgate.realtime_server.speech_scorer import SpeechScorer


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[GuardBenchPlan]:
    """The runs that the command asked for; none is really made."""
    asked: list[GuardBenchPlan] = []

    def measure(plan: GuardBenchPlan, *, jobs: int):
        assert (plan.bank / "bank.csv").is_file()
        assert jobs >= 1
        asked.append(plan)
        figures = CellFigures(cell=Cell(kind="music"), scenes=plan.scenes)
        figures.idle_forwarded = AudioShare(50.0, 1000.0)
        yield figures

    sounds = Sounds(
        bank=small_bank(), split=SPLIT, counts={"music": 1}, speakers=2, notes=("few sounds",)
    )
    monkeypatch.setattr(module, "gather_sounds", lambda corpus, split: sounds)
    monkeypatch.setattr(module, "measure_cells", measure)

    def measure_again(plan: GuardBenchPlan, *, jobs: int):
        assert jobs >= 1
        asked.append(plan)
        of = CellInvariance(cell=Cell(kind="music"), scenes=plan.scenes)
        of.flips["gain +3 dB"] = Flips(slots=1000, forwarded=40)
        yield of

    monkeypatch.setattr(module, "measure_invariance", measure_again)
    return asked


def test_tables_and_json_are_written(tmp_path: Path, plans: list[GuardBenchPlan]) -> None:
    """What is printed is kept beside every figure."""
    out = tmp_path / "guard"
    result = CliRunner().invoke(module.command, ["--scenes", "3", "--seed", "7", "--out", str(out)])
    assert result.exit_code == 0, result.output
    report = (out / "report.txt").read_text(encoding="utf-8")
    for text in (result.stdout, report):
        assert "note: few sounds" in text
        assert "5.0 %" in text
    described = json.loads((out / "guard.json").read_text(encoding="utf-8"))
    assert described["scenes_per_cell"] == 3
    assert described["guard"] is True
    assert described["cells"][0]["idle_forwarded_percent"] == 5.0
    (plan,) = plans
    assert (plan.scenes, plan.seed, plan.is_guarded) == (3, 7, True)


def test_turns_are_measured_where_they_are_asked_for(
    tmp_path: Path, plans: list[GuardBenchPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same bank, split and configuration; the targets say what came of them."""
    asked: list[TurnBenchPlan] = []

    def measure(plan: TurnBenchPlan, *, jobs: int):
        asked.append(plan)
        figures = TurnFigures(cell=Cell(kind="steady", snr_db=12.0))
        figures.heard[Hearing.GATED].turns[TurnVerdict.LATE] = 4
        yield figures

    monkeypatch.setattr(module, "measure_turns", measure)
    out = tmp_path / "turns"
    result = CliRunner().invoke(module.command, ["--turns", "2", "--out", str(out)])
    assert result.exit_code == 0, result.output
    ((plan,), (guard_plan,)) = asked, plans
    assert (plan.scenes, plan.bank, plan.config) == (2, guard_plan.bank, guard_plan.config)
    assert plan.new_scorer is SpeechScorer
    described = json.loads((out / "guard.json").read_text(encoding="utf-8"))
    assert described["turns"][0]["gated"]["late"] == 4
    met = {target["name"]: target["met"] for target in described["targets"]}
    assert met["speech_stopped in time, all together"] is False
    assert "music" in met
    assert "Turns at the embedded server" in result.stdout
    assert "NOT MET" in result.stdout


def test_a_server_without_its_ear_is_refused(
    tmp_path: Path, plans: list[GuardBenchPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is measured, with what to install."""
    monkeypatch.setattr(module, "has_onnxruntime", lambda: False)
    arguments = ["--turns", "2", "--server-vad", "silero", "--out", str(tmp_path)]
    result = CliRunner().invoke(module.command, arguments)
    assert result.exit_code == 1
    assert "needs onnxruntime" in result.output
    assert plans == []


def test_the_guard_can_be_left_out(tmp_path: Path, plans: list[GuardBenchPlan]) -> None:
    """To see what a provider hears without it."""
    CliRunner().invoke(module.command, ["--off", "--out", str(tmp_path)])
    assert plans[0].is_guarded is False


def test_invariance_is_a_report_of_its_own(tmp_path: Path, plans: list[GuardBenchPlan]) -> None:
    """The same lines heard again, in files beside those of the guard."""
    words = ["--invariance", "--scenes", "2", "--out", str(tmp_path)]
    result = CliRunner().invoke(module.command, words)
    assert result.exit_code == 0, result.output
    assert "4.00 %" in result.stdout
    assert "4.00 %" in (tmp_path / "invariance.txt").read_text(encoding="utf-8")
    described = json.loads((tmp_path / "invariance.json").read_text(encoding="utf-8"))
    (cell,) = described["cells"]
    assert cell["variants"]["gain +3 dB"]["forwarded_percent"] == 4.0
    assert not (tmp_path / "guard.json").exists()
    assert [plan.scenes for plan in plans] == [2]


def test_invariance_of_no_guard_is_refused(tmp_path: Path, plans: list[GuardBenchPlan]) -> None:
    """Without a guard everything passes, whatever is heard."""
    words = ["--invariance", "--off", "--out", str(tmp_path)]
    assert CliRunner().invoke(module.command, words).exit_code == 2
    assert plans == []


def test_a_picture_is_drawn_and_nothing_measured(
    tmp_path: Path, plans: list[GuardBenchPlan]
) -> None:
    """A PNG where it was asked for, its folder made; one that can't be written is one line."""
    picture = tmp_path / "made" / "call.png"
    words = ["--evidence", "light", "--out", str(tmp_path / "out"), "--picture"]
    result = CliRunner().invoke(module.command, [*words, str(picture)])
    assert result.exit_code == 0, result.output
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert str(picture) in result.output
    assert plans == []
    assert not (tmp_path / "out").exists()
    refused = CliRunner().invoke(module.command, [*words, str(picture / "below.png")])
    assert refused.exit_code == 1
    assert "can't be written" in refused.output


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    """Named with the reason, before anything is measured."""
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(module.command, ["--out", str(tmp_path / "file" / "out")])
    assert result.exit_code == 1
    assert "can't be made" in result.output


def test_the_level_curve_is_measured_and_drawn(
    tmp_path: Path, plans: list[GuardBenchPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables, figures and a picture, of what callers and televisions there are."""

    def measure(plan: GuardBenchPlan, *, jobs: int):
        plans.append(plan)
        for kind in ("tv", CourseKind.AWAY):
            yield [
                CurvePoint(
                    condition=CurveCondition(kind, 15.0),
                    quieter_voices=QuieterVoices.PASS,
                    threshold_db=None,
                    speech_lost=AudioShare(10.0, 1000.0),
                    idle_forwarded=AudioShare(123.0, 1000.0),
                )
            ]

    monkeypatch.setattr(module, "measure_level_curve", measure)
    result = CliRunner().invoke(module.command, ["--level-curve", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "12.3" in result.stdout
    assert json.loads((tmp_path / "level-curve.json").read_text())["cells"]
    assert (tmp_path / "level-curve.png").is_file()
    assert len(plans) == 1


@pytest.mark.parametrize("other", ["--off", "--invariance"])
def test_the_level_curve_is_a_measurement_of_its_own(other: str) -> None:
    """It goes with no other."""
    result = CliRunner().invoke(module.command, ["--level-curve", other])
    assert result.exit_code == 2
    assert "--level-curve" in result.output
