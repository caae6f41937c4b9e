"""Build hook: compiles the modules on every call's way with mypyc, into a wheel for one platform.

Hatchling runs it where it is asked to (``HATCH_BUILD_HOOK_ENABLE_CUSTOM=true``), as ``make
compile`` does; every other build is pure Python. What is compiled is a copy of ``src`` under the
package's own name. Invariant: the wheel holds every source file as it is, so that a machine which
can't load the compiled modules has them all; only extension modules are added.
"""

from __future__ import annotations

__all__ = [
    "CompileError",
    "CompiledWheelHook",
    "Plan",
    "compile_modules",
    "main",
    "missing_tools",
    "read_plan",
]

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PLAN = Path("tools", "compiled.toml")
_WORK = Path("out", "compiled")
_SHARED_NAME = "voxgate"
"""All modules are one library, ``voxgate__mypyc``, and a stub each that leads there."""
_SETUP = """\
import sys
from setuptools import setup
from mypyc.build import mypycify
modules = mypycify(
    ["--config-file", "mypy.ini", *sys.argv[3:]],
    opt_level="2", debug_level="0", group_name=sys.argv[1],
)
setup(name="voxgate", script_args=["build_ext", "--build-lib", sys.argv[2]], ext_modules=modules)
"""
_MYPY = "[mypy]\nignore_missing_imports = True\n"


class CompileError(Exception):
    """The modules could not be compiled; the message says why and what to do."""


class Plan(NamedTuple):
    """Which modules of the package are compiled, by paths within it."""

    packages: tuple[str, ...]
    """Folders, of which everything is compiled that is not said to stay."""
    single: tuple[str, ...]
    """Modules of other folders."""
    interpreted: Mapping[str, str]
    """Modules that stay Python, with the reason."""

    def modules(self, source: Path) -> list[str]:
        """Return the modules to compile of the package in a folder, in order.

        Raises:
            CompileError: if the plan names a module that the folder has not.
        """
        found = {
            path.relative_to(source).as_posix()
            for package in self.packages
            for path in (source / package).rglob("*.py")
            if path.name != "__init__.py"
        }
        unknown = self.interpreted.keys() - found
        unknown |= {module for module in self.single if not (source / module).is_file()}
        if unknown:
            raise CompileError(f"{_PLAN}: no such module: {', '.join(sorted(unknown))}")
        return sorted(found - self.interpreted.keys() | set(self.single))


def read_plan(root: Path) -> Plan:
    """Read the plan of the checkout, or unpacked archive, at ``root``."""
    tables = tomllib.loads((root / _PLAN).read_text(encoding="utf-8"))
    return Plan(tuple(tables["packages"]), tuple(tables["modules"]), tables["interpreted"])


def missing_tools(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return what the machine lacks to compile for this Python, and how to get it; None if nothing.

    Headers count as there when a file that includes them is understood.
    """
    command = shlex.split(environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    if shutil.which(command[0]) is None:
        return f"no C compiler ({command[0]}). On Debian and Ubuntu: apt-get install gcc libc6-dev"
    headers = sysconfig.get_config_var("INCLUDEPY") or sysconfig.get_path("include")
    if not Path(headers, "Python.h").is_file():
        version = ".".join(map(str, sys.version_info[:2]))
        return (
            f"no headers of Python {version} ({headers}/Python.h). On Debian and Ubuntu: apt-get "
            f"install python{version}-dev; a Python from uv or pyenv has them"
        )
    answer = subprocess.run(
        [*command, "-fsyntax-only", f"-I{headers}", "-x", "c", "-"],
        check=False,
        input="#include <Python.h>\n",
        capture_output=True,
        text=True,
    )
    if answer.returncode:
        return (
            f"{command[0]} does not understand <Python.h>. On Debian and Ubuntu, the C library's "
            f"headers are in libc6-dev. It says:\n{answer.stderr.strip()}"
        )
    return None


def compile_modules(root: Path) -> dict[str, str]:
    """Compile the checkout at ``root``; return the extension modules: file to place in the wheel.

    Raises:
        CompileError: if something is missing, or the compiler refuses; its words are in the
            message.
    """
    missing = missing_tools()
    if missing is not None:
        raise CompileError(f"can't compile: {missing}")
    plan, work = read_plan(root), root / _WORK
    modules = plan.modules(root / "src")
    shutil.rmtree(work / "voxgate", ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "src", work / "voxgate", ignore=ignored)
    (work / "mypy.ini").write_text(_MYPY, "utf-8")
    (work / "setup.py").write_text(_SETUP, "utf-8")
    built = work / "built"
    shutil.rmtree(built, ignore_errors=True)
    command = [sys.executable, "setup.py", _SHARED_NAME, built.name]
    answer = subprocess.run(
        [*command, *(f"voxgate/{module}" for module in modules)],
        check=False,
        cwd=work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    (work / "build.log").write_text(answer.stdout, "utf-8")
    if answer.returncode:
        raise CompileError(f"the compiler refused ({_WORK}/build.log):\n{_end_of(answer.stdout)}")
    return {
        str(path): path.relative_to(built).as_posix()
        for path in sorted(built.rglob(f"*{sysconfig.get_config_var('EXT_SUFFIX')}"))
    }


def _end_of(log: str) -> str:
    """Return what a person has to see of a compiler's log: its errors, or else its end."""
    lines = log.splitlines()
    return "\n".join([line for line in lines if "error:" in line][:20] or lines[-20:])


class CompiledWheelHook(BuildHookInterface[Any]):
    """Adds extension modules to a wheel, and makes it one of this platform and Python."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, before a wheel is packed; an editable install stays pure Python."""
        if self.target_name != "wheel" or version == "editable":
            return
        try:
            built = compile_modules(Path(self.root))
        except CompileError as exc:
            self.app.abort(f"compile: {exc}")
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["force_include"].update(built)


def main() -> int:
    """Tell whether this machine can compile for this Python: 0, or 1 with what it lacks."""
    missing = missing_tools()
    if missing is not None:
        print(f"can't compile: {missing}")
    return int(missing is not None)


if __name__ == "__main__":
    sys.exit(main())
