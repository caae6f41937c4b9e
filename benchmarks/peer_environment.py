"""Where the peers of the load benchmark are installed: environments apart from voxgate's own.

``tools/test_frameworks.sh`` makes them. Invariant: nothing is installed beside voxgate.
"""

from __future__ import annotations

__all__ = ["PipecatEnvironment", "pipecat_environment"]

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_PYTHON = _ROOT / ".venvs/pipecat-newest/bin/python"
_MAKE = ("sh", "tools/test_frameworks.sh", "pipecat", "--only", "newest", "--install")
_VERSIONS = """
import importlib.metadata as m, json
def version(name):
    try:
        return m.version(name)
    except m.PackageNotFoundError:
        return None
print(json.dumps({n: version(n) for n in ("pipecat-ai", "onnxruntime", "uvloop", "numpy")}))
"""


@dataclass(frozen=True, slots=True)
class PipecatEnvironment:
    """Where Pipecat is installed."""

    python: Path
    versions: dict[str, str | None]
    """Of the packages that its speed depends on; None: not installed."""

    @property
    def program(self) -> tuple[str, ...]:
        """The words that start the agent of :mod:`.pipecat_engine`, but for its options."""
        engine = _ROOT / "benchmarks/pipecat_engine.py"
        return (str(self.python), str(engine), "--realtime-url", "{url}")


def pipecat_environment() -> PipecatEnvironment | None:
    """Return where Pipecat is, in an environment that is made if it is missing.

    uvloop comes into it, as voxgate has it too. None: there is no package index in reach.
    """
    if not _PYTHON.exists():
        _run(_MAKE)
    if not _PYTHON.exists():
        return None
    versions = _versions()
    if versions.get("pipecat-ai") is None:
        return None
    if versions["uvloop"] is None and sys.platform != "win32":
        _run(_uvloop_words())
        versions = _versions()
    return PipecatEnvironment(_PYTHON, versions)


def _uvloop_words() -> tuple[str, ...]:
    if shutil.which("uv"):
        return ("uv", "pip", "install", "--quiet", "--python", str(_PYTHON), "uvloop")
    return (str(_PYTHON), "-m", "pip", "install", "-qq", "uvloop")


def _versions() -> dict[str, str | None]:
    said = subprocess.run(  # noqa: S603 - our own words
        [str(_PYTHON), "-c", _VERSIONS], capture_output=True, text=True, check=False
    ).stdout
    return dict(json.loads(said)) if said else {}


def _run(words: tuple[str, ...]) -> None:
    subprocess.run(words, cwd=_ROOT, stdout=sys.stderr, check=False)  # noqa: S603 - our own words
