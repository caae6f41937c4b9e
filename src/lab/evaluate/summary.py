"""Adds verdicts up: shares with their Wilson intervals, latencies, audio lost and let through.

Invariant: a figure that nothing was measured for is None, not zero.
"""

from __future__ import annotations

__all__ = ["Delays", "Figures", "Latency", "Mistakes", "Share", "figures_by_tag", "figures_of"]

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .evaluation import EvaluatedRow
from .judge import AudioShare, CallVerdict
from .turns import TurnVerdict
from .wilson import wilson_interval


@dataclass(frozen=True, slots=True)
class Share:
    """How many of some trials turned out so."""

    count: int
    of: int

    @property
    def percent(self) -> float | None:
        """The share in %; None without trials."""
        return 100.0 * self.count / self.of if self.of else None

    @property
    def wilson_95_percent(self) -> tuple[float, float] | None:
        """The 95 % Wilson interval in %; None without trials."""
        if not self.of:
            return None
        low, high = wilson_interval(self.count, self.of)
        return 100.0 * low, 100.0 * high


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Times from the caller's onset on, in ms; None if there are none."""

    count: int
    p50_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistakes:
    """What a gate did over the agent without the caller's doing."""

    count: int
    turns: Share
    """Agent turns in which it happened, once or more."""
    per_agent_minute: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """How long pauses were that playout went on after, in ms; None if there are none."""

    count: int
    total_ms: float
    p50_ms: float | None
    per_agent_minute_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What came of some recordings."""

    rows: int
    rows_passed_through: int
    """Rows of providers that are not gated; none of the figures below is about them."""
    duration_ms: float
    agent_turns: int
    agent_minutes: float
    barge_ins: int
    """Commitments in all: right, false, stray, and those of callers who were heard already."""
    recall: Share
    """Right barge-ins, of all interruptions."""
    open_latency: Latency
    """Of right barge-ins: from the caller's onset until the gate opened."""
    pause_latency: Latency
    """Of right barge-ins: from the caller's onset until playout was paused."""
    false_barge_ins: Mistakes
    needless_pauses: Mistakes
    needless_delays: Delays
    """By how much these pauses make the agent later."""
    stray_barge_ins: int
    speech_lost: AudioShare
    speech_lost_over_agent: AudioShare
    speech_lost_in_barge_ins: AudioShare
    non_speech_forwarded: AudioShare
    idle_forwarded: AudioShare
    echo_forwarded: AudioShare


def figures_of(rows: Sequence[EvaluatedRow]) -> Figures:
    """Return the figures of some rows."""
    verdicts = [row.verdict for row in rows if row.is_gated]
    turns = [turn for verdict in verdicts for turn in verdict.turns]
    agent_minutes = sum(turn.judged[1] - turn.judged[0] for turn in turns) / 60_000
    interrupted = [turn for turn in turns if turn.onset_ms is not None]
    return Figures(
        rows=len(rows),
        rows_passed_through=len(rows) - len(verdicts),
        duration_ms=sum(verdict.duration_ms for verdict in verdicts),
        agent_turns=len(turns),
        agent_minutes=agent_minutes,
        barge_ins=sum(verdict.barge_ins for verdict in verdicts),
        recall=Share(sum(turn.right_ms is not None for turn in turns), len(interrupted)),
        open_latency=_latency(turn.open_latency_ms for turn in turns),
        pause_latency=_latency(turn.pause_latency_ms for turn in turns),
        false_barge_ins=_mistakes(turns, agent_minutes, lambda turn: turn.false_ms),
        needless_pauses=_mistakes(turns, agent_minutes, lambda turn: turn.needless_pause_ms),
        needless_delays=_delays(turns, agent_minutes),
        stray_barge_ins=sum(len(turn.stray_ms) for turn in turns),
        speech_lost=_added(verdicts, lambda verdict: verdict.speech_lost),
        speech_lost_over_agent=_added(verdicts, lambda verdict: verdict.speech_lost_over_agent),
        speech_lost_in_barge_ins=_added(verdicts, lambda verdict: verdict.speech_lost_in_barge_ins),
        non_speech_forwarded=_added(verdicts, lambda verdict: verdict.non_speech_forwarded),
        idle_forwarded=_added(verdicts, lambda verdict: verdict.idle_forwarded),
        echo_forwarded=_added(verdicts, lambda verdict: verdict.echo_forwarded),
    )


def figures_by_tag(rows: Sequence[EvaluatedRow]) -> dict[str, dict[str, Figures]]:
    """Return the figures of the rows with each value of each tag: tags by name, numbers by size."""
    grouped: defaultdict[str, defaultdict[str, list[EvaluatedRow]]]
    grouped = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for tag, value in row.row.tags.items():
            grouped[tag][value].append(row)
    return {tag: _figures_by_value(grouped[tag]) for tag in sorted(grouped)}


def _figures_by_value(rows: Mapping[str, Sequence[EvaluatedRow]]) -> dict[str, Figures]:
    return {value: figures_of(rows[value]) for value in sorted(rows, key=_by_size)}


def _by_size(value: str) -> tuple[bool, float, str]:
    is_number = re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", value) is not None
    return not is_number, float(value) if is_number else 0.0, value


def _mistakes(
    turns: Sequence[TurnVerdict],
    agent_minutes: float,
    times_ms: Callable[[TurnVerdict], Sequence[float]],
) -> Mistakes:
    count = sum(len(times_ms(turn)) for turn in turns)
    return Mistakes(
        count=count,
        turns=Share(sum(bool(times_ms(turn)) for turn in turns), len(turns)),
        per_agent_minute=count / agent_minutes if agent_minutes else None,
    )


def _delays(turns: Sequence[TurnVerdict], agent_minutes: float) -> Delays:
    delays_ms = [delay_ms for turn in turns for delay_ms in turn.needless_delays_ms]
    total_ms = float(sum(delays_ms))
    return Delays(
        count=len(delays_ms),
        total_ms=total_ms,
        p50_ms=float(np.median(delays_ms)) if delays_ms else None,
        per_agent_minute_ms=total_ms / agent_minutes if agent_minutes else None,
    )


def _latency(latencies_ms: Iterable[float | None]) -> Latency:
    known = [latency for latency in latencies_ms if latency is not None]
    p50, p95 = np.percentile(known, [50, 95]) if known else (None, None)
    return Latency(
        count=len(known),
        p50_ms=None if p50 is None else float(p50),
        p95_ms=None if p95 is None else float(p95),
    )


def _added(
    verdicts: Iterable[CallVerdict], share_of: Callable[[CallVerdict], AudioShare]
) -> AudioShare:
    return sum((share_of(verdict) for verdict in verdicts), AudioShare())
