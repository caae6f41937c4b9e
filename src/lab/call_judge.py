"""Judges a simulated call by what is known of it: who spoke when, and what reached the provider.

Invariant: a figure that the call gave no occasion to measure is None, not zero.
"""

from __future__ import annotations

__all__ = ["CallFigures", "CutOffs", "Spans", "active_slots", "agent_cut_offs", "judge_call"]

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..core.audio import FRAME_MS
from ..core.gate_transitions import GateEventType
from ..core.units import dbfs_to_rms
from .call_record import CallRecord, Frame

_SPEECH_RMS = dbfs_to_rms(-50.0)
_AUDIBLE_RMS = dbfs_to_rms(-60.0)
_RECENT_SLOTS = 1500 // FRAME_MS
"""A turn detector may report speech so long after it: its own delay and the line's."""
_PAUSE_SLOTS = 300 // FRAME_MS
"""The agent is silent once nothing of it was heard for so long."""

Flags = npt.NDArray[np.bool_]
Spans = list[tuple[int, int]]
"""Slots [first, after last) in which something is the case."""


class CutOffs(NamedTuple):
    """When the agent was cut off in mid-speech, on the call's clock."""

    right_ms: list[float]
    """The caller spoke."""
    false_ms: list[float]
    """The caller was silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFigures:
    """What came of one call."""

    right_barge_ins: int
    """Times that the agent was cut off because the caller spoke."""
    false_barge_ins: int
    """Times that the agent was cut off while the caller was silent."""
    yield_ms: float | None
    """Time from the caller's onset over the agent to the agent's silence at the caller's ear, the
    line's own delay included; None if the caller never spoke over the agent."""
    caller_lost_ratio: float
    """Share of the caller's speech that never reached the provider, 0..1."""
    echo_ms: float
    """Echo of the agent that reached the provider while the caller was silent."""
    noise_ms: float
    """Noise of the line that reached the provider while the caller was silent."""
    speech_reported: int
    """Times that the provider's turn detector reported speech."""
    speech_reported_falsely: int
    """Those of them while the caller was silent."""


def judge_call(record: CallRecord) -> CallFigures:
    """Return the figures of a call that has ended."""
    speech = active_slots([slot.near_end for slot in record.slots], _SPEECH_RMS)
    recent = _extended(speech, _RECENT_SLOTS)
    cut_offs = agent_cut_offs(record)
    forwarded = np.zeros(len(speech), np.bool_)
    forwarded[[n for n in record.forwarded if n < len(speech)]] = True
    echo = active_slots([slot.echo for slot in record.slots], _AUDIBLE_RMS)
    noise = active_slots([slot.noise for slot in record.slots], _AUDIBLE_RMS)
    reported_falsely = [t for t in record.provider_speech_ms if not recent[_slot_at(record, t)]]
    return CallFigures(
        right_barge_ins=len(cut_offs.right_ms),
        false_barge_ins=len(cut_offs.false_ms),
        yield_ms=_yield_ms(record, speech),
        caller_lost_ratio=float(np.mean(~forwarded[speech])) if speech.any() else 0.0,
        echo_ms=float(np.sum(forwarded & echo & ~speech) * FRAME_MS),
        noise_ms=float(np.sum(forwarded & noise & ~speech) * FRAME_MS),
        speech_reported=len(record.provider_speech_ms),
        speech_reported_falsely=len(reported_falsely),
    )


def agent_cut_offs(record: CallRecord) -> CutOffs:
    """Return when the agent was cut off in mid-speech, rightly and falsely."""
    speech = active_slots([slot.near_end for slot in record.slots], _SPEECH_RMS)
    recent = _extended(speech, _RECENT_SLOTS)
    right_ms: list[float] = []
    false_ms: list[float] = []
    for entry in record.gate_events:
        if entry.event.type is GateEventType.INTERRUPTED and entry.agent_was_playing:
            is_right = recent[_slot_at(record, entry.event.t_ms)]
            (right_ms if is_right else false_ms).append(entry.event.t_ms)
    return CutOffs(right_ms, false_ms)


def active_slots(frames: list[Frame], threshold_rms: float) -> Flags:
    """Return in which slots a signal reaches a level (RMS, int16 units)."""
    if not frames:
        return np.zeros(0, np.bool_)
    levels = np.sqrt(np.mean(np.stack(frames).astype(np.float64) ** 2, axis=1))
    flags: Flags = levels >= threshold_rms
    return flags


def _yield_ms(record: CallRecord, speech: Flags) -> float | None:
    """Return the time from the first onset over the talking agent until it is silent."""
    agent = active_slots([slot.far_end for slot in record.slots], _AUDIBLE_RMS)
    onsets = np.flatnonzero(speech & ~_extended(speech, 1000 // FRAME_MS, include_self=False))
    for onset in onsets:
        if not agent[max(0, onset - _PAUSE_SLOTS) : onset + 1].any():
            continue
        quiet = 0
        for slot in range(onset, len(agent)):
            quiet = 0 if agent[slot] else quiet + 1
            if quiet == _PAUSE_SLOTS:
                return float((slot - _PAUSE_SLOTS + 1 - onset) * FRAME_MS)
    return None


def _extended(flags: Flags, n_slots: int, *, include_self: bool = True) -> Flags:
    """Return the flags, each kept up for ``n_slots`` after it."""
    extended = flags.copy() if include_self else np.zeros_like(flags)
    for slot in np.flatnonzero(flags):
        extended[slot + 1 : slot + 1 + n_slots] = True
    return extended


def _slot_at(record: CallRecord, t_ms: float) -> int:
    times = [slot.t_ms for slot in record.slots]
    return int(np.clip(np.searchsorted(times, t_ms, side="right") - 1, 0, len(times) - 1))
