"""Whether a recording was made by the software that replays it.

Invariant: what is named may change a bit of what is measured; what is not named does not.
"""

from __future__ import annotations

__all__ = ["VersionDifference", "version_differences"]

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

import numpy as np

from ...recordings import CallHeader


@dataclass(frozen=True, slots=True)
class VersionDifference:
    """One package of another version than when the call was recorded."""

    package: str
    recorded: str
    installed: str

    def __str__(self) -> str:
        """Return ``numpy 2.2.0 then, 2.3.1 now``."""
        return f"{self.package} {self.recorded} then, {self.installed} now"


def version_differences(header: CallHeader) -> tuple[VersionDifference, ...]:
    """Return the packages that the gate's numbers rest on and that are of another version now."""
    return tuple(
        VersionDifference(package, recorded, installed)
        for package, recorded, installed in _versions(header)
        if recorded != installed
    )


def _versions(header: CallHeader) -> Iterator[tuple[str, str, str]]:
    yield "voxgate", header.voxgate_version, metadata.version("voxgate")
    yield "numpy", header.numpy_version, np.__version__
