"""What is compared where no folders are named: Python with what `make compile` has made."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import compare


def _environment(tmp_path: Path, *files: str) -> Path:
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    for name in files:
        (packages / name).touch()
    return packages


def test_an_environment_in_which_nothing_is_compiled_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after a compilation that failed: Python beside Python would save nothing."""
    _environment(tmp_path, "voxgate.pth")
    monkeypatch.setattr(compare, "_COMPILED", tmp_path)
    with pytest.raises(SystemExit):
        compare.main([])
    assert "make compile" in capsys.readouterr().err


def test_what_is_compiled_is_compared_with_python(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In the interpreter that it was compiled for."""
    packages = _environment(tmp_path, "voxgate__mypyc.cpython-311-x86_64-linux-gnu.so")
    monkeypatch.setattr(compare, "_COMPILED", tmp_path)
    asked: list[tuple[Path, ...]] = []
    monkeypatch.setattr(compare, "compare", lambda *sides, **_: asked.append(sides) or [])
    assert compare.main([]) == 0
    pure = Path(compare.__file__).parents[1] / "tools" / "dev"
    assert asked == [(pure, packages, tmp_path / "bin" / "python")]
