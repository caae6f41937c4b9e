"""``voxgate tune-guard``: search and report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from support.sound_banks import small_bank
from voxgate.cli import tune_guard
from voxgate.lab.guard_bench.profile_search import Outcome, SearchPlan
from voxgate.lab.scenarios.bank import save_bank


def outcome(setting: Mapping[str, float], lost: float) -> Outcome:
    return Outcome(
        setting=setting,
        speech_lost_percent=lost,
        idle_forwarded_percent=1.0,
        lost_ms=(lost,),
    )


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[SearchPlan]:
    """Return the plans for which lines were drawn; a search finds one setting at once."""
    drawn: list[SearchPlan] = []

    def search(judge, *, on_judged):
        found = (judge({}), judge({"preroll_ms": 400}))
        for tried in found:
            on_judged(tried)
        return found

    monkeypatch.setattr(tune_guard, "draw_lines", lambda bank, plan: drawn.append(plan) or plan)
    monkeypatch.setattr(tune_guard, "search", search)
    monkeypatch.setattr(
        tune_guard,
        "judge_setting",
        lambda lines, setting, config: outcome(
            setting, (3.0 if lines.split == "tune" else 4.0) - len(setting)
        ),
    )
    return drawn


def test_it_searches_on_one_split_and_judges_on_the_other(
    plans: list[SearchPlan], tmp_path: Path
) -> None:
    """Both figures of both splits are printed, and written as JSON."""
    save_bank(small_bank(), tmp_path / "bank")
    words = ["--profile", "mobile", "--bank", str(tmp_path / "bank"), "--lines", "5"]
    words += ["--out", str(tmp_path / "new" / "figures.json")]
    result = CliRunner().invoke(tune_guard.command, words, catch_exceptions=False)
    assert result.exit_code == 0
    assert [(plan.profile, plan.split, plan.lines) for plan in plans] == [
        ("mobile", "tune", 5),
        ("mobile", "report", 5),
    ]
    lines = result.stdout.splitlines()
    assert lines[0] == "mobile"
    assert lines[1] == "  tune    speech lost 3.00 %, idle forwarded 1.00 %  as configured"
    assert lines[4] == "  report  speech lost 3.00 %, idle forwarded 1.00 %  preroll_ms: 400"
    assert "tried: speech lost 2.00 %" in result.stderr
    figures = json.loads((tmp_path / "new" / "figures.json").read_text())["mobile"]
    assert [of["speech_lost_percent"] for of in figures["report"]] == [4.0, 3.0]


def test_without_a_profile_it_searches_for_all(
    plans: list[SearchPlan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And without a corpus on the sounds that come with voxgate."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(tune_guard.command, [], catch_exceptions=False)
    assert result.exit_code == 0
    tuned = [plan.profile.value for plan in plans if plan.split == "tune"]
    assert tuned == ["pstn", "mobile", "speakerphone", "callcenter"]
    assert (tmp_path / "out" / "tune-guard.json").is_file()


def test_a_folder_that_is_no_bank_is_named(tmp_path: Path) -> None:
    """In one line, before anything is drawn."""
    result = CliRunner().invoke(tune_guard.command, ["--bank", str(tmp_path)])
    assert result.exit_code == 1
    assert "bank.csv" in result.output
