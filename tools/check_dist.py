"""Prove that what `make dist` built is whole, and that both archives install and run.

Each archive goes into a new environment, with the locked versions of what it needs. Invariant:
nothing of the checkout is importable while an installed archive is tried.
"""

from __future__ import annotations

__all__ = ["DistError", "constraints", "main", "missing_from_sdist", "unexpected_in_wheel"]

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_IN_SDIST = (
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "config/ai-agent.yaml",
    "pyproject.toml",
    "requirements/dev.txt",
    "tests/conftest.py",
    "tools/compiled.toml",
    "tools/compiled_wheel.py",
    "uv.lock",
)
_COMPILED = (".so", ".pyd")
"""Modules for one platform, which only `make compile` packs, and from elsewhere."""
_DEFAULT_CONFIG = "voxgate/config/ai-agent.yaml"
_EXTRAS = "server,twilio,silero,bench"
"""What serves calls and measures; the others are large, and for training and clusters."""
_REQUIREMENT = re.compile(r"^(?P<pin>[A-Za-z0-9._-]+==[^\\]+?)\s*\\?$", re.MULTILINE)

_TRY_IMPORT = """
import importlib.resources, sys
import voxgate
for name in voxgate.__all__:
    getattr(voxgate, name)
assert voxgate.__version__ == sys.argv[1], voxgate.__version__
assert "site-packages" in voxgate.__file__, voxgate.__file__
package = importlib.resources.files("voxgate")
assert package.joinpath("py.typed").is_file()
assert package.joinpath("config", "ai-agent.yaml").is_file()
"""
_TRY_GUARD = """
import sys
from voxgate import AudioGatingManager, EnhancedVADManager
from voxgate.core.config import AudioGuardConfig, GatingConfig, SpeechEvidenceKind
from voxgate.core.guard.speech_evidence import evidence_in_force
found = evidence_in_force(SpeechEvidenceKind.SILERO)
assert found == sys.argv[1], f"asked for silero, {found} serves, not {sys.argv[1]}"
guard = AudioGuardConfig(speech_evidence=SpeechEvidenceKind.SILERO)
manager = AudioGatingManager(EnhancedVADManager(), GatingConfig(audio_guard=guard))
manager.start_call("a", provider="openai_realtime", now_ms=0.0)
for at_ms in range(20, 1020, 20):
    frame = bytes(range(256))[at_ms % 128 :][:120] * 3
    decision = manager.process("a", frame[:320], float(at_ms))
    assert len(b"".join(decision.audio_for(frame[:320]))) % 320 == 0, decision
"""


class DistError(Exception):
    """An archive is not what it should be; the message says how."""


def constraints(requirements: str) -> str:
    """Return the versions of a hashed requirements file as constraints for pip."""
    return "".join(f"{found['pin']}\n" for found in _REQUIREMENT.finditer(requirements))


def _files_of_the_package(root: Path) -> set[str]:
    """Return the paths inside a wheel that the checkout at ``root`` asks for."""
    source = root / "src"
    expected = {
        f"voxgate/{path.relative_to(source).as_posix()}"
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in _COMPILED
    }
    in_config = ("ai-agent.yaml", "ai-agent.schema.json")
    expected |= {
        f"voxgate/config/{name}" for name in in_config if (root / "config" / name).exists()
    }
    return expected | {_DEFAULT_CONFIG}


def unexpected_in_wheel(names: Iterable[str], root: Path = ROOT) -> list[str]:
    """Return how the files of a wheel differ from the package: ``- path`` lacks, ``+ path`` extra.

    The wheel's own metadata folder is left out.
    """
    packed = {name for name in names if ".dist-info/" not in name}
    expected = _files_of_the_package(root)
    lacking = [f"- {name}" for name in sorted(expected - packed)]
    return lacking + [f"+ {name}" for name in sorted(packed - expected)]


def missing_from_sdist(names: Iterable[str]) -> list[str]:
    """Return the files that a source archive must have and has not."""
    packed = {name.partition("/")[2] for name in names}
    return [name for name in _IN_SDIST if name not in packed]


def _single(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise DistError(f"{folder}/{pattern}: {len(found)} archives, not one")
    return found[0]


def _check_contents(wheel: Path, sdist: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        wheel_names = archive.namelist()
    differences = unexpected_in_wheel(wheel_names)
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel_names):
        differences.append("- LICENSE")
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
    differences += [f"- {name} (sdist)" for name in missing_from_sdist(m.name for m in members)]
    differences += [f"+ {m.name} (a link, sdist)" for m in members if m.issym() or m.islnk()]
    if differences:
        raise DistError("the archives differ from the checkout:\n  " + "\n  ".join(differences))


def _run(*command: str | Path, folder: Path, variables: dict[str, str] | None = None) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environ.pop("VIRTUAL_ENV", None)
    answer = subprocess.run(
        command,
        check=False,
        cwd=folder,
        env=environ | (variables or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if answer.returncode:
        step = " ".join(str(part) for part in command)
        raise DistError(f"this step failed: {step}\n{answer.stdout}")


def _megabytes(path: Path) -> float:
    """Return the size of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files) / 1e6


def _try_archive(archive: Path, version: str, folder: Path) -> str:
    """Install one archive into a new environment, first bare, then whole, and run it.

    Bare, the guard makes do with its own small network; whole, it has Silero's too. A program of a
    user's that needs nothing but the core is type-checked against it, and run.

    Returns:
        What the core takes, in words.

    Raises:
        DistError: if a step fails; the message holds what it printed.
    """
    pins = folder / "constraints.txt"
    pins.write_text(constraints((ROOT / "requirements/dev.txt").read_text(encoding="utf-8")))
    # A variable rather than an option: the environment that builds the sdist is held to it too.
    # A URL rather than a path: pip splits the variable at spaces.
    locked = {"PIP_CONSTRAINT": pins.as_uri(), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment = folder / "environment"
    venv.create(environment, symlinks=True, with_pip=True)
    python = environment / "bin" / "python"
    install = (python, "-m", "pip", "install", "--quiet", "--no-input")
    _run(*install, archive, folder=folder, variables=locked)
    _run(python, "-I", "-c", _TRY_IMPORT, version, folder=folder)
    _run(python, "-I", "-c", _TRY_GUARD, "light", folder=folder)
    (packages,) = environment.glob("lib/python*/site-packages")
    own, numpy = (sum(map(_megabytes, packages.glob(f"{name}*"))) for name in ("voxgate", "numpy"))
    _try_as_user(python, folder)
    _run(*install, f"{archive}[{_EXTRAS}]", folder=folder, variables=locked)
    _run(python, "-I", "-c", _TRY_GUARD, "silero", folder=folder)
    _run(environment / "bin" / "voxgate", "--help", folder=folder)
    _run(environment / "bin" / "voxgate", "check-config", folder=folder)
    _run(python, "-m", "pip", "check", folder=folder)
    return f"{_megabytes(archive):.1f} MB, installed {own:.0f} MB, and numpy {numpy:.0f} MB"


def _try_as_user(python: Path, folder: Path) -> None:
    """Check the types of a program that uses the installed core, strictly, and run it."""
    program = folder / "user_program.py"
    program.write_bytes((ROOT / "tools" / "user_program.py").read_bytes())
    checker = (sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull)
    _run(*checker, "--python-executable", python, program, folder=folder)
    _run(python, "-I", program, folder=folder)


def main(arguments: list[str]) -> int:
    """Check the archives in the folder named (``dist`` if none).

    Returns:
        The exit status: 0, or 1 with the reason on standard error.
    """
    folder = Path(arguments[0] if arguments else "dist").resolve()
    try:
        wheel = _single(folder, "voxgate-*.whl")
        sdist = _single(folder, "voxgate-*.tar.gz")
        version = wheel.name.split("-")[1]
        _check_contents(wheel, sdist)
        for archive in (wheel, sdist):
            with tempfile.TemporaryDirectory(prefix="voxgate dist ") as scratch:
                size = _try_archive(archive, version, Path(scratch))
            print(f"dist: {archive.name} installs and runs ({size})", flush=True)
    except DistError as exc:
        print(f"dist: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
