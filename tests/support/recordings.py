"""WAV files and manifest rows for tests of what reads recordings."""

from __future__ import annotations

__all__ = ["manifest_line", "manifest_row", "write_wav"]

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np

from support.signals import Signal
from voxgate.lab.evaluate.intervals import Interval
from voxgate.lab.evaluate.manifest import ManifestRow


def write_wav(path: Path, samples: Signal, *, rate_hz: int = 8000) -> Path:
    """Write a mono 16-bit WAV and return its path."""
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(rate_hz)
        wav.writeframes(samples.astype(np.dtype("<i2")).tobytes())
    return path


def manifest_row(
    capture: Path,
    far_end: Path | None = None,
    *,
    row_id: str = "one",
    provider: str = "openai_realtime",
    agent_speaking: tuple[Interval, ...] | None = None,
    caller_speech: tuple[Interval, ...] = (),
    tags: dict[str, str] | None = None,
) -> ManifestRow:
    """Return a row as the first line of a manifest would give it."""
    return ManifestRow(
        line=1,
        id=row_id,
        capture=capture,
        far_end=far_end,
        provider=provider,
        agent_speaking=agent_speaking,
        caller_speech=caller_speech,
        tags=tags or {},
    )


def manifest_line(**changes: Any) -> str:
    """Return a good line of a manifest, but for the changes; a key set to ... is left out."""
    row: dict[str, Any] = {
        "id": "one",
        "capture": "capture.wav",
        "far_end": None,
        "provider": "openai_realtime",
        "caller_speech": [],
        "tags": {},
        **changes,
    }
    return json.dumps({key: value for key, value in row.items() if value is not ...})
