"""What the figures were measured on."""

from __future__ import annotations

__all__ = ["describe_machine"]

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path


def describe_machine() -> dict[str, str]:
    """Return versions and hardware by name, for people to compare."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "numpy": version("numpy"),
        "webrtcvad-wheels": version("webrtcvad-wheels"),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_model(),
        "cores": str(os.cpu_count()),
        "load": _load(),
    }


def _cpu_model() -> str:
    path = Path("/proc/cpuinfo")
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    if found := re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE):
        return found[1].strip()
    return platform.processor() or platform.machine()


def _load() -> str:
    """Return the load average over a minute: other work makes every time longer."""
    try:
        return f"{os.getloadavg()[0]:.1f}"
    except (AttributeError, OSError):
        return "unknown"
