"""``voxgate corpus``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from voxgate.cli import corpus as module
from voxgate.lab.corpus import CorpusReport, PackageProblem
from voxgate.lab.corpus_packages import PACKAGES


@pytest.mark.parametrize(("package", "status"), [(PACKAGES[0], 1), (PACKAGES[-1], 0)])
def test_what_is_there_and_what_is_missing_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, package: Any, status: int
) -> None:
    """The status tells whether a package is missing without which the corpus is incomplete."""

    def fetch(folder: Path, *, show: Any) -> CorpusReport:
        assert folder == tmp_path
        show("working")
        return CorpusReport(
            files=12,
            hours=1.25,
            fetched=("a",),
            kept=("b", "b"),
            problems=(PackageProblem(package, "no such package"),),
        )

    monkeypatch.setattr(module, "fetch_corpus", fetch)
    result = CliRunner().invoke(module.command, ["--into", str(tmp_path)])
    assert result.exit_code == status
    assert result.stdout.splitlines() == [
        f"{tmp_path}: 12 sounds, 1.2 h",
        "there already: b",
    ]
    assert result.stderr.splitlines() == ["working", "missing: no such package"]
