"""Judges what a gate did on one recording by what is known of it: who spoke when.

Pure arithmetic on stream time. Invariant: a share of nothing is zero of zero, not a ratio.
"""

from __future__ import annotations

__all__ = ["AudioShare", "CallTruth", "CallVerdict", "judge_call"]

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ...core.gate_decision import GateEvent
from .intervals import Interval, complement, intersection, merged, total_ms, widened
from .pauses import PlayoutPause, playout_pauses
from .turns import TAIL_MS, UTTERANCE_PAUSE_MS, TurnVerdict, judge_turn

_PREROLL_MS = 500.0
"""Audio that may go out with an onset: the 25 held chunks."""

_HANGOVER_MS = 1000.0
"""Time after speech in which audio may go out: a provider needs it to hear that the turn ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTruth:
    """What is known of a recording."""

    duration_ms: float
    agent_speaking: Sequence[Interval]
    """When agent audio was played."""
    caller_speech: Sequence[Interval]
    """When the caller spoke."""


@dataclass(frozen=True, slots=True)
class AudioShare:
    """A part of some audio, both in ms."""

    part_ms: float = 0.0
    of_ms: float = 0.0

    @property
    def percent(self) -> float | None:
        """The part in %; None of nothing."""
        return 100.0 * self.part_ms / self.of_ms if self.of_ms else None

    def __add__(self, other: AudioShare) -> AudioShare:
        """Return the share of both audios together."""
        return AudioShare(self.part_ms + other.part_ms, self.of_ms + other.of_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallVerdict:
    """One recording."""

    duration_ms: float
    turns: tuple[TurnVerdict, ...]
    barge_ins: int
    """Commitments in all, in agent turns or not."""
    speech_lost: AudioShare
    """Caller speech that never reached the provider."""
    speech_lost_over_agent: AudioShare
    """The same of what began in an agent turn."""
    speech_lost_in_barge_ins: AudioShare
    """The same of callers who were let in: from the onset to the end of their turn."""
    non_speech_forwarded: AudioShare
    """Audio without caller speech that reached the provider."""
    idle_forwarded: AudioShare
    """The same, 500 ms before and 1,000 ms after caller speech left out."""
    echo_forwarded: AudioShare
    """Audio of agent turns without caller speech that reached the provider."""


def judge_call(
    truth: CallTruth, events: Sequence[GateEvent], forwarded: Sequence[Interval]
) -> CallVerdict:
    """Judge one recording.

    Args:
        truth: Who spoke when.
        events: The gate's, in the order of time.
        forwarded: What of the capture reached the provider.
    """
    speech = merged(truth.caller_speech)
    turns = merged(truth.agent_speaking, max_gap_ms=TAIL_MS)
    pauses = playout_pauses(events, end_ms=truth.duration_ms)
    verdicts = _judge_turns(turns, merged(speech, max_gap_ms=UTTERANCE_PAUSE_MS), pauses)
    non_speech = complement(speech, truth.duration_ms)
    near_speech = widened(speech, before_ms=_PREROLL_MS, after_ms=_HANGOVER_MS)
    idle = complement(near_speech, truth.duration_ms)
    return CallVerdict(
        duration_ms=truth.duration_ms,
        turns=verdicts,
        barge_ins=sum(pause.committed_ms is not None for pause in pauses),
        speech_lost=_lost(speech, forwarded),
        speech_lost_over_agent=_lost(_speech_over_agent(speech, turns), forwarded),
        speech_lost_in_barge_ins=_lost(_speech_of_barge_ins(speech, verdicts), forwarded),
        non_speech_forwarded=_forwarded(non_speech, forwarded),
        idle_forwarded=_forwarded(idle, forwarded),
        echo_forwarded=_forwarded(_turns_without_caller(turns, speech), forwarded),
    )


def _judge_turns(
    turns: Sequence[Interval], utterances: Sequence[Interval], pauses: Sequence[PlayoutPause]
) -> tuple[TurnVerdict, ...]:
    verdicts = (
        judge_turn(turn, next_turn_ms=following[0], utterances=utterances, pauses=pauses)
        for turn, following in pairwise([*turns, (math.inf, math.inf)])
    )
    return tuple(verdict for verdict in verdicts if verdict is not None)


def _speech_over_agent(
    speech: Iterable[Interval], turns: Sequence[Interval]
) -> tuple[Interval, ...]:
    """Return the utterances that began in an agent turn, pauses within them left out."""
    over_agent = (
        utterance
        for utterance in merged(speech, max_gap_ms=UTTERANCE_PAUSE_MS)
        if any(start <= utterance[0] < end for start, end in turns)
    )
    return intersection(over_agent, speech)


def _speech_of_barge_ins(
    speech: Iterable[Interval], verdicts: Iterable[TurnVerdict]
) -> tuple[Interval, ...]:
    """Return what callers say who were let in, from the onset until they are silent for 700 ms."""
    onsets_ms = [turn.onset_ms for turn in verdicts if turn.right_ms is not None]
    caller_turns = (
        (onset_ms, end_ms)
        for start_ms, end_ms in merged(speech, max_gap_ms=TAIL_MS)
        for onset_ms in onsets_ms
        if onset_ms is not None and start_ms <= onset_ms < end_ms
    )
    return intersection(caller_turns, speech)


def _turns_without_caller(
    turns: Iterable[Interval], speech: Iterable[Interval]
) -> tuple[Interval, ...]:
    """Return the agent turns in which, tail included, the caller says nothing."""
    with_tail = ((start, end + TAIL_MS) for start, end in turns)
    return tuple(
        (start, end - TAIL_MS)
        for start, end in with_tail
        if not intersection([(start, end)], speech)
    )


def _forwarded(audio: Sequence[Interval], forwarded: Sequence[Interval]) -> AudioShare:
    return AudioShare(total_ms(intersection(audio, forwarded)), total_ms(audio))


def _lost(speech: Sequence[Interval], forwarded: Sequence[Interval]) -> AudioShare:
    kept = _forwarded(speech, forwarded)
    return AudioShare(kept.of_ms - kept.part_ms, kept.of_ms)
