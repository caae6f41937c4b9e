"""The setup keeps an environment that is good, and rebuilds one that is not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from setup_env import ROOT, Environment, SetupError, fingerprint

PYPROJECT = """
[build-system]
requires = ["hatchling"]
[project]
name = "voxgate"
version = "1.0"
[tool.hatch.build]
dev-mode-dirs = ["tools/dev"]
[tool.ruff]
line-length = 100
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing but what the setup reads; its path has a space in it."""
    root = tmp_path / "a checkout"
    (root / "requirements").mkdir(parents=True)
    (root / "uv.lock").write_text("version = 1\n")
    (root / "requirements" / "dev.txt").write_text("numpy==2.0\n")
    (root / "pyproject.toml").write_text(PYPROJECT)
    return root


@pytest.fixture
def environment(checkout: Path) -> Environment:
    """A complete environment, made by the Python that runs this test."""
    folder = checkout / ".venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).parent}\n")
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / "bin" / "voxgate").touch()
    made = Environment(folder, root=checkout)
    made.mark_complete()
    return made


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("uv.lock", "version = 1", "version = 2"),
        ("requirements/dev.txt", "2.0", "2.1"),
        ("pyproject.toml", 'version = "1.0"', 'version = "1.1"'),
        ("pyproject.toml", "tools/dev", "tools/other"),
    ],
)
def test_what_decides_the_packages_decides_the_fingerprint(
    checkout: Path, name: str, old: str, new: str
) -> None:
    """A changed lock, export or build leads to a new setup."""
    before = fingerprint(checkout)
    path = checkout / name
    path.write_text(path.read_text().replace(old, new))
    assert fingerprint(checkout) != before


def test_a_changed_lint_rule_is_no_reason_for_a_new_setup(checkout: Path) -> None:
    """What no package depends on leaves the environment as it is."""
    before = fingerprint(checkout)
    path = checkout / "pyproject.toml"
    path.write_text(path.read_text().replace("line-length = 100", "line-length = 80"))
    assert fingerprint(checkout) == before


def test_a_complete_environment_is_left_alone(environment: Environment) -> None:
    """The second setup finds nothing to do."""
    assert environment.is_usable(None)
    assert environment.is_complete()


def test_a_changed_lock_completes_the_environment_in_place(environment: Environment) -> None:
    """The packages are brought up to date, the environment itself is kept."""
    (environment.root / "uv.lock").write_text("version = 3\n")
    assert environment.is_usable(None)
    assert not environment.is_complete()


@pytest.mark.parametrize("lost", ["voxgate-setup.json", "bin/voxgate"])
def test_an_interrupted_setup_is_completed(environment: Environment, lost: str) -> None:
    """Without its stamp or its command an environment does not count as complete."""
    (environment.folder / lost).unlink()
    assert environment.is_usable(None)
    assert not environment.is_complete()


def test_a_stamp_that_is_not_readable_counts_as_none(environment: Environment) -> None:
    """A half-written stamp leads to a new setup, not to a stack trace."""
    environment.stamp.write_text("{")
    assert environment.is_usable(None)
    assert not environment.is_complete()


def test_an_environment_whose_python_is_gone_is_not_usable(environment: Environment) -> None:
    """A link to a Python that was uninstalled is the commonest way for one to break."""
    environment.python.unlink()
    environment.python.symlink_to("/nonexistent/python3")
    assert environment.python_version() is None
    assert not environment.is_usable(None)


def test_an_environment_of_another_version_than_asked_for_is_not_usable(
    environment: Environment,
) -> None:
    """Asking for a Python means that one, not the one that happens to be there."""
    own = "{}.{}".format(*sys.version_info[:2])
    assert environment.is_usable(own)
    assert not environment.is_usable("3.9")


def test_an_environment_of_an_unsupported_version_is_not_usable(environment: Environment) -> None:
    """An environment of an old Python, made by hand, is replaced."""
    environment.python.unlink()
    environment.python.write_text("#!/bin/sh\necho 3.10.13\n")
    environment.python.chmod(0o755)
    assert environment.python_version() == "3.10.13"
    assert not environment.is_usable(None)


def test_a_checkout_that_was_moved_is_set_up_anew(environment: Environment, tmp_path: Path) -> None:
    """The commands of an environment hold its path, so that it does not survive a move."""
    elsewhere = tmp_path / "elsewhere"
    environment.root.rename(elsewhere)
    moved = Environment(elsewhere / ".venv", root=elsewhere)
    assert not moved.is_usable(None)


def test_removing_an_environment_deletes_it(environment: Environment) -> None:
    """What the setup made, it may delete."""
    environment.remove()
    assert not environment.folder.exists()
    environment.remove()


def test_a_link_to_an_environment_is_removed_and_its_target_kept(
    environment: Environment, tmp_path: Path
) -> None:
    """An environment that somebody keeps elsewhere is theirs."""
    link = tmp_path / "link"
    link.symlink_to(environment.folder)
    Environment(link, root=environment.root).remove()
    assert not link.is_symlink()
    assert environment.stamp.is_file()


def test_a_folder_that_is_no_environment_is_never_deleted(checkout: Path) -> None:
    """A mistyped folder costs nobody their files."""
    with pytest.raises(SetupError, match="is not an environment"):
        Environment(checkout / "requirements", root=checkout).remove()
    assert (checkout / "requirements" / "dev.txt").is_file()


def test_a_file_in_the_way_is_named(checkout: Path) -> None:
    """The message says what is in the way."""
    with pytest.raises(SetupError, match=r"uv\.lock is in the way and is not a folder"):
        Environment(checkout / "uv.lock", root=checkout).remove()


def test_this_checkout_has_what_the_fingerprint_reads() -> None:
    """A file that was renamed is noticed here rather than on somebody's fresh machine."""
    assert len(fingerprint(ROOT)) == 64
