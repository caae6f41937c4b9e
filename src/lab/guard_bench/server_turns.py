"""Judges the turns that a provider's server found on a line by the turns that the caller took.

Pure arithmetic on the line's clock. Invariant: a turn whose end can't be told, since the caller or
the line goes on too soon, is not judged.
"""

from __future__ import annotations

__all__ = [
    "ALLOWANCE_MS",
    "CallerTurn",
    "HeardTurns",
    "ServerWord",
    "TurnVerdict",
    "caller_turns",
    "judge_turns",
    "onset_ms",
]

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from ..evaluate.intervals import Interval, complement, merged, total_ms, widened

ALLOWANCE_MS = 300.0
"""Time that a turn may take to end on top of the server's own silence."""

_HEARD_LATE_MS = 500.0
"""A short word may be over before the server says that it began: by its own window of 120 ms, and
what the gate takes to let the word out."""
_BEFORE_MS = 60.0
"""A start that much before the mark belongs to it: marks are of clean frames."""
_ONSET_WITHIN_MS = 1000.0
_SHORTEST_SPEECH_MS = 200.0
"""Of a turn, to be judged: what is shorter is a click of the tongue."""
_APART_MS = 1500.0
"""Pause before a turn after which gate and server are at rest."""


@dataclass(frozen=True, slots=True)
class ServerWord:
    """The server said that speech has started or stopped."""

    t_ms: float
    """When, on the line's clock."""
    is_start: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerTurn:
    """What the caller says without a pause that ends a turn."""

    start_ms: float
    end_ms: float
    speech_ms: float
    """Without the pauses."""
    until_ms: float
    """When the caller goes on to speak, or the line ends."""
    silent_before_ms: float
    """Time without speech before it."""


class TurnVerdict(Enum):
    """What became of a caller's turn."""

    IN_TIME = "in_time"
    LATE = "late"
    OPEN = "open"
    """No end came before the caller spoke again, or the line ended."""
    UNHEARD = "unheard"


@dataclass(slots=True)
class HeardTurns:
    """What a server made of some lines."""

    turns: dict[TurnVerdict, int] = field(default_factory=lambda: dict.fromkeys(TurnVerdict, 0))
    split: int = 0
    """Turns that the server took for over while the caller was speaking."""
    false_starts: int = 0
    """Turns of the server's in which nobody spoke."""
    idle_ms: float = 0.0
    """Time in which nobody spoke."""
    stop_delays_ms: list[float] = field(default_factory=list)
    """From the end of each turn to the server's word, where it came."""
    line_ms: float = 0.0
    sent_ms: float = 0.0
    """Audio sent, silence included."""
    sound_ms: float = 0.0
    """Audio of the line sent."""

    @property
    def judged(self) -> int:
        """Turns that were judged."""
        return sum(self.turns.values())

    @property
    def false_starts_per_minute(self) -> float | None:
        """In time in which nobody spoke; None without such time."""
        return self.false_starts / (self.idle_ms / 60_000) if self.idle_ms else None

    def add(self, other: HeardTurns) -> None:
        """Add what a server made of other lines."""
        for verdict, count in other.turns.items():
            self.turns[verdict] += count
        self.split += other.split
        self.false_starts += other.false_starts
        self.idle_ms += other.idle_ms
        self.stop_delays_ms += other.stop_delays_ms
        self.line_ms += other.line_ms
        self.sent_ms += other.sent_ms
        self.sound_ms += other.sound_ms


def caller_turns(
    speech: Sequence[Interval], line_ms: float, silence_ms: float
) -> tuple[CallerTurn, ...]:
    """Return the caller's turns: utterances with pauses shorter than the server's silence are one.

    Args:
        speech: The caller's speech, by the clean track.
        line_ms: Length of the line.
        silence_ms: The server's ``silence_duration_ms``.
    """
    spoken = merged(speech)
    spans = merged(spoken, max_gap_ms=silence_ms)
    followers = (*(start for start, _ in spans[1:]), line_ms)
    leaders = (0.0, *(end for _, end in spans))
    return tuple(
        CallerTurn(
            start_ms=start,
            end_ms=end,
            speech_ms=sum(e - s for s, e in spoken if start <= s < end),
            until_ms=until,
            silent_before_ms=start - before,
        )
        for (start, end), until, before in zip(spans, followers, leaders, strict=False)
    )


def judge_turns(
    turns: Sequence[CallerTurn], words: Sequence[ServerWord], line_ms: float, silence_ms: float
) -> HeardTurns:
    """Judge what a server said of one line.

    Args:
        turns: The caller's.
        words: The server's, in the order of time.
        line_ms: Length of the line.
        silence_ms: The server's ``silence_duration_ms``.
    """
    heard = HeardTurns(line_ms=line_ms)
    limit_ms = silence_ms + ALLOWANCE_MS
    for turn in turns:
        if turn.until_ms - turn.end_ms < limit_ms or turn.speech_ms < _SHORTEST_SPEECH_MS:
            continue
        heard.split += _is_split(turn, words)
        verdict, delay_ms = _judge(turn, words, limit_ms)
        heard.turns[verdict] += 1
        if delay_ms is not None:
            heard.stop_delays_ms.append(delay_ms)
    spans = ((turn.start_ms, turn.end_ms) for turn in turns)
    near = widened(spans, before_ms=_BEFORE_MS, after_ms=_HEARD_LATE_MS)
    heard.idle_ms = total_ms(complement(near, line_ms))
    starts = [word.t_ms for word in words if word.is_start]
    heard.false_starts = sum(not any(s <= t_ms <= e for s, e in near) for t_ms in starts)
    return heard


def onset_ms(turn: CallerTurn, words: Sequence[ServerWord]) -> float | None:
    """Return how long after a turn's onset its start was said.

    None if it was not, if the server was in a turn already, or if the turn follows another so soon
    that it may go on with it.
    """
    is_first = turn.start_ms == turn.silent_before_ms
    if turn.silent_before_ms < _APART_MS and not is_first:
        return None
    if _is_open(words, turn.start_ms - _BEFORE_MS):
        return None
    delays = (word.t_ms - turn.start_ms for word in words if word.is_start)
    return next((d for d in delays if -_BEFORE_MS <= d <= _ONSET_WITHIN_MS), None)


def _judge(
    turn: CallerTurn, words: Sequence[ServerWord], limit_ms: float
) -> tuple[TurnVerdict, float | None]:
    opened_ms: float | None = turn.end_ms
    if not _is_open(words, turn.end_ms):
        started = [word.t_ms for word in words if word.is_start]
        if any(turn.start_ms - _BEFORE_MS <= t_ms <= turn.end_ms for t_ms in started):
            return TurnVerdict.IN_TIME, None  # over before the caller was: split, not late
        late_ms = min(turn.end_ms + _HEARD_LATE_MS, turn.until_ms)
        opened_ms = next((t_ms for t_ms in started if turn.end_ms < t_ms <= late_ms), None)
    if opened_ms is None:
        return TurnVerdict.UNHEARD, None
    stops = (word.t_ms for word in words if not word.is_start and word.t_ms > opened_ms)
    stop_ms = next(stops, None)
    if stop_ms is None or stop_ms > turn.until_ms:
        return TurnVerdict.OPEN, None
    delay_ms = stop_ms - turn.end_ms
    return (TurnVerdict.IN_TIME if delay_ms <= limit_ms else TurnVerdict.LATE), delay_ms


def _is_split(turn: CallerTurn, words: Sequence[ServerWord]) -> bool:
    return any(not word.is_start and turn.start_ms < word.t_ms <= turn.end_ms for word in words)


def _is_open(words: Sequence[ServerWord], t_ms: float) -> bool:
    """Return whether the server was in a turn at a time."""
    before = [word for word in words if word.t_ms <= t_ms]
    return bool(before) and before[-1].is_start
