"""What the callers of a load run heard: answers, gaps, and how fast the agent fell silent.

Invariant: pure; an answer that was never heard has no time, and none is made up for it.
"""

from __future__ import annotations

__all__ = ["HeardLine", "hear_line"]

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from .frame_log import PLAYED_SOUND, SOUND, EventRow, FrameColumns, MeasuredSide

_PAUSE_MS = 1000.0
"""A line that is sent what the agent says, and nothing else, has pauses."""
_FIRST_SOUND_MS = 1000.0
"""An answer that is not heard for longer was not played."""
_YIELD_WITHIN_MS = 2500.0
"""The agent has yielded if it is silent so long after the caller broke in."""
_SILENT_MS = 300.0
"""Silence of the agent that is no pause between words or a frame that came late."""
_CUT_AFTER_MS = 1500.0
"""Whoever began to speak so long before an answer was cut off has cut it off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardLine:
    """What came of all calls at their lines."""

    answers: int
    cut: int
    """Answers that were cut off while the caller was silent."""
    first_ms: tuple[float, ...]
    """First delta of an answer sent, to its first sound at the line."""
    yields_ms: tuple[float | None, ...]
    """After how long the agent fell silent, each time that a caller broke in; None: it did not."""
    intervals_ms: npt.NDArray[np.float64]
    """Between two frames at a line."""


def hear_line(
    callers: MeasuredSide,
    server: MeasuredSide,
    ties: Mapping[int, int],
    window_ms: tuple[float, float],
) -> HeardLine:
    """Return what the callers heard.

    Args:
        callers: What the callers measured.
        server: What the server measured.
        ties: Call of each session.
        window_ms: Begin and end.
    """
    sounds = _sounds(callers.others, SOUND)
    buffers = bool((callers.others.mark == PLAYED_SOUND).any())
    played = _sounds(callers.others, PLAYED_SOUND) if buffers else sounds
    answers = _answers(callers, server, ties, sounds)
    return HeardLine(
        answers=answers.count,
        cut=answers.cut,
        first_ms=tuple(answers.first_ms),
        yields_ms=tuple(_yields(callers.events, played, window_ms)),
        intervals_ms=_intervals(callers.others, window_ms),
    )


Sounds = Mapping[int, npt.NDArray[np.float64]]
"""When each call's line brought a frame with sound."""


def _sounds(received: FrameColumns, mark: int) -> Sounds:
    is_one = received.mark == mark
    calls = np.unique(received.number)
    return {int(call): received.t_ms[(received.number == call) & is_one] for call in calls}


def _intervals(received: FrameColumns, window_ms: tuple[float, float]) -> npt.NDArray[np.float64]:
    frames = received.within(*window_ms)
    has_come = frames.mark != PLAYED_SOUND
    calls = np.unique(frames.number)
    parts = [np.diff(frames.t_ms[has_come & (frames.number == call)]) for call in calls]
    intervals = np.concatenate([np.zeros(0), *parts])
    return intervals[intervals < _PAUSE_MS]


def _yields(
    events: Iterable[EventRow], sounds: Sounds, window_ms: tuple[float, float]
) -> list[float | None]:
    """Return after how long the agent fell silent, each time that a caller broke in."""
    yields: list[float | None] = []
    for event in events:
        is_observed = window_ms[0] <= event.t_ms < window_ms[1] - _YIELD_WITHIN_MS - _SILENT_MS
        if event.kind == "interrupts" and is_observed:
            yields.append(_yield(sounds.get(event.number, np.zeros(0)), event.t_ms))
    return yields


def _yield(sounds_ms: npt.NDArray[np.float64], onset_ms: float) -> float | None:
    at = int(np.searchsorted(sounds_ms, onset_ms))
    last_ms = onset_ms
    for t_ms in sounds_ms[at:].tolist():
        if t_ms - last_ms > _SILENT_MS:
            break
        last_ms = t_ms
    return last_ms - onset_ms if last_ms - onset_ms <= _YIELD_WITHIN_MS else None


@dataclass(frozen=True, slots=True)
class _Answers:
    count: int
    cut: int
    first_ms: list[float]


def _answers(
    callers: MeasuredSide, server: MeasuredSide, ties: Mapping[int, int], sounds: Sounds
) -> _Answers:
    """Follow each answer from the server's first delta to where it was cut off, if it was."""
    spoken: dict[int, list[float]] = {}
    for event in callers.events:
        if event.kind in ("asks", "interrupts"):
            spoken.setdefault(event.number, []).append(event.t_ms)
    count, cut, first_ms = 0, 0, []
    for session, events in _by_session(server.events).items():
        call = ties.get(session)
        if call is None:
            continue
        answers = [event for event in events if event.kind == "answer"]
        count += len(answers)
        for answer in answers:
            first_ms += _first_sound(sounds.get(call, np.zeros(0)), answer.t_ms)
        for before, event in pairwise(events):
            if (before.kind, event.kind) == ("answer", "truncated"):
                cut += not _spoke(spoken.get(call, []), event.t_ms)
    return _Answers(count, cut, first_ms)


def _by_session(events: Iterable[EventRow]) -> Mapping[int, list[EventRow]]:
    sessions: dict[int, list[EventRow]] = {}
    for event in events:
        if event.kind in ("answer", "truncated"):
            sessions.setdefault(event.number, []).append(event)
    return sessions


def _first_sound(sounds_ms: npt.NDArray[np.float64], sent_ms: float) -> list[float]:
    """Return how long after its first delta an answer was heard; nothing where it was not."""
    at = int(np.searchsorted(sounds_ms, sent_ms))
    was_silent = at == 0 or sent_ms - sounds_ms[at - 1] > _SILENT_MS
    if at == len(sounds_ms) or not was_silent:
        return []
    wait_ms = float(sounds_ms[at] - sent_ms)
    return [wait_ms] if wait_ms < _FIRST_SOUND_MS else []


def _spoke(spoken_ms: Sequence[float], cut_ms: float) -> bool:
    return any(cut_ms - _CUT_AFTER_MS <= t_ms <= cut_ms for t_ms in spoken_ms)
