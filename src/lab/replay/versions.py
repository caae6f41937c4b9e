"""Whether a recording was made by the software that replays it.

Invariant: what is named may change a bit of what is measured; what is not named does not.
"""

from __future__ import annotations

__all__ = ["VersionDifference", "version_differences"]

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

import numpy as np

from ...core.config import SpeechEvidenceKind
from ...core.guard.speech_evidence import evidence_in_force
from ...recordings import CallHeader


@dataclass(frozen=True, slots=True)
class VersionDifference:
    """One thing of another version than when the call was recorded."""

    package: str
    """Or ``audio_guard.speech_evidence``, whose networks may not be installed here."""
    recorded: str
    installed: str

    def __str__(self) -> str:
        """Return ``numpy 2.2.0 then, 2.3.1 now``."""
        return f"{self.package} {self.recorded} then, {self.installed} now"


def version_differences(header: CallHeader) -> tuple[VersionDifference, ...]:
    """Return what the gate's numbers rest on and is another now: packages, the guard's networks."""
    return tuple(
        VersionDifference(package, recorded, installed)
        for package, recorded, installed in _versions(header)
        if recorded != installed
    )


def _versions(header: CallHeader) -> Iterator[tuple[str, str, str]]:
    yield "voxgate", header.voxgate_version, metadata.version("voxgate")
    yield "numpy", header.numpy_version, np.__version__
    if header.speech_evidence in set(SpeechEvidenceKind):
        kind = SpeechEvidenceKind(header.speech_evidence)
        yield "audio_guard.speech_evidence", kind.value, evidence_in_force(kind).value
