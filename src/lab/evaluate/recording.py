"""A manifest row's audio: two aligned streams of 20 ms frames, and who speaks when in them.

Invariant: the capture is the clock. The far end and all intervals are fitted to its length, and
what does not fit is said.
"""

from __future__ import annotations

__all__ = ["PlayedCall", "Recording", "Slot", "load_recording"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from ...core.audio import FRAME_MS, AudioFormat
from ...core.gate_decision import GateEvent
from ...core.wav import WavAudio, parse_wav
from .activity import active_intervals
from .intervals import Interval, clipped
from .manifest import ManifestRow, RowNote, RowProblem, UnreadFile

_HERE = Path()


class Slot(NamedTuple):
    """What happens on a call in 20 ms."""

    capture: bytes
    """What the line delivers at its end; an object of its own."""
    far_end: bytes | None
    """What was sent to the caller; None: not known."""
    is_agent_audio: bool
    spell_ms: float = 0.0
    """Length of the agent audio that begins here; 0.0 where none begins."""


class PlayedCall(Protocol):
    """What a gate is run on: a recording, or a call that goes on as the gate decides."""

    @property
    def capture_format(self) -> AudioFormat:
        """Format of what the line delivers."""

    @property
    def far_end_format(self) -> AudioFormat:
        """Format of what is sent to the caller."""

    @property
    def duration_ms(self) -> float:
        """Length of the call."""

    def slots(self) -> Iterator[Slot]:
        """Yield the slots; each may depend on what was followed before it."""

    def follow(self, events: Sequence[GateEvent]) -> None:
        """Do what the gate says after the slot that was yielded last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One call as it was recorded, and what is known of it."""

    capture: tuple[bytes, ...]
    """What the line delivered, in 20 ms frames."""
    capture_format: AudioFormat
    far_end: tuple[bytes, ...] | None
    """What was sent to the caller, one frame for each of the capture's; None: not known."""
    far_end_format: AudioFormat
    duration_ms: float
    """Length of the capture before its last frame was filled up."""
    agent_speaking: tuple[Interval, ...]
    """When agent audio is played."""
    caller_speech: tuple[Interval, ...]
    notes: tuple[RowNote, ...] = ()

    @property
    def agent_slots(self) -> tuple[bool, ...]:
        """For each frame whether any agent audio is played in it."""
        flags = [False] * len(self.capture)
        for start_ms, end_ms in self.agent_speaking:
            first = int(start_ms // FRAME_MS)
            after = min(len(flags), int(-(-end_ms // FRAME_MS)))
            flags[first:after] = [True] * (after - first)
        return tuple(flags)

    def slots(self) -> Iterator[Slot]:
        """Yield what was recorded, slot by slot."""
        is_agent = self.agent_slots
        spells_ms = _spells_ms(is_agent)
        far_end: Sequence[bytes | None] = self.far_end or (None,) * len(self.capture)
        for values in zip(self.capture, far_end, is_agent, spells_ms, strict=True):
            yield Slot(*values)

    def follow(self, events: Sequence[GateEvent]) -> None:
        """Go on whatever the gate says: what is recorded is recorded."""


def _spells_ms(is_agent: Sequence[bool]) -> list[float]:
    """Return for each slot how long the agent audio is that begins in it."""
    spells_ms = [0.0] * len(is_agent)
    left_ms = 0.0
    for number in range(len(is_agent) - 1, -1, -1):
        left_ms = left_ms + FRAME_MS if is_agent[number] else 0.0
        is_start = number == 0 or not is_agent[number - 1]
        spells_ms[number] = left_ms if is_start else 0.0
    return spells_ms


def load_recording(row: ManifestRow, folder: Path = _HERE) -> Recording | RowProblem:
    """Return a row's recording, or what is wrong with one of its files.

    Args:
        row: Of a manifest.
        folder: What relative paths are relative to.
    """
    capture = _load(row, "capture", row.capture, folder)
    if isinstance(capture, RowProblem):
        return capture
    far_end = None if row.far_end is None else _load(row, "far_end", row.far_end, folder)
    if isinstance(far_end, RowProblem):
        return far_end
    duration_ms = capture.duration_ms
    frames = tuple(capture.frames())
    return Recording(
        capture=frames,
        capture_format=capture.audio_format,
        far_end=None if far_end is None else _fitted(far_end, len(frames)),
        far_end_format=(far_end or capture).audio_format,
        duration_ms=duration_ms,
        agent_speaking=clipped(_agent_speaking(row, far_end), 0.0, duration_ms),
        caller_speech=clipped(row.caller_speech, 0.0, duration_ms),
        notes=(*_length_notes(row, far_end, duration_ms), *_late_notes(row, duration_ms)),
    )


def _load(row: ManifestRow, key: str, path: Path, folder: Path) -> WavAudio | RowProblem:
    try:
        return parse_wav((folder / path).read_bytes())
    except FileNotFoundError:
        message = f"file not found: {path}"
    except OSError as error:
        message = f"can't be read: {error.strerror or error}: {path}"
    except ValueError as error:
        message = f"{path}: {error}"
        return RowProblem(line=row.line, field=key, message=message, row_id=row.id)
    return UnreadFile(line=row.line, field=key, message=message, row_id=row.id, path=path)


def _fitted(far_end: WavAudio, n_slots: int) -> tuple[bytes, ...]:
    """Return one far-end frame a slot: silence where it is too short, nothing of what is over."""
    frames = far_end.frames()[:n_slots]
    silence = bytes(far_end.audio_format.frame_bytes)
    return (*frames, *[silence] * (n_slots - len(frames)))


def _agent_speaking(row: ManifestRow, far_end: WavAudio | None) -> Sequence[Interval]:
    if row.agent_speaking is not None:
        return row.agent_speaking
    if far_end is None:
        return ()
    samples = np.frombuffer(far_end.audio, "<i2").astype(np.int16)
    return active_intervals(samples, far_end.audio_format.rate_hz)


def _length_notes(row: ManifestRow, far_end: WavAudio | None, duration_ms: float) -> list[RowNote]:
    if far_end is None:
        return []
    missing_ms = duration_ms - far_end.duration_ms
    if abs(missing_ms) < FRAME_MS:
        return []
    message = (
        f"is {missing_ms:.0f} ms shorter than the capture: silence is taken for the rest"
        if missing_ms > 0
        else f"is {-missing_ms:.0f} ms longer than the capture: the rest is left out"
    )
    return [RowNote(line=row.line, field="far_end", message=message)]


def _late_notes(row: ManifestRow, duration_ms: float) -> list[RowNote]:
    """Say so if an interval ends behind the capture: the times may be of another unit."""
    notes = []
    fields = {"agent_speaking": row.agent_speaking or (), "caller_speech": row.caller_speech}
    for key, intervals in fields.items():
        latest_ms = max((end for _, end in intervals), default=0.0)
        if latest_ms > duration_ms + FRAME_MS:
            message = f"goes on to {latest_ms:.0f} ms, but the capture ends at {duration_ms:.0f} ms"
            notes.append(RowNote(line=row.line, field=key, message=message))
    return notes
