"""What happened on every call since the last message: decisions as runs, levels, gate events.

The observer that is attached while somebody watches. Invariant: every decision about captured audio
is counted in exactly one message, in order; what is gathered between two messages is bounded by the
audio that can come in that time, and the costly part of a level waits until the message is made.

A *row* is what one call has in a message (``docs/desk.md`` has the table): key, four levels in
whole dBFS, runs, events.
"""

from __future__ import annotations

__all__ = ["ACTIONS", "EVENTS", "REASONS", "STATES", "LiveFeed", "Row"]

from collections import deque
from collections.abc import Sequence
from typing import Any

from ...call_observer import CallEnded, CallObserver
from ...core.audio import AudioFormat
from ...core.g711 import decode
from ...core.gate_decision import (
    GateAction,
    GateDecision,
    GateEvent,
    GateEventType,
    GateMeasurements,
    GateReason,
    GateState,
)
from ...core.levels import rms
from ...core.playout import PlayoutFrame
from .call_roster import CallRoster, RosterEntry
from .shown_levels import (
    FLOOR_DBFS,
    dbfs_of_rms,
    fine_dbfs_of_rms,
    finite_tenth,
    rounded_dbfs,
)

STATES: tuple[GateState, ...] = tuple(GateState)
"""States of the gate, in the order of their numbers in a message."""
REASONS: tuple[GateReason, ...] = tuple(GateReason)
"""Reasons, likewise."""
EVENTS: tuple[GateEventType, ...] = tuple(GateEventType)
"""Kinds of gate events, likewise."""
ACTIONS: tuple[GateAction, ...] = (GateAction.WITHHOLD, GateAction.FORWARD)
"""What became of a frame, likewise: 1 is forwarded."""

_STATE = {state: number for number, state in enumerate(STATES)}
_REASON = {reason: number for number, reason in enumerate(REASONS)}
_EVENT = {event: number for number, event in enumerate(EVENTS)}

_MAX_FRAMES = 8
"""Frames whose level is taken at a message, the newest: two messages' time."""
_MAX_DETAIL = 50
"""Decisions of a call looked at closely that wait for a message: one second."""

Row = list[Any]
"""What one call has in a message, ready for JSON."""


class _Gathered:
    """What one call has gathered since the last message."""

    __slots__ = (
        "action",
        "capture_frames",
        "capture_rms",
        "detail",
        "entry",
        "events",
        "far_end_frames",
        "is_seen",
        "n_same",
        "near_end_dbfs",
        "noise_floor",
        "reason",
        "runs",
        "state",
    )

    def __init__(self, entry: RosterEntry) -> None:
        self.entry = entry
        self.state = GateState.OPEN
        self.reason = GateReason.PASS_THROUGH
        self.action = GateAction.FORWARD
        self.n_same = 0
        """Decisions of the run that goes on: with that state, reason and action."""
        self.runs: list[int] = []
        self.events: list[GateEvent] = []
        self.capture_rms = -1.0
        """Of the loudest frame; below 0 where none was measured."""
        self.near_end_dbfs: float | None = None
        self.noise_floor = -1.0
        self.capture_frames: deque[bytes] = deque(maxlen=_MAX_FRAMES)
        """Captured audio that nobody has measured."""
        self.far_end_frames: deque[bytes] = deque(maxlen=_MAX_FRAMES)
        self.is_seen = False
        self.detail: deque[tuple[GateMeasurements | None, bytes | None]] | None = None
        """Measurements and far end at each decision, while somebody looks closely."""

    def end_run(self) -> None:
        if self.n_same:
            is_forwarded = int(self.action is GateAction.FORWARD)
            self.runs += (self.n_same, _STATE[self.state], _REASON[self.reason], is_forwarded)
            self.n_same = 0

    def row(self, now_ms: float) -> Row:
        """Return the row, and begin anew."""
        self.end_run()
        row = [
            self.entry.key,
            _dbfs(self.capture_rms, self.capture_frames, self.entry.capture_format),
            _dbfs(0.0, self.far_end_frames, self.entry.playout_format),
            rounded_dbfs(self.near_end_dbfs),
            None if self.noise_floor < 0 else dbfs_of_rms(self.noise_floor),
            self.runs,
            _numbers(self.events, now_ms),
        ]
        self.runs, self.events = [], []
        self.capture_rms, self.near_end_dbfs = -1.0, None
        self.noise_floor = -1.0
        self.capture_frames.clear()
        self.far_end_frames.clear()
        self.is_seen = False
        return row


class LiveFeed(CallObserver):
    """Gathers what happens on the calls of a roster.

    Args:
        roster: Told of the same calls before this one is.
    """

    def __init__(self, roster: CallRoster) -> None:
        self._roster = roster
        self._gathered: dict[str, _Gathered] = {}
        self._over: list[_Gathered] = []
        """Calls that ended since the last message, which has their last row."""

    # -- what the engine tells ---------------------------------------------------------------------

    def on_decision(
        self, call_id: str, now_ms: float, frame: bytes | None, decision: GateDecision
    ) -> None:
        """Count a decision; time that passed without anything sent is none."""
        del now_ms
        if frame is None and not decision.audio:
            return
        call = self._gathered.get(call_id) or self._begin(call_id)
        if call is None:
            return
        if (
            decision.reason is not call.reason
            or decision.state is not call.state
            or decision.action is not call.action
        ):
            call.end_run()
            call.state, call.reason, call.action = decision.state, decision.reason, decision.action
        call.n_same += 1
        call.is_seen = True
        measured = decision.measurements
        if measured is not None:
            self._measure(call, measured)
        elif frame is not None and decision.reason is GateReason.PASS_THROUGH:
            call.capture_frames.append(frame)
        if call.detail is not None:
            call.detail.append((measured, call.far_end_frames[-1] if call.far_end_frames else None))

    def on_playout(self, call_id: str, now_ms: float, frame: PlayoutFrame) -> None:
        """Keep what the agent says until its level is asked for."""
        del now_ms
        if frame.is_agent_audio:
            call = self._gathered.get(call_id) or self._begin(call_id)
            if call is not None:
                call.far_end_frames.append(frame.audio)
                call.is_seen = True

    def on_gate_event(self, call_id: str, event: GateEvent) -> None:
        """Keep an event."""
        call = self._gathered.get(call_id) or self._begin(call_id)
        if call is not None:
            call.events.append(event)
            call.is_seen = True

    def on_call_ended(self, event: CallEnded) -> None:
        """Forget a call once its last row was taken."""
        call = self._gathered.pop(event.call_id, None)
        if call is not None and call.is_seen:
            self._over.append(call)

    # -- what is made of it ------------------------------------------------------------------------

    def take_rows(self, now_ms: float) -> list[Row]:
        """Return a row for each call of which something was heard since the last time."""
        rows = [
            call.row(now_ms) for call in (*self._over, *self._gathered.values()) if call.is_seen
        ]
        self._over.clear()
        return rows

    def look_closely(self, call_ids: Sequence[str]) -> None:
        """Keep the measurements of each decision, of these calls and no others."""
        for call_id in call_ids:
            call = self._gathered.get(call_id) or self._begin(call_id)
            if call is not None and call.detail is None:
                call.detail = deque(maxlen=_MAX_DETAIL)
        for call_id, call in self._gathered.items():
            if call_id not in call_ids:
                call.detail = None

    def take_detail(self, call_id: str, now_ms: float) -> dict[str, Any] | None:
        """Return what was measured on a call since the last time; None if nobody looks at it."""
        call = self._gathered.get(call_id)
        if call is None or call.detail is None:
            return None
        decisions = list(call.detail)
        call.detail.clear()
        newest = next((measured for measured, _ in reversed(decisions) if measured), None)
        return {
            "type": "detail",
            "k": call.entry.key,
            "t": round(now_ms),
            "frames": [
                _detail_of(measured, far_end, call.entry.playout_format)
                for measured, far_end in decisions
            ],
            "now": None if newest is None else _newest_of(newest),
        }

    def clear(self) -> None:
        """Forget everything: nobody watches any more."""
        self._gathered.clear()
        self._over.clear()

    def _begin(self, call_id: str) -> _Gathered | None:
        """Return the gathered of a call that is told of for the first time; None if it is over."""
        entry = self._roster.running_call(call_id)
        if entry is None:
            return None
        call = self._gathered[call_id] = _Gathered(entry)
        return call

    @staticmethod
    def _measure(call: _Gathered, measured: GateMeasurements) -> None:
        if measured.capture_rms > call.capture_rms:
            call.capture_rms = measured.capture_rms
        near_end = measured.near_end_dbfs
        if near_end is not None and (call.near_end_dbfs is None or near_end > call.near_end_dbfs):
            call.near_end_dbfs = near_end
        call.noise_floor = measured.noise_floor


def _dbfs(measured_rms: float, frames: Sequence[bytes], audio_format: AudioFormat) -> int | None:
    """Return the level of the loudest of what was measured and what was not; None of nothing."""
    if frames:
        measured_rms = max(measured_rms, _rms_of(frames, audio_format))
    return None if measured_rms < 0 else dbfs_of_rms(measured_rms)


def _rms_of(frames: Sequence[bytes], audio_format: AudioFormat) -> float:
    """Return the RMS over some frames; audio of a broken length reads as silence."""
    audio = b"".join(frames)
    if len(audio) % audio_format.sample_bytes:
        return 0.0
    return rms(decode(audio, audio_format))


def _numbers(events: Sequence[GateEvent], now_ms: float) -> list[int]:
    return [
        number
        for event in events
        for number in (
            max(0, round(now_ms - event.t_ms)),
            _EVENT[event.type],
            _REASON[event.reason],
            event.count,
        )
    ]


def _detail_of(
    measured: GateMeasurements | None, far_end: bytes | None, audio_format: AudioFormat
) -> list[float | None]:
    """Return the levels (0.1 dB) and the evidence of one decision, in the order of the contract."""
    far_dbfs = FLOOR_DBFS if far_end is None else fine_dbfs_of_rms(_rms_of([far_end], audio_format))
    if measured is None:
        return [None, far_dbfs, None, None, None, None, None, None]
    return [
        fine_dbfs_of_rms(measured.capture_rms),
        far_dbfs,
        finite_tenth(measured.near_end_dbfs),
        fine_dbfs_of_rms(measured.noise_floor),
        round(100 * measured.vad_confidence),
        finite_tenth(measured.near_end_logit),
        finite_tenth(measured.speech_logit),
        round(measured.evidence_ms),
    ]


def _newest_of(measured: GateMeasurements) -> dict[str, float | bool | None]:
    return {
        "echo_delay_ms": finite_tenth(measured.echo_delay_ms),
        "erl_db": finite_tenth(measured.erl_db),
        "erle_db": finite_tenth(measured.erle_db),
        "attenuation_db": finite_tenth(measured.attenuation_db),
        "evidence_span_ms": finite_tenth(measured.evidence_span_ms),
        "agent_audible": measured.agent_audible,
        "zcr_ratio": round(measured.zcr_ratio, 3),
    }
