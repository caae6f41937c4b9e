"""``voxgate corpus``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from voxgate.cli import corpus as module
from voxgate.lab.corpus import CorpusReport, PackageProblem
from voxgate.lab.corpus_packages import PACKAGES
from voxgate.lab.training_packages import TRAINING_PACKAGES


def report(*problems: PackageProblem) -> CorpusReport:
    return CorpusReport(
        files=12, hours=1.25, fetched=("a",), kept=("b", "c"), problems=tuple(problems)
    )


@pytest.mark.parametrize(("is_required", "status"), [(True, 1), (False, 0)])
def test_what_is_there_and_what_is_missing_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_required: bool, status: int
) -> None:
    """The status tells whether a package is missing without which the corpus is incomplete."""

    def fetch(folder: Path, *, packages: Any, show: Any) -> CorpusReport:
        assert folder == tmp_path
        assert packages == PACKAGES
        show("working")
        return report(
            PackageProblem(name="x", message="no such package", is_required=is_required),
            PackageProblem(name="y", message="not tried"),
            PackageProblem(name="z", message="not tried"),
        )

    monkeypatch.setattr(module, "fetch_corpus", fetch)
    result = CliRunner().invoke(module.command, ["--into", str(tmp_path)])
    assert result.exit_code == status
    assert result.stdout.splitlines() == [
        f"{tmp_path}: 12 sounds, 1.2 h",
        "there already: b, c",
    ]
    assert result.stderr.splitlines() == [
        "working",
        "missing: x: no such package",
        "missing: y, z: not tried",
        "the same command again fetches what is missing",
    ]


def test_the_training_set_is_more_of_everything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Synthetic voices too; a program that speaks no more than that is no failure."""

    def render(folder: Path, *, show: Any) -> tuple[PackageProblem, ...]:
        assert folder == tmp_path
        show("speaking")
        return (PackageProblem(name="voices of say", message="say is not installed"),)

    def fetch(folder: Path, *, packages: Any, show: Any) -> CorpusReport:
        assert packages == (*PACKAGES, *TRAINING_PACKAGES)
        return report()

    monkeypatch.setattr(module, "render_voices", render)
    monkeypatch.setattr(module, "fetch_corpus", fetch)
    command = ["--into", str(tmp_path), "--set", "training"]
    result = CliRunner().invoke(module.command, command)
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "speaking",
        "missing: voices of say: say is not installed",
        "the same command again fetches what is missing",
    ]


def test_a_new_corpus_without_trouble_says_what_is_in_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And nothing else."""
    whole = CorpusReport(files=3, hours=0.5, fetched=("a",), kept=(), problems=())
    monkeypatch.setattr(module, "fetch_corpus", lambda *_, **__: whole)
    result = CliRunner().invoke(module.command, ["--into", str(tmp_path)])
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path}: 3 sounds, 0.5 h\n"
    assert result.stderr == ""
