"""Make the environment that voxgate is developed, tested and run in.

Uses nothing but the standard library, and leaves the same locked packages behind whichever way it
goes: with ``uv`` from ``uv.lock``, or with ``venv`` and ``pip`` from the hashed export of that
lock. Invariant: an environment that carries the stamp is complete; one without is built anew or
completed.
"""

from __future__ import annotations

__all__ = ["LEFT_OUT", "Environment", "SetupError", "fingerprint", "main"]

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = ((3, 11), (3, 15))
_STAMP = "voxgate-setup.json"
_LOCK_FILES = ("uv.lock", "requirements/dev.txt")
LEFT_OUT = ("livekit", "pipecat", "recognition", "train")
"""Extras that are large, or that bring a framework whose tests run in environments of their own."""
_BUILD_TABLES = ("build-system", "project")
_VERSION_OF = "import sys; print('.'.join(map(str, sys.version_info[:3])))"

# Settings of the person's shell that would send packages elsewhere than into our environment.
_UNWANTED_VARIABLES = (
    "PIP_PREFIX",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "__PYVENV_LAUNCHER__",
)


class SetupError(Exception):
    """The environment could not be made; the message says why and what to do."""


@dataclass(frozen=True)
class Environment:
    """A folder with a Python of its own, at the root of a checkout."""

    folder: Path
    root: Path = ROOT

    @property
    def python(self) -> Path:
        """The environment's interpreter; it may not exist."""
        return self.folder / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """The file that says what the environment was made from."""
        return self.folder / _STAMP

    def python_version(self) -> str | None:
        """Return the version of an interpreter that runs, such as ``3.11.7``, or None."""
        try:
            answer = subprocess.run(
                [self.python, "-I", "-c", _VERSION_OF], capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return None
        return answer.stdout.strip()

    def is_usable(self, wanted: str | None) -> bool:
        """Tell whether packages can go into the environment as it is.

        Args:
            wanted: the only acceptable version, such as ``3.13``; None for any supported one.
        """
        version = self.python_version()
        if version is None or not (self.folder / "pyvenv.cfg").is_file():
            return False
        minor = tuple(int(part) for part in version.split(".")[:2])
        if not SUPPORTED[0] <= minor < SUPPORTED[1]:
            return False
        if wanted is not None and f"{minor[0]}.{minor[1]}" != wanted:
            return False
        return not self._was_moved()

    def _was_moved(self) -> bool:
        made_in = self._read_stamp().get("root")
        return made_in is not None and made_in != str(self.root)

    def _read_stamp(self) -> Mapping[str, object]:
        try:
            stamp = json.loads(self.stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stamp if isinstance(stamp, dict) else {}

    def _expected_stamp(self) -> Mapping[str, object]:
        return {
            "root": str(self.root),
            "python": self.python_version(),
            "inputs": fingerprint(self.root),
        }

    def is_complete(self) -> bool:
        """Tell whether the environment was made from the present lock and project."""
        return (self.folder / "bin" / "voxgate").exists() and (
            self._read_stamp() == self._expected_stamp()
        )

    def mark_complete(self) -> None:
        """Write the stamp: the last step of a setup."""
        text = json.dumps(self._expected_stamp(), indent=2) + "\n"
        self.stamp.write_text(text, encoding="utf-8")

    def remove(self) -> None:
        """Delete the folder.

        Raises:
            SetupError: if the folder is not an environment, so that nobody's files are lost.
        """
        if self.folder.is_symlink():
            self.folder.unlink()
        elif self.folder.is_dir():
            if any(self.folder.iterdir()) and not (self.folder / "pyvenv.cfg").is_file():
                raise SetupError(f"{self.folder} is in the way and is not an environment: move it")
            shutil.rmtree(self.folder)
        elif self.folder.exists():
            raise SetupError(f"{self.folder} is in the way and is not a folder: move it")


def fingerprint(root: Path) -> str:
    """Return a hash of everything that decides what is installed from the checkout at ``root``."""
    digest = hashlib.sha256()
    for name in _LOCK_FILES:
        digest.update((root / name).read_bytes())
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    build = [project.get(table) for table in _BUILD_TABLES]
    build.append(project.get("tool", {}).get("hatch"))
    digest.update(json.dumps(build, sort_keys=True).encode())
    return digest.hexdigest()


def _run(*command: str | Path, **variables: str) -> None:
    """Run one step, its output shown.

    Raises:
        SetupError: if the step fails.
    """
    environ = {name: value for name, value in os.environ.items() if name not in _UNWANTED_VARIABLES}
    environ.update(variables)
    try:
        subprocess.run(command, check=True, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as exc:
        step = " ".join(str(part) for part in command)
        raise SetupError(f"this step failed: {step}") from exc


def _install_with_uv(uv: str, environment: Environment) -> None:
    # The project comes second, built by the locked hatchling rather than by one of the day.
    python = environment.python if environment.python.exists() else Path(sys.executable)
    variables = {"UV_PROJECT_ENVIRONMENT": str(environment.folder)}
    sync = (
        uv,
        "sync",
        "--quiet",
        "--frozen",
        "--all-extras",
        *(word for extra in LEFT_OUT for word in ("--no-extra", extra)),
        "--no-install-project",
    )
    _run(*sync, "--python", python, **variables)
    install = (uv, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation")
    _run(*install, "--python", environment.python, "--editable", ".")


def _install_with_pip(environment: Environment) -> None:
    _make_venv(environment)
    pip = (environment.python, "-m", "pip", "--disable-pip-version-check", "--no-input")
    install = (*pip, "-qq", "install", "--no-deps")
    _run(*install, "--require-hashes", "--requirement", "requirements/dev.txt")
    _run(*install, "--no-index", "--no-build-isolation", "--editable", ".")
    _run(*pip, "check")


def _make_venv(environment: Environment) -> None:
    try:
        if not environment.python.exists():
            _run(sys.executable, "-m", "venv", environment.folder)
        elif not _has_pip(environment.python):
            _run(environment.python, "-m", "ensurepip", "--default-pip")
    except SetupError as exc:
        raise SetupError(
            f"{sys.executable} can't make an environment. Debian and Ubuntu keep the part that is "
            "missing in the package python3-venv; with uv on the PATH it is not needed"
        ) from exc


def _has_pip(python: Path) -> bool:
    answer = subprocess.run([python, "-m", "pip", "-V"], check=False, capture_output=True)
    return answer.returncode == 0


def _install(environment: Environment, uv: str | None) -> None:
    if uv is None:
        _install_with_pip(environment)
        return
    try:
        _install_with_uv(uv, environment)
    except SetupError as exc:
        _say(f"uv did not manage ({exc}); going on with venv and pip")
        _install_with_pip(environment)


def _say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="setup", description="Make voxgate's environment.")
    parser.add_argument("--venv", default=".venv", help="folder to make it in (default: .venv)")
    parser.add_argument("--python", help="Python to make it with, as X.Y or a path")
    parser.add_argument("--no-uv", action="store_true", help="use venv and pip, also if uv is here")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make or complete the environment; do nothing where nothing has changed.

    Returns:
        The exit status: 0, or 1 with the reason on standard error.
    """
    options = _parse(arguments)
    running = sys.version_info[:2]
    environment = Environment(ROOT / options.venv)
    no_uv = options.no_uv or bool(os.environ.get("VOXGATE_NO_UV"))
    uv = None if no_uv else shutil.which("uv")
    try:
        if not environment.is_usable(f"{running[0]}.{running[1]}" if options.python else None):
            environment.remove()
        elif environment.is_complete():
            return 0
        environment.stamp.unlink(missing_ok=True)
        _say(f"installing the locked packages into {options.venv} with {'uv' if uv else 'pip'}")
        _install(environment, uv)
        environment.mark_complete()
    except SetupError as exc:
        print(f"setup: {exc}", file=sys.stderr)
        return 1
    _say(f"{options.venv} is ready (Python {environment.python_version()})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
