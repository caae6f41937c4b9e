"""A call, read: its recording, who answered it, what is known of it.

Invariant: whatever is wrong with a call's files comes back as a problem of that call.
"""

from __future__ import annotations

__all__ = ["LoadedCall", "load_call"]

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...core.audio import FRAME_MS, AudioFormat
from ...core.gate_tape import FarEndPlayed, GateBegun
from ...core.units import ms_to_samples
from ...errors import RecordingError
from ...recordings import CallTracks, RecordedCall, open_call
from ..evaluate.intervals import Interval, clipped, merged
from ..evaluate.manifest import RowProblem
from ..evaluate.recording import Recording, load_recording
from .call_sources import CallProblem, CallSource, ManifestCall, RecordedCallFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedCall:
    """One call with its audio."""

    recording: Recording
    provider: str
    """Instance name, kind or alias."""
    tags: Mapping[str, str]
    is_labelled: bool
    notes: tuple[str, ...] = ()


def load_call(source: CallSource) -> LoadedCall | CallProblem:
    """Return a call, or why it can't be used."""
    try:
        if isinstance(source, ManifestCall):
            return _load_row(source)
        return _load_recorded(source, open_call(source.folder))
    except RecordingError as error:
        return CallProblem(source.name, str(error))
    except ModuleNotFoundError as error:
        return CallProblem(source.name, f"can't be opened: {error}")
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the others are used
        return CallProblem(source.name, f"can't be read: {error!r}")


def _load_row(source: ManifestCall) -> LoadedCall | CallProblem:
    recording = load_recording(source.row)
    if isinstance(recording, RowProblem):
        return CallProblem(source.name, f"{recording.field}: {recording.message}")
    return LoadedCall(
        recording=recording,
        provider=source.row.provider,
        tags=source.row.tags,
        is_labelled=source.has_labels,
        notes=tuple(f"{source.manifest}:{note}" for note in recording.notes),
    )


def _load_recorded(source: RecordedCallFolder, recorded: RecordedCall) -> LoadedCall | CallProblem:
    tracks = recorded.audio()
    if tracks is None or len(tracks.capture) == 0:
        return CallProblem(source.name, "no audio was recorded")
    header = recorded.header
    frames = _frames(tracks.capture, tracks.rate_hz)
    duration_ms = float(len(frames) * FRAME_MS)
    audio_format = AudioFormat(rate_hz=tracks.rate_hz)
    provider, agent = _read_trace(recorded, tracks)
    return LoadedCall(
        recording=Recording(
            capture=frames,
            capture_format=audio_format,
            far_end=_frames(tracks.far_end, tracks.rate_hz)[: len(frames)],
            far_end_format=audio_format,
            duration_ms=duration_ms,
            agent_speaking=clipped(agent, 0.0, duration_ms),
            caller_speech=(),
        ),
        provider=provider or header.provider,
        tags={"line": header.line, "provider": header.provider},
        is_labelled=False,
    )


def _read_trace(
    recorded: RecordedCall, tracks: CallTracks
) -> tuple[str | None, tuple[Interval, ...]]:
    """Return the provider that the gate was told, and when agent audio was played."""
    provider = None
    played: list[Interval] = []
    for taped in recorded.inputs():
        given = taped.given
        if isinstance(given, GateBegun) and provider is None:
            provider = given.provider
        elif isinstance(given, FarEndPlayed) and given.is_agent_audio:
            # A slot is told as it begins, and ticks of the clock are no multiples of 20 ms.
            start_ms = given.now_ms - tracks.origin_ms
            played.append((start_ms, start_ms + FRAME_MS))
    return provider, merged(played, max_gap_ms=2.0 * FRAME_MS)


def _frames(samples: npt.NDArray[np.int16], rate_hz: int) -> tuple[bytes, ...]:
    """Return whole frames of 20 ms, the last filled up with silence."""
    length = ms_to_samples(FRAME_MS, rate_hz)
    whole = np.zeros(-(-len(samples) // length) * length, np.dtype("<i2"))
    whole[: len(samples)] = samples
    return tuple(frame.tobytes() for frame in whole.reshape(-1, length))
