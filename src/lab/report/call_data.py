"""A recorded call as columns on one scale of time: what a report draws and tabulates.

Invariant: one column entry is 20 ms of the line; where a second gate is shown what happened before
it took over, its word stands.
"""

from __future__ import annotations

__all__ = ["STATES", "CallData", "CallMoment", "Sent", "SlotColumns", "gather_call"]

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ...core.audio import FRAME_MS, AudioFormat
from ...core.config import GatingConfig
from ...core.gate_decision import (
    GateAction,
    GateEvent,
    GateMeasurements,
    GateReason,
    GateState,
)
from ...core.gate_tape import FrameCaptured, GateBegun, GateEnded, GateInput, GateReconfigured
from ...core.units import rms_to_dbfs
from ...recordings import CallHeader, CallTracks, RecordedCall, RecordedDecision, RecordedEnd

STATES: tuple[GateState, ...] = tuple(GateState)
"""Every state; a column holds positions in here, -1 where no gate stood."""

Floats = NDArray[np.float32]

_MAX_SLOTS = 24 * 3600 * 1000 // FRAME_MS
"""Slots of a day: what is later than that in a call is left out."""


class Sent(IntEnum):
    """What became of the capture in a slot."""

    NOTHING = 0
    """The line delivered nothing."""
    WITHHELD = 1
    RELEASED = 2
    """Withheld first, then sent as the caller's onset."""
    FORWARDED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMoment:
    """Something that happened at the gate."""

    t_ms: float
    """Since the call began."""
    event: GateEvent
    state: GateState
    """After it."""
    measurements: GateMeasurements | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SlotColumns:
    """What was measured and decided in each 20 ms: arrays [shape=(n,)]; NaN where nothing was."""

    state: NDArray[np.int8]
    """Position in :data:`STATES`."""
    sent: NDArray[np.int8]
    """A :class:`Sent`."""
    near_end_logit: Floats
    """Log odds that the caller speaks over the agent."""
    speech_logit: Floats
    """Log odds of speech, by the guard."""
    evidence_ms: Floats
    capture_dbfs: Floats
    near_end_dbfs: Floats
    floor_dbfs: Floats
    """The guard's noise floor."""

    def __len__(self) -> int:
        """Return the number of slots."""
        return len(self.state)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CallData:
    """What a report tells of one call."""

    header: CallHeader
    end: RecordedEnd | None
    is_complete: bool
    duration_ms: float
    slots: SlotColumns
    moments: tuple[CallMoment, ...]
    """In the order in which they happened."""
    reasons: Mapping[tuple[GateAction, GateReason], int]
    """Captured chunks by what became of them and why."""
    released: int
    """Held frames that were released."""
    configs: tuple[tuple[float, GatingConfig], ...]
    """The configuration in force from which time on, since the call began in ms; none where only
    the trace was recorded."""
    tracks: CallTracks | None
    """What was said and heard; None where it was not recorded."""

    @property
    def is_gated(self) -> bool:
        """A gate decided about some of the call."""
        return any(reason is not GateReason.PASS_THROUGH for _, reason in self.reasons) or bool(
            self.moments
        )


def gather_call(recorded: RecordedCall) -> CallData:
    """Read a recorded call once, and put it into columns.

    Raises:
        RecordingError: it can't be read.
    """
    start_ms = recorded.header.started_ms
    gatherer = _Gatherer(start_ms)
    for step in _steps(recorded):
        gatherer.take(step)
    tracks = recorded.audio() if recorded.has_audio else None
    duration_ms = gatherer.last_ms - start_ms
    if recorded.end is not None:
        duration_ms = max(duration_ms, recorded.end.duration_ms)
    if tracks is not None:
        played_ms = len(tracks.capture) * 1000 / tracks.rate_hz
        duration_ms = max(duration_ms, tracks.origin_ms - start_ms + played_ms)
    duration_ms = min(max(duration_ms, FRAME_MS), _MAX_SLOTS * FRAME_MS)
    return CallData(
        header=recorded.header,
        end=recorded.end,
        is_complete=recorded.is_complete,
        duration_ms=duration_ms,
        slots=gatherer.columns(round(duration_ms / FRAME_MS)),
        moments=tuple(gatherer.moments),
        reasons=dict(gatherer.reasons),
        released=gatherer.released,
        configs=tuple(gatherer.configs),
        tracks=tracks,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One input, as much of it as a report needs."""

    now_ms: float
    given: GateInput | None
    """None where only the trace was recorded."""
    n_bytes: int | None
    is_frame: bool
    decision: RecordedDecision | None


def _steps(recorded: RecordedCall) -> Iterator[_Step]:
    """Yield the inputs in order, those of a trace without audio too; no end of a gate."""
    if not recorded.has_audio:
        for step in recorded.steps():
            if step.now_ms is not None:
                yield _Step(
                    now_ms=step.now_ms,
                    given=None,
                    n_bytes=None,
                    is_frame=step.kind == "frame_captured",
                    decision=step.decision,
                )
        return
    for taped in recorded.inputs():
        given = taped.given
        if not isinstance(given, GateEnded):
            is_frame = isinstance(given, FrameCaptured)
            yield _Step(
                now_ms=given.now_ms,
                given=given,
                n_bytes=len(given.audio) if isinstance(given, FrameCaptured) else None,
                is_frame=is_frame,
                decision=taped.decision,
            )


_NUMBERS = (
    "near_end_logit",
    "speech_logit",
    "evidence_ms",
    "capture_dbfs",
    "near_end_dbfs",
    "floor_dbfs",
)
"""Columns of measurements."""


class _Gatherer:
    """Fills columns that grow with the call."""

    def __init__(self, start_ms: float) -> None:
        self.moments: list[CallMoment] = []
        self.reasons: Counter[tuple[GateAction, GateReason]] = Counter()
        self.released = 0
        self.configs: list[tuple[float, GatingConfig]] = []
        self.last_ms = start_ms
        self._start_ms = start_ms
        self._format = AudioFormat()
        self._codes = np.full((2, 3000), -1, np.int8)
        """State, and what was sent, by slot."""
        self._codes[1] = Sent.NOTHING
        self._numbers = np.full((len(_NUMBERS), 3000), np.nan, np.float32)

    def take(self, step: _Step) -> None:
        """Take the next input."""
        given, decision = step.given, step.decision
        self.last_ms = max(self.last_ms, step.now_ms)
        if isinstance(given, GateBegun):
            self._format = given.capture_format
        if isinstance(given, (GateBegun, GateReconfigured)):
            self.configs.append((step.now_ms - self._start_ms, given.config))
        if decision is None:
            return
        first, last = self._place(step)
        self._codes[0, first:last] = STATES.index(decision.state)
        if step.is_frame:
            self._take_frame(decision, first, last)
        for event in decision.events:
            self.moments.append(
                CallMoment(
                    t_ms=event.t_ms - self._start_ms,
                    event=event,
                    state=decision.state,
                    measurements=decision.measurements,
                )
            )

    def columns(self, n_slots: int) -> SlotColumns:
        """Return what was gathered, cut or filled up to so many slots."""
        self._reach(n_slots)
        codes, numbers = self._codes[:, :n_slots], self._numbers[:, :n_slots]
        return SlotColumns(
            state=_held(codes[0], -1),
            sent=codes[1],
            **dict(zip(_NUMBERS, numbers, strict=True)),
        )

    def _place(self, step: _Step) -> tuple[int, int]:
        """Return the slots of an input, [first, after last); a chunk ended when it came."""
        end = round((step.now_ms - self._start_ms) / FRAME_MS)
        frames = 1
        if step.n_bytes is not None:
            frames = max(1, round(self._format.duration_ms(step.n_bytes) / FRAME_MS))
        end = min(max(end, 1), _MAX_SLOTS)
        self._reach(end)
        return max(0, end - frames), end

    def _take_frame(self, decision: RecordedDecision, first: int, last: int) -> None:
        self.reasons[decision.action, decision.reason] += last - first
        self.released += decision.n_released
        is_forwarded = decision.action is GateAction.FORWARD
        self._codes[1, first:last] = Sent.FORWARDED if is_forwarded else Sent.WITHHELD
        before = self._codes[1, max(0, first - decision.n_released) : first]
        before[before == Sent.WITHHELD] = Sent.RELEASED
        if decision.measurements is not None:
            self._numbers[:, first:last] = np.array(_numbers(decision.measurements))[:, None]

    def _reach(self, n_slots: int) -> None:
        """Let the columns have so many slots at least."""
        have = self._codes.shape[1]
        if n_slots <= have:
            return
        more = max(n_slots - have, have)
        self._codes = np.pad(self._codes, ((0, 0), (0, more)), constant_values=-1)
        self._codes[1, have:] = Sent.NOTHING
        self._numbers = np.pad(self._numbers, ((0, 0), (0, more)), constant_values=np.nan)


def _numbers(measured: GateMeasurements) -> tuple[float, ...]:
    values = (
        measured.near_end_logit,
        measured.speech_logit,
        measured.evidence_ms,
        rms_to_dbfs(measured.capture_rms),
        measured.near_end_dbfs,
        rms_to_dbfs(measured.noise_floor) if measured.noise_floor else None,
    )
    return tuple(np.nan if value is None else value for value in values)


def _held(codes: NDArray[np.int8], nothing: int) -> NDArray[np.int8]:
    """Return codes in which each stands until the next one; what is before the first stays."""
    places = np.where(codes == nothing, 0, np.arange(len(codes)))
    return codes[np.maximum.accumulate(places)]
