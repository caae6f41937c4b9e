"""The check of the archives finds what is missing, and what should not be in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from check_dist import constraints, main, missing_from_sdist, unexpected_in_wheel

GOOD = {"voxgate/__init__.py", "voxgate/voices/hello.ulaw", "voxgate/config/ai-agent.yaml"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with one module, one data file and the default configuration."""
    for name in ("src/__init__.py", "src/voices/hello.ulaw", "config/ai-agent.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    cached = tmp_path / "src" / "__pycache__" / "__init__.pyc"
    cached.parent.mkdir()
    cached.touch()
    return tmp_path


def test_a_whole_wheel_passes(root: Path) -> None:
    """Every file of the package and nothing else; the metadata is not the package's."""
    assert unexpected_in_wheel({*GOOD, "voxgate-1.0.dist-info/METADATA"}, root) == []


@pytest.mark.parametrize("lost", sorted(GOOD))
def test_a_file_that_a_wheel_lacks_is_named(root: Path, lost: str) -> None:
    """Code, data and configuration are all asked for."""
    assert unexpected_in_wheel(GOOD - {lost}, root) == [f"- {lost}"]


def test_a_wheel_without_configuration_fails_even_if_the_checkout_has_none(root: Path) -> None:
    """The configuration is asked for by name, not because it happens to be there."""
    (root / "config" / "ai-agent.yaml").unlink()
    without = GOOD - {"voxgate/config/ai-agent.yaml"}
    assert unexpected_in_wheel(without, root) == ["- voxgate/config/ai-agent.yaml"]


def test_a_file_that_is_not_the_packages_is_named(root: Path) -> None:
    """Tests and caches have no place in a wheel."""
    assert unexpected_in_wheel({*GOOD, "tests/conftest.py"}, root) == ["+ tests/conftest.py"]


@pytest.mark.parametrize("name", ["gate.cpython-311-x86_64-linux-gnu.so", "gate.cp311.pyd"])
def test_a_compiled_module_that_was_left_in_the_sources_is_named(root: Path, name: str) -> None:
    """What `make dist` builds is pure Python, and runs on any machine."""
    (root / "src" / name).touch()
    assert unexpected_in_wheel({*GOOD, f"voxgate/{name}"}, root) == [f"+ voxgate/{name}"]


def test_a_source_archive_that_can_not_be_compiled_is_found() -> None:
    """The build hook is asked for by pyproject.toml, and reads its list."""
    missing = missing_from_sdist(["voxgate-1.0/pyproject.toml"])
    assert {"tools/compiled.toml", "tools/compiled_wheel.py"} <= set(missing)


def test_a_source_archive_without_its_lock_is_found() -> None:
    """The folder at the top of a source archive does not matter."""
    missing = missing_from_sdist(["voxgate-1.0/LICENSE", "voxgate-1.0/README.md"])
    assert "uv.lock" in missing
    assert "LICENSE" not in missing


def test_constraints_keep_versions_and_markers_and_drop_hashes() -> None:
    """A hash among the constraints would make pip ask for the hash of the archive itself."""
    text = (
        "numpy==2.4.6 ; python_full_version < '3.12' \\\n"
        "    --hash=sha256:00 \\\n    --hash=sha256:11\n"
        "pyyaml==6.0.3 \\\n    --hash=sha256:22\n"
        "    # via voxgate\n"
    )
    assert constraints(text) == "numpy==2.4.6 ; python_full_version < '3.12'\npyyaml==6.0.3\n"


def test_an_empty_folder_is_an_error_that_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A build that made nothing does not pass."""
    assert main([str(tmp_path)]) == 1
    assert f"{tmp_path}/voxgate-*.whl: 0 archives, not one" in capsys.readouterr().err
