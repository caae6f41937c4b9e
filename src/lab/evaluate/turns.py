"""Judges one agent turn: was the caller let in, in time, and nobody else?

Invariant: a turn has one interruption at most, and of its commitments each is one of right, false,
stray or neither.
"""

from __future__ import annotations

__all__ = ["EARLIEST_MS", "LATEST_MS", "TAIL_MS", "UTTERANCE_PAUSE_MS", "TurnVerdict", "judge_turn"]

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .intervals import Interval
from .pauses import PlayoutPause

EARLIEST_MS = -20.0
"""A commitment may lie so long before the labelled onset: labels are good to a frame."""

LATEST_MS = 1000.0
"""A commitment later than so long after the onset is a miss: the caller has long noticed."""

TAIL_MS = 700.0
"""The agent's echo may come back for so long after its turn. Also: stretches of agent audio less
than this apart are one turn, and a caller silent for so long has ended the turn."""

UTTERANCE_PAUSE_MS = 300.0
"""Labelled speech less than this apart is one utterance: a pause within it holds no onset."""

_STRAY_AFTER_MS = 1000.0
"""A commitment further from all caller speech than this has nothing to do with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnVerdict:
    """One agent turn; times are stream time in ms."""

    judged: Interval
    """The turn; where the caller was talking when it began, what was left of it after that."""
    onset_ms: float | None
    """When the caller interrupted it; None if nobody did."""
    right_ms: float | None = None
    """The commitment that took the interruption up in time."""
    right_pause_ms: float | None = None
    """When playout was paused for it."""
    false_ms: tuple[float, ...] = ()
    """Commitments without caller speech, or before it."""
    needless_pause_ms: tuple[float, ...] = ()
    """Pauses of playout without caller speech, or before it."""
    needless_delays_ms: tuple[float, ...] = ()
    """How much longer the agent's turn takes for each of them that did not cut it off."""
    stray_ms: tuple[float, ...] = ()
    """Commitments after the caller has spoken, and long after the caller's last word."""

    @property
    def open_latency_ms(self) -> float | None:
        """Time from the caller's onset to the opening of the gate; -20 to 1,000."""
        if self.right_ms is None or self.onset_ms is None:
            return None
        return self.right_ms - self.onset_ms

    @property
    def pause_latency_ms(self) -> float | None:
        """Time from the caller's onset to the pause of playout; one in force already counts -20."""
        if self.right_pause_ms is None or self.onset_ms is None:
            return None
        return max(self.right_pause_ms - self.onset_ms, EARLIEST_MS)


def judge_turn(
    turn: Interval,
    *,
    next_turn_ms: float,
    utterances: Sequence[Interval],
    pauses: Sequence[PlayoutPause],
) -> TurnVerdict | None:
    """Judge one agent turn.

    Args:
        turn: When agent audio was played.
        next_turn_ms: Start of the next one; infinite if there is none.
        utterances: All that the caller said on the call, sorted.
        pauses: All that the gate did on the call.

    Returns:
        The verdict, or None if the caller talked all through the turn: there is nothing to judge.
    """
    start_ms, end_ms = _judged_from(turn[0], utterances), turn[1]
    if start_ms >= end_ms:
        return None
    tail_end_ms = end_ms + TAIL_MS
    onset_ms = next((start for start, _ in utterances if start_ms <= start < tail_end_ms), None)
    bar_ms = math.inf if onset_ms is None else onset_ms + EARLIEST_MS
    committed_ms = _within(start_ms, tail_end_ms, (pause.committed_ms for pause in pauses))
    false_ms = tuple(t_ms for t_ms in committed_ms if t_ms < bar_ms)
    needless = [p for p in pauses if start_ms < p.start_ms <= tail_end_ms and p.start_ms < bar_ms]
    is_interrupted = onset_ms is not None and onset_ms < end_ms
    right = None
    if is_interrupted and not false_ms:
        latest_ms = min(bar_ms - EARLIEST_MS + LATEST_MS, next_turn_ms)
        right = _first_commitment(pauses, bar_ms, latest_ms)
    right_ms = None if right is None else right.committed_ms
    return TurnVerdict(
        judged=(start_ms, end_ms),
        onset_ms=onset_ms if is_interrupted else None,
        right_ms=right_ms,
        right_pause_ms=None if right is None else right.start_ms,
        false_ms=false_ms,
        needless_pause_ms=tuple(pause.start_ms for pause in needless),
        needless_delays_ms=tuple(
            pause.delay_ms for pause in needless if pause.delay_ms and pause.start_ms < end_ms
        ),
        stray_ms=tuple(
            t_ms
            for t_ms in committed_ms
            if t_ms >= bar_ms and t_ms != right_ms and not _is_near(t_ms, utterances)
        ),
    )


def _judged_from(turn_start_ms: float, utterances: Sequence[Interval]) -> float:
    """Return the turn's start, or when a caller who talks over that has let go of the turn.

    The gate is open to such a caller and stays so until the caller's turn ends: nothing is to be
    committed there, and nothing there is an interruption of the agent.
    """
    talking_until_ms = -math.inf
    for start_ms, end_ms in utterances:
        is_over_start = start_ms < turn_start_ms < end_ms
        if is_over_start or start_ms < talking_until_ms + TAIL_MS:
            talking_until_ms = end_ms
    return max(turn_start_ms, talking_until_ms + TAIL_MS)


def _within(after_ms: float, until_ms: float, times_ms: Iterable[float | None]) -> list[float]:
    """Return the times in (after, until]: a frame that ends with a start was captured before it."""
    return [t_ms for t_ms in times_ms if t_ms is not None and after_ms < t_ms <= until_ms]


def _first_commitment(
    pauses: Sequence[PlayoutPause], from_ms: float, until_ms: float
) -> PlayoutPause | None:
    """Return the first pause committed from ``from_ms`` on, if not later than ``until_ms``."""
    for pause in pauses:
        if pause.committed_ms is not None and pause.committed_ms >= from_ms:
            return pause if pause.committed_ms <= until_ms else None
    return None


def _is_near(t_ms: float, utterances: Sequence[Interval]) -> bool:
    return any(
        start_ms + EARLIEST_MS <= t_ms <= end_ms + _STRAY_AFTER_MS
        for start_ms, end_ms in utterances
    )
