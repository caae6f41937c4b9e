"""A recorded call as columns on one scale of time: what a report draws and tabulates.

Invariant: one column entry is 20 ms of the line; where a second gate is shown what happened before
it took over, its word stands.
"""

from __future__ import annotations

__all__ = ["STATES", "CallData", "CallMoment", "Sent", "SlotColumns", "gather_call"]

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ...core.audio import FRAME_MS, AudioFormat
from ...core.config import GatingConfig, ProviderGatingPolicy
from ...core.gate_decision import (
    GateAction,
    GateEvent,
    GateMeasurements,
    GateReason,
    GateState,
)
from ...core.gate_tape import FrameCaptured, GateBegun, GateEnded, GateReconfigured
from ...core.units import rms_to_dbfs
from ...recordings import CallHeader, CallTracks, RecordedCall, RecordedDecision, RecordedEnd
from .chunk_places import ChunkPlaces, Placed

STATES: tuple[GateState, ...] = tuple(GateState)
"""Every state; a column holds positions in here, -1 where no gate stood."""

Floats = NDArray[np.float32]

_LONGEST_MS = 1000.0
"""A longer chunk is malformed: it is none of the line's time."""

_MAX_SLOTS = 24 * 3600 * 1000 // FRAME_MS
"""Slots of a day: what is later than that in a call is left out."""


_Chunk = tuple[RecordedDecision, float]
"""A captured chunk as it is entered: what became of it, and how many ms it is long."""


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
    reasons: Mapping[tuple[GateAction, GateReason], float]
    """Captured audio in ms, by what became of it and why."""
    released: int
    """Held frames that were released."""
    configs: tuple[tuple[float, GatingConfig], ...]
    """The configuration in force from which time on, since the call began in ms."""
    tracks: CallTracks | None
    """What was said and heard; None where it was not recorded."""

    is_gated: bool = True
    """A gate decided about some of the call; False: every provider of it got all as it came."""


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
    slots = gatherer.columns(round(duration_ms / FRAME_MS))
    return CallData(
        header=recorded.header,
        end=recorded.end,
        is_complete=recorded.is_complete,
        duration_ms=duration_ms,
        slots=slots,
        moments=tuple(gatherer.moments),
        reasons=dict(gatherer.reasons),
        released=gatherer.released,
        configs=tuple(gatherer.configs),
        tracks=tracks,
        is_gated=gatherer.is_gated,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One input, as much of it as a report needs."""

    now_ms: float
    capture_format: AudioFormat | None = None
    """Of captured audio from now on; None where it stays."""
    config: GatingConfig | None = None
    """In force from now on; None where it stays."""
    provider: str | None = None
    """Whose gate begins; None where none does."""
    n_bytes: int | None = None
    """Of captured audio; None for all but captured chunks."""
    track_ms: float | None = None
    """Where that begins, if it is known."""
    decision: RecordedDecision | None


def _steps(recorded: RecordedCall) -> Iterator[_Step]:
    """Yield the inputs in order, those of a trace without audio too; no end of a gate."""
    steps = _taped_steps(recorded) if recorded.has_audio else _trace_steps(recorded)
    return (step for step in steps if math.isfinite(step.now_ms))


def _taped_steps(recorded: RecordedCall) -> Iterator[_Step]:
    for taped in recorded.inputs():
        given = taped.given
        if isinstance(given, GateEnded):
            continue
        yield _Step(
            now_ms=given.now_ms,
            capture_format=given.capture_format if isinstance(given, GateBegun) else None,
            config=given.config if isinstance(given, (GateBegun, GateReconfigured)) else None,
            provider=given.provider if isinstance(given, GateBegun) else None,
            n_bytes=len(given.audio) if isinstance(given, FrameCaptured) else None,
            track_ms=taped.track_ms,
            decision=taped.decision,
        )


def _trace_steps(recorded: RecordedCall) -> Iterator[_Step]:
    for step in recorded.steps():
        if step.now_ms is not None:
            yield _Step(
                now_ms=step.now_ms,
                capture_format=step.capture_format,
                config=step.config,
                provider=step.provider,
                n_bytes=step.n_bytes if step.kind == "frame_captured" else None,
                decision=step.decision,
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
        self.reasons: defaultdict[tuple[GateAction, GateReason], float] = defaultdict(float)
        self.released = 0
        self.configs: list[tuple[float, GatingConfig]] = []
        self.last_ms = start_ms
        self.is_gated = False
        self._start_ms = start_ms
        self._format = AudioFormat()
        self._codes = np.full((2, 3000), -1, np.int8)
        """State, and what was sent, by slot."""
        self._codes[1] = Sent.NOTHING
        self._numbers = np.full((len(_NUMBERS), 3000), np.nan, np.float32)
        self._passes_from: int | None = None
        """First slot of a provider that is not gated."""
        self._passed: list[tuple[int, int]] = []
        """Slots of such, [first, after last)."""
        self._places: ChunkPlaces[_Chunk] = ChunkPlaces()

    def take(self, step: _Step) -> None:
        """Take the next input."""
        decision = step.decision
        self.last_ms = max(self.last_ms, step.now_ms)
        self._format = step.capture_format or self._format
        if step.config is not None:
            self.configs.append((step.now_ms - self._start_ms, step.config))
            if step.provider is not None:
                self._begin_gate(step.now_ms, step.config.policy_for(step.provider))
        if decision is None:
            return
        slot = min(max(self._slot(step.now_ms), 1), _MAX_SLOTS)
        self._reach(slot)
        if self._passes_from is None:
            self._codes[0, slot - 1] = STATES.index(decision.state)
        if step.n_bytes is not None:
            self._take_frame(step, decision, step.n_bytes)
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
        """Return what was gathered, cut or filled up to so many slots; nothing more is taken."""
        self._lay(self._places.rest())
        self._reach(n_slots)
        self._begin_gate(self._start_ms + n_slots * FRAME_MS, None)
        codes, numbers = self._codes[:, :n_slots], self._numbers[:, :n_slots]
        state = _held(codes[0], -1)
        for first, last in self._passed:
            state[first:last] = -1
            self._pass(codes[1, first:last])
        return SlotColumns(
            state=state,
            sent=codes[1],
            **dict(zip(_NUMBERS, numbers, strict=True)),
        )

    def _begin_gate(self, now_ms: float, policy: ProviderGatingPolicy | None) -> None:
        """Take note of whether what comes from now on is judged, or passes."""
        slot = min(max(self._slot(now_ms), 0), _MAX_SLOTS)
        if self._passes_from is not None:
            self._passed.append((self._passes_from, slot))
        is_gated = policy is not None and policy.gating_enabled
        self.is_gated = self.is_gated or is_gated
        self._passes_from = None if is_gated else slot

    def _pass(self, sent: NDArray[np.int8]) -> None:
        """Let all pass in a stretch whose chunks nobody judged, so that none is told."""
        if len(sent) and (sent == Sent.NOTHING).all():
            sent[:] = Sent.FORWARDED
            self.reasons[GateAction.FORWARD, GateReason.PASS_THROUGH] += len(sent) * FRAME_MS

    def _slot(self, t_ms: float) -> int:
        """Return the slot that begins nearest to a time."""
        return math.floor((t_ms - self._start_ms) / FRAME_MS + 0.5)

    def _take_frame(self, step: _Step, decision: RecordedDecision, n_bytes: int) -> None:
        duration_ms = self._format.duration_ms(n_bytes)
        self.reasons[decision.action, decision.reason] += duration_ms
        self.released += decision.n_released
        self._lay(
            self._places.take(
                (decision, min(duration_ms, _LONGEST_MS)),
                now_ms=step.now_ms,
                duration_ms=min(duration_ms, _LONGEST_MS),
                track_ms=step.track_ms,
            )
        )

    def _lay(self, placed: Iterator[Placed[_Chunk]]) -> None:
        """Enter chunks where they lie."""
        for each in placed:
            decision, duration_ms = each.chunk
            first = min(max(self._slot(each.begins_ms), 0), _MAX_SLOTS - 1)
            last = self._slot(each.begins_ms + duration_ms)
            last = min(max(last, first + 1), _MAX_SLOTS)
            self._reach(last)
            self._enter(decision, first, last)

    def _enter(self, decision: RecordedDecision, first: int, last: int) -> None:
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
