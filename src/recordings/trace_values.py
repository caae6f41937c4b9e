"""What a recorded call is made of: its header, the gate's inputs and decisions, events, its end.

Invariant: a value read back equals the value written, numbers to the last bit.
"""

from __future__ import annotations

__all__ = [
    "CallEvent",
    "CallHeader",
    "CallSummary",
    "CallTracks",
    "RecordedDecision",
    "RecordedEnd",
    "RecordedStep",
    "TapedInput",
]

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..core.audio import AudioFormat
from ..core.call_stats import CallStats
from ..core.config import GatingConfig
from ..core.gate_decision import (
    GateAction,
    GateDecision,
    GateEvent,
    GateMeasurements,
    GateReason,
    GateState,
)
from ..core.gate_tape import GateInput
from .audio_digest import digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHeader:
    """What is known of a call when its recording begins."""

    call_id: str
    """As in the log."""
    provider: str
    """Instance name of the provider that the call began with."""
    line: str
    """Kind of its line, by the name that it has in the configuration."""
    started_at: datetime
    """When the line was accepted, UTC."""
    started_ms: float
    """The same on the clock of all times of the trace, in ms."""
    route: int | None = None
    """Position of the route that it took, from 0; None where none fitted."""
    has_audio: bool
    """Its audio was to be recorded too."""
    voxgate_version: str
    """The version that recorded it."""
    numpy_version: str
    """Decisions are compared to the bit where this is the same."""
    speech_evidence: str | None = None
    """Which networks of the audio guard were in force; None: no call was guarded."""
    format_version: int = 1
    """Version of the trace's format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDecision:
    """What the gate decided, without the audio."""

    action: GateAction
    """What became of the frame."""
    state: GateState
    """The state after it."""
    reason: GateReason
    """Why."""
    n_released: int = 0
    """Held frames released before the frame."""
    n_chunks: int = 0
    """Pieces of audio let out, those included."""
    audio_digest: str = ""
    """Of the audio let out, see :func:`~.audio_digest.digest_of`; empty where there is none."""
    events: tuple[GateEvent, ...] = ()
    """What happened on the call with it, in order."""
    measurements: GateMeasurements | None = None
    """What was measured; None where nothing was."""

    @classmethod
    def of(cls, decision: GateDecision) -> Self:
        """Return what is recorded of a decision; equal ones let the very same audio out."""
        return cls(
            action=decision.action,
            state=decision.state,
            reason=decision.reason,
            n_released=len(decision.released),
            n_chunks=len(decision.audio),
            audio_digest=digest_of(decision.audio),
            events=decision.events,
            measurements=decision.measurements,
        )


@dataclass(frozen=True, slots=True)
class TapedInput:
    """One thing that the gate was told, and what it made of it."""

    given: GateInput
    """The input, audio included."""
    decision: RecordedDecision | None
    """None for an input that the gate does not decide about."""
    track_ms: float | None = None
    """Where its audio begins on its track, on the clock of the trace; None where it is not there:
    an input without audio, silence of the engine's own, what is malformed or of another format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStep:
    """An input without its audio: what a trace tells where no audio was recorded."""

    kind: str
    """Name of the input's class in snake case, such as ``frame_captured``."""
    now_ms: float | None
    """None for ``gate_ended``."""
    n_bytes: int | None = None
    """Of the input's audio; None for an input without."""
    provider: str | None = None
    """Whose gate begins; None for anything but ``gate_begun``."""
    capture_format: AudioFormat | None = None
    """Of the captured audio from now on; None for anything but ``gate_begun``."""
    config: GatingConfig | None = None
    """In force from now on; None for anything but ``gate_begun`` and ``gate_reconfigured``."""
    decision: RecordedDecision | None = None
    """What the gate made of it; None for an input that it does not decide about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """One thing that happened on a call besides the gate."""

    now_ms: float
    """When, on the clock of all times of the trace, in ms."""
    name: str
    """``line.*``, ``provider.*`` or ``call.*``, listed in ``docs/recordings.md``."""
    fields: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    """What there is to say of it: never audio, words, digits or numbers dialled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEnd:
    """The summary of a call that is over."""

    reason: str
    """Why it ended, as ``call.ended`` has it."""
    detail: str = ""
    """More of the reason; empty where there is nothing to add."""
    duration_ms: float
    """From the line's acceptance to the end of the call."""
    provider: str
    """Instance name of the provider that answered, or was tried last."""
    predecessors: tuple[str, ...] = ()
    """Instance names of those that failed before it."""
    playout_underruns: int = 0
    """Times that the agent's audio ran out in the middle of an answer."""
    skipped_slots: int = 0
    """Slots of 20 ms in which nothing could be sent in time."""
    gate: CallStats | None = None
    """The gate's counters; None if no provider was gated."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CallTracks:
    """What was said and heard, on one time axis.

    Each piece lies where its line says that it was captured, within 100 ms, and silence stands for
    what has no place; where a line does not say, pieces lie by their arrival, and what came more
    than 5 s late lies too late.
    """

    far_end: NDArray[np.int16]
    """What the line played: int16 [shape=(n,), mono, rate_hz]."""
    capture: NDArray[np.int16]
    """What the line delivered: int16 [shape=(n,), mono, rate_hz], as long."""
    rate_hz: int
    """Of both; the higher one where the line's differ."""
    origin_ms: float
    """Time of the first sample on the clock of the trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSummary:
    """A recorded call as its folder shows it, unopened."""

    folder: Path
    """Where it lies; for :func:`~.open_call`."""
    call_id: str
    """As the folder's name has it: what can't stand there is ``_``."""
    started_at: datetime
    """UTC."""
    changed_at: datetime
    """When it was last written to, UTC."""
    size_bytes: int
    """Of all its files."""
    has_audio: bool
    """There is a file with audio."""
    is_encrypted: bool
    """Reading it takes the secret key."""
