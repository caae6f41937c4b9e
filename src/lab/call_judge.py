"""Judges a simulated call by what is known of it: who spoke when, and what reached the provider.

Invariant: a figure that the call gave no occasion to measure is None, not zero.
"""

from __future__ import annotations

__all__ = [
    "CallFigures",
    "CutOffs",
    "Flags",
    "LetThrough",
    "active_slots",
    "agent_cut_offs",
    "forwarded_slots",
    "judge_call",
    "spoken_slots",
]

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..core.audio import FRAME_MS
from ..core.gate_transitions import GateEventType
from ..core.units import dbfs_to_rms
from .call_record import CallRecord, Frame

_SPEECH_RMS = dbfs_to_rms(-50.0)
_AUDIBLE_RMS = dbfs_to_rms(-60.0)
_SOONEST_MS = 40.0
"""Nothing heard of the caller can be acted on sooner: three frames are no evidence before."""
_LATEST_MS = 500.0
"""What is acted on later was not the caller: turn detectors take 100 to 300 ms, lines the rest."""
_MID_SPEECH_MS = 100.0
"""An agent with less than this to say has finished anyway."""
_TURN_PAUSE_MS = 1000
"""After a pause of this length the caller's speech has a new onset."""
_TALKING_PAUSE_MS = 300
"""The agent talks where it was heard within so long before, and is heard within so long after."""
_SILENT_MS = 700
"""The agent has fallen silent once nothing of it is heard for so long: the longest pause between
two sentences of the embedded agent is 620 ms."""

Flags = npt.NDArray[np.bool_]
"""Whether something is the case, by slot: bool [shape=(n_slots,)]."""


class CutOffs(NamedTuple):
    """When the agent was cut off in mid-speech, on the call's clock."""

    right_ms: list[float]
    """The caller spoke."""
    false_ms: list[float]
    """The caller was silent."""


class LetThrough(NamedTuple):
    """Some sound on the line, and how much of it was let through to the provider."""

    through_ms: float
    total_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFigures:
    """What came of one call."""

    caller_turns: int
    """Times that the caller began to speak."""
    right_barge_ins: int
    """Times that the agent was cut off in mid-speech while the caller spoke."""
    false_barge_ins: int
    """Times that the agent was cut off in mid-speech while the caller was silent."""
    pauses: int
    """Times that the agent was stopped in mid-speech and then went on."""
    yields_ms: tuple[float, ...]
    """Time from each onset of the caller over the talking agent to the agent's silence, both at the
    caller's end, so that the line's delay is included. An agent that talks on to the end of the
    call counts until there."""
    caller_lost_ratio: float | None
    """Share of the caller's speech that never reached the provider, 0..1; None without speech."""
    echo: LetThrough
    """Echo of the agent while the caller was silent."""
    noise: LetThrough
    """Noise of the caller's room while the caller was silent."""
    speech_reported: int
    """Times that the provider's turn detector reported speech."""
    speech_reported_falsely: int
    """Those of them while the caller was silent."""

    @property
    def yield_ms(self) -> float | None:
        """The median of :attr:`yields_ms`; None if the caller never spoke over the agent."""
        return median(self.yields_ms) if self.yields_ms else None


def judge_call(record: CallRecord) -> CallFigures:
    """Return the figures of a call that has ended, however early."""
    speech = spoken_slots(record)
    forwarded = forwarded_slots(record)
    echo = active_slots((slot.echo for slot in record.slots), _AUDIBLE_RMS) & ~speech
    noise = active_slots((slot.noise for slot in record.slots), _AUDIBLE_RMS) & ~speech
    cut_offs = agent_cut_offs(record)
    reported_ms = record.provider_speech_ms
    return CallFigures(
        caller_turns=len(_onsets(speech)),
        right_barge_ins=len(cut_offs.right_ms),
        false_barge_ins=len(cut_offs.false_ms),
        pauses=_count_pauses(record),
        yields_ms=tuple(_yields_ms(record, speech)),
        caller_lost_ratio=float(np.mean(~forwarded[speech])) if speech.any() else None,
        echo=_let_through(echo, forwarded),
        noise=_let_through(noise, forwarded),
        speech_reported=len(reported_ms),
        speech_reported_falsely=sum(not _is_of_caller(record, speech, t) for t in reported_ms),
    )


def agent_cut_offs(record: CallRecord) -> CutOffs:
    """Return when the agent was cut off in mid-speech, rightly and falsely."""
    speech = spoken_slots(record)
    cut_offs = CutOffs([], [])
    for entry in record.gate_events:
        if entry.event.type is GateEventType.INTERRUPTED and entry.agent_left_ms >= _MID_SPEECH_MS:
            t_ms = entry.event.t_ms
            is_right = _is_of_caller(record, speech, t_ms)
            (cut_offs.right_ms if is_right else cut_offs.false_ms).append(t_ms)
    return cut_offs


def spoken_slots(record: CallRecord) -> Flags:
    """Return in which slots the caller spoke."""
    return active_slots((slot.near_end for slot in record.slots), _SPEECH_RMS)


def forwarded_slots(record: CallRecord) -> Flags:
    """Return of which slots the capture was let through to the provider, at once or later."""
    return np.array([n in record.forwarded for n in range(len(record.slots))], np.bool_)


def active_slots(frames: Iterable[Frame], threshold_rms: float) -> Flags:
    """Return in which slots a signal reaches a level (RMS, int16 units)."""
    levels = [np.sqrt(np.mean(frame.astype(np.float64) ** 2)) for frame in frames]
    flags: Flags = np.array(levels, np.float64) >= threshold_rms
    return flags


def _is_of_caller(record: CallRecord, speech: Flags, t_ms: float) -> bool:
    """Tell whether what happened at a time can be the consequence of the caller's speech."""
    times_ms = np.array([slot.t_ms for slot in record.slots])
    is_near = (times_ms >= t_ms - _LATEST_MS) & (times_ms <= t_ms - _SOONEST_MS)
    return bool((speech & is_near).any())


def _count_pauses(record: CallRecord) -> int:
    return sum(
        entry.event.type in (GateEventType.CANDIDATE_DROPPED, GateEventType.RESUMED)
        and entry.agent_left_ms >= _MID_SPEECH_MS
        for entry in record.gate_events
    )


def _yields_ms(record: CallRecord, speech: Flags) -> list[float]:
    agent = active_slots((slot.far_end for slot in record.slots), _AUDIBLE_RMS)
    near = _TALKING_PAUSE_MS // FRAME_MS
    return [
        float((_silent_from(agent, onset) - onset) * FRAME_MS)
        for onset in _onsets(speech)
        if agent[max(0, onset - near) : onset].any() and agent[onset : onset + near].any()
    ]


def _silent_from(agent: Flags, onset: int) -> int:
    """Return the first slot from an onset on after which the agent stays silent for a while."""
    silent_from = onset
    for slot in range(onset, len(agent)):
        if agent[slot]:
            silent_from = slot + 1
        elif (slot + 1 - silent_from) * FRAME_MS >= _SILENT_MS:
            break
    return silent_from


def _onsets(speech: Flags) -> list[int]:
    """Return the slots in which the caller begins to speak."""
    spoken = np.flatnonzero(speech)
    min_distance = _TURN_PAUSE_MS // FRAME_MS + 1
    distances = np.diff(spoken, prepend=-min_distance)
    return [int(slot) for slot in spoken[distances >= min_distance]]


def _let_through(sound: Flags, forwarded: Flags) -> LetThrough:
    through_ms, total_ms = (float(np.sum(f) * FRAME_MS) for f in (sound & forwarded, sound))
    return LetThrough(through_ms, total_ms)
