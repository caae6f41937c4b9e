"""What is compiled, what stays as it is, and what a machine without a compiler is told."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import compiled_wheel
import voxgate
from compiled_wheel import CompileError, Plan, compile_modules, missing_tools, read_plan

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A package with three modules to compile or not."""
    folder = tmp_path / "src"
    (folder / "core" / "echo").mkdir(parents=True)
    modules = ("core/values.py", "core/gate.py", "core/echo/filter.py")
    for name in ("__init__.py", "core/__init__.py", *modules):
        (folder / name).write_text('"""Nothing."""\n', "utf-8")
    return folder


def test_all_modules_of_a_package_are_compiled_but_those_that_are_named(source: Path) -> None:
    """Packages themselves stay as they are: they import, and do nothing."""
    plan = Plan(("core",), ("other.py",), {"core/values.py": "a reason"})
    (source / "other.py").touch()
    assert plan.modules(source) == ["core/echo/filter.py", "core/gate.py", "other.py"]


def test_a_module_that_is_no_longer_there_is_named(source: Path) -> None:
    """A list that names what was renamed would say nothing of it."""
    plan = Plan(("core",), ("lost.py",), {"core/gone.py": "a reason"})
    with pytest.raises(CompileError, match=r"core/gone\.py, lost\.py"):
        plan.modules(source)


def test_every_module_that_stays_python_has_its_reason() -> None:
    """And all of them are there."""
    plan = read_plan(ROOT)
    assert all(plan.interpreted.values())
    assert set(plan.modules(ROOT / "src")).isdisjoint(plan.interpreted)
    assert "core/gating_state.py" in plan.modules(ROOT / "src")


def test_public_classes_stay_python() -> None:
    """Programs derive from them, copy and pickle them, and give them what they have."""
    compiled = {Path("src", path).with_suffix("") for path in read_plan(ROOT).modules(ROOT / "src")}
    places = {getattr(voxgate, name).__module__ for name in voxgate.__all__ if _is_class(name)}
    public = {Path("src", *place.split(".")[1:]) for place in places}
    assert public & compiled == {Path("src/core/gate_transitions")}, "enums, as good as in Python"


def test_values_whose_class_is_assigned_are_pythons() -> None:
    """A compiled class has no slots, and takes no object of another one."""
    texts = {path: path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py")}
    made = {name for text in texts.values() for name in re.findall(r"\bunfrozen\((\w+)\)", text)}
    assert "GateDecision" in made
    compiled = [ROOT / "src" / path for path in read_plan(ROOT).modules(ROOT / "src")]
    found = {name for path in compiled for name in made if f"class {name}" in texts[path]}
    assert found == set()


def _is_class(name: str) -> bool:
    return isinstance(getattr(voxgate, name), type)


def test_without_a_compiler_it_is_named_with_its_package() -> None:
    """By the name that this Python was built with, or the one that CC says."""
    missing = missing_tools({"CC": "no-such-compiler -pipe"})
    assert missing is not None
    assert "no C compiler (no-such-compiler)" in missing
    assert "apt-get install gcc" in missing


def test_without_pythons_headers_their_package_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """That of the Python that runs, as Debian calls it."""
    variables = {"INCLUDEPY": str(tmp_path), "CC": "cc"}
    monkeypatch.setattr(sysconfig, "get_config_var", variables.get)
    missing = missing_tools({"CC": sys.executable})
    assert missing is not None
    assert f"{tmp_path}/Python.h" in missing
    assert "python{}.{}-dev".format(*sys.version_info[:2]) in missing


def test_a_compiler_that_can_not_read_headers_is_quoted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As where the C library's headers are not installed."""
    (tmp_path / "Python.h").touch()
    monkeypatch.setattr(sysconfig, "get_config_var", {"INCLUDEPY": str(tmp_path)}.get)
    compiler = tmp_path / "compiler"
    compiler.write_text("#!/bin/sh\necho 'stdio.h: No such file' >&2\nexit 1\n", "utf-8")
    compiler.chmod(0o755)
    missing = missing_tools({"CC": str(compiler)})
    assert missing is not None
    assert "stdio.h: No such file" in missing
    assert "libc6-dev" in missing


def test_a_compiler_that_understands_headers_is_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Then nothing is missing."""
    (tmp_path / "Python.h").touch()
    monkeypatch.setattr(sysconfig, "get_config_var", {"INCLUDEPY": str(tmp_path)}.get)
    assert missing_tools({"CC": "true"}) is None


def test_what_is_missing_ends_the_build_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before anything is copied."""
    monkeypatch.setattr(compiled_wheel, "missing_tools", lambda: "no C compiler")
    with pytest.raises(CompileError, match="can't compile: no C compiler"):
        compile_modules(tmp_path)


def test_what_the_compiler_refuses_is_shown_by_its_errors(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: Path
) -> None:
    """The whole log stays in the folder that is built in."""

    def refuse(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        log = "a note\nvoxgate/core/gate.py:1: error: no\nTraceback\n"
        return subprocess.CompletedProcess([], 1, stdout=log)

    (source.parent / "tools").mkdir()
    (source.parent / "tools" / "compiled.toml").write_text(
        'packages = ["core"]\nmodules = []\n[interpreted]\n', "utf-8"
    )
    monkeypatch.setattr(compiled_wheel, "missing_tools", lambda: None)
    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(CompileError, match=r"gate\.py:1: error: no$"):
        compile_modules(tmp_path)
    assert "a note" in (tmp_path / "out" / "compiled" / "build.log").read_text("utf-8")
