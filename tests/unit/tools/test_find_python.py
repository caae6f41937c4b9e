"""The search for a Python takes one that runs, and only of a version that voxgate supports."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from setup_env import ROOT

OWN = "{}.{}".format(*sys.version_info[:2])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to be the whole PATH."""
    path = tmp_path / "bin"
    path.mkdir()
    return path


def _put(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!{shutil.which('sh')}\n{script}\n")
    path.chmod(0o755)


def _find(folder: Path, wanted: str = "") -> tuple[int, str]:
    shell = shutil.which("sh")
    assert shell is not None
    answer = subprocess.run(
        [shell, ROOT / "tools" / "find_python.sh", wanted],
        env={"PATH": str(folder), "PYENV_ROOT": str(folder / "pyenv")},
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.returncode, answer.stdout.strip()


def _runs(answer: tuple[int, str]) -> bool:
    status, path = answer
    return status == 0 and Path(path).resolve() == Path(sys.executable).resolve()


RUN_THIS = f'exec "{sys.executable}" "$@"'


def test_python3_is_taken_if_it_will_do(folder: Path) -> None:
    """The Python that a person works with comes first."""
    _put(folder, "python3", RUN_THIS)
    assert _runs(_find(folder))


def test_a_name_that_does_not_run_is_passed_over(folder: Path) -> None:
    """Version managers put a python3 on the PATH that only prints an error."""
    _put(folder, "python3", "echo not here >&2; exit 127")
    _put(folder, f"python{OWN}", RUN_THIS)
    assert _runs(_find(folder))


def test_a_version_manager_is_looked_into(folder: Path) -> None:
    """A Python that pyenv has installed is found without being activated."""
    _put(folder, f"python{OWN}", "exit 127")
    installed = folder / "pyenv" / "versions" / f"{OWN}.9" / "bin"
    installed.mkdir(parents=True)
    _put(installed, "python", RUN_THIS)
    assert _runs(_find(folder, OWN))


def test_another_version_than_the_one_asked_for_is_not_taken(folder: Path) -> None:
    """A name may lie about its version."""
    other = "3.12" if OWN != "3.12" else "3.13"
    _put(folder, f"python{other}", RUN_THIS)
    assert _find(folder, other) == (1, "")


def test_a_version_that_voxgate_does_not_support_is_not_taken(folder: Path) -> None:
    """A Python that can't run voxgate is as good as none."""
    _put(folder, "python3.10", RUN_THIS)
    assert _find(folder, "3.10") == (1, "")


def test_a_path_is_taken_as_it_is(folder: Path) -> None:
    """A Python anywhere can be named by its path."""
    _put(folder, "my python", RUN_THIS)
    assert _runs(_find(folder, str(folder / "my python")))


def test_no_python_is_an_exit_status_without_output(folder: Path) -> None:
    """What calls the search says what to do."""
    assert _find(folder) == (1, "")
