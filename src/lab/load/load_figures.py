"""The figures of a load run, out of what callers, server and system measured.

Invariant: pure; what was not measured is None, and never 0.
"""

from __future__ import annotations

__all__ = ["LoadFigures", "Percentiles", "UsageWindow", "compute_figures", "percentiles"]

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from .frame_log import PLAYED_SOUND, SILENT_DIGEST, SOUND, EventRow, FrameColumns, MeasuredSide
from .frame_matching import CallMatch, match_call, match_positions

_LATE_MS = 20.0
_PAUSE_MS = 1000.0
"""A line that is sent what the agent says, and nothing else, has pauses."""
_TAIL_MS = 1000.0
"""Frames sent in the last second of a window may still be on their way: they don't count."""
_YIELD_WITHIN_MS = 2500.0
"""The agent has yielded if it is silent so long after the caller broke in."""
_SILENT_MS = 300.0
"""Silence of the agent that is no pause between words or a frame that came late."""
_CUT_AFTER_MS = 1500.0
"""Whoever began to speak so long before an answer was cut off has cut it off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Of some times, in ms; all None where there are none."""

    count: int
    p50_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageWindow:
    """What one process used in the window."""

    cpu_s: float
    waited_s: float
    """Time that it could have run and others did."""
    resident_bytes: int
    """At its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFigures:
    """One number of calls, measured for some time."""

    calls: int
    seconds: float
    line_to_provider: Percentiles
    """Frames that were let through, or replaced by silence, at once."""
    live_to_provider: Percentiles
    """Of these, frames that were let through as they came."""
    provider_to_line: Percentiles
    """First delta of an answer sent, to its first sound at the line."""
    barge_in: Percentiles
    """Caller's first frame over the agent, to the agent's last."""
    late_frames: int
    """Frames that took more than 20 ms."""
    lost_frames: int
    uncertain_frames: int
    released_frames: int
    line_gaps: int
    """Times that nothing came from the engine for more than 40 ms."""
    line_interval: Percentiles
    """Between two frames of the engine at a line."""
    barge_ins: int
    """Times that a caller broke in."""
    missed_barge_ins: int
    """Of these, times that the agent spoke on for 2.5 s."""
    answers: int
    self_interruptions: int
    """Answers that were cut off while the caller was silent."""
    unanswered: int
    lost_calls: int
    cpu_per_call: float | None
    """CPU-seconds of the engine per second of a call."""
    core_share: float | None
    """CPU-seconds of the engine per second."""
    memory_per_call_bytes: float | None
    """Resident memory beyond that without calls."""
    idle_share: float | None
    """CPU-seconds of the engine per second without calls."""
    waited_share: float | None
    """Share of the time in which the engine could have run and others did."""
    load_share: float | None
    """CPU-seconds of callers and server per second: they share a core."""
    caller_lag: Percentiles
    """How late callers sent, against their own deadlines."""
    server_lag: Percentiles
    """How late the server ran whenever it wanted to."""


def percentiles(times_ms: Sequence[float] | npt.NDArray[np.float64]) -> Percentiles:
    """Return percentiles of some times."""
    if not len(times_ms):
        return Percentiles(count=0)
    p50, p99, top = (float(value) for value in np.percentile(times_ms, [50, 99, 100]))
    return Percentiles(count=len(times_ms), p50_ms=p50, p99_ms=p99, max_ms=top)


def compute_figures(
    callers: MeasuredSide,
    server: MeasuredSide,
    ties: Mapping[int, int],
    *,
    window_ms: tuple[float, float],
    n_calls: int,
    engine: UsageWindow | None,
    idle: UsageWindow | None,
    load_cpu_s: float | None,
) -> LoadFigures:
    """Return the figures of a window.

    Args:
        callers: What the callers measured; frames from before the window show how it began.
        server: What the server measured.
        ties: Call of each session.
        window_ms: Begin and end.
        n_calls: Calls that went on all the time.
        engine: What the engine used; None: nobody can tell.
        idle: What the engine used in a second without calls.
        load_cpu_s: CPU time of callers and server.
    """
    seconds = (window_ms[1] - window_ms[0]) / 1000
    matches = _matches(callers.frames, server, ties, window_ms)
    live = np.array([each for match in matches for each in match.live_ms])
    silent = np.array([each for match in matches for each in match.silent_ms])
    every = np.concatenate([live, silent])
    sounds = _sounds(callers.others, SOUND)
    buffers = bool((callers.others.mark == PLAYED_SOUND).any())
    played = _sounds(callers.others, PLAYED_SOUND) if buffers else sounds
    answers = _answers(callers, server, ties, sounds)
    yields = _yields(callers.events, played, window_ms)
    intervals = _intervals(callers.others, window_ms)
    counts = Counter(event.kind for event in callers.events)
    share = None if engine is None else engine.cpu_s / seconds
    return LoadFigures(
        calls=n_calls,
        seconds=seconds,
        line_to_provider=percentiles(every),
        live_to_provider=percentiles(live),
        provider_to_line=percentiles(answers.first_ms),
        barge_in=percentiles([each for each in yields if each is not None]),
        late_frames=int((every > _LATE_MS).sum()),
        lost_frames=sum(match.lost for match in matches),
        uncertain_frames=sum(match.uncertain for match in matches),
        released_frames=sum(match.released for match in matches),
        line_gaps=int((intervals > 2 * _LATE_MS).sum()),
        line_interval=percentiles(intervals),
        barge_ins=len(yields),
        missed_barge_ins=yields.count(None),
        answers=answers.count,
        self_interruptions=answers.cut,
        unanswered=counts["unanswered"],
        lost_calls=counts["lost"],
        cpu_per_call=None if share is None or not n_calls else share / n_calls,
        core_share=share,
        memory_per_call_bytes=_memory(engine, idle, n_calls),
        idle_share=None if idle is None else idle.cpu_s,
        waited_share=None if engine is None else engine.waited_s / seconds,
        load_share=None if load_cpu_s is None else load_cpu_s / seconds,
        caller_lag=percentiles(callers.lags_ms),
        server_lag=percentiles(server.lags_ms),
    )


def _memory(engine: UsageWindow | None, idle: UsageWindow | None, n_calls: int) -> float | None:
    if engine is None or idle is None or not n_calls:
        return None
    return (engine.resident_bytes - idle.resident_bytes) / n_calls


def _matches(
    sent: FrameColumns,
    server: MeasuredSide,
    ties: Mapping[int, int],
    window_ms: tuple[float, float],
) -> list[CallMatch]:
    begin_ms, end_ms = window_ms
    sent = sent.within(-math.inf, end_ms - _TAIL_MS)
    received = server.frames.within(-math.inf, end_ms)
    pieces = server.others.within(begin_ms, end_ms)
    counted = sent.within(begin_ms, end_ms)
    sessions: dict[int, list[int]] = {}
    for session, call in ties.items():
        sessions.setdefault(call, []).append(session)
    matches = []
    for call, its in sessions.items():
        received_ms, marks = _of(received, *its)
        sent_ms, sent_marks = _of(sent, call)
        match = match_call(sent_ms, sent_marks, received_ms, marks, begin_ms=begin_ms)
        has_sound = set(marks) - {SILENT_DIGEST}
        if has_sound and not has_sound & set(sent_marks):  # the engine changes all of it
            placed = match_positions(_of(counted, call)[0], *_of(pieces, *its))
            match = replace(placed, lost=match.lost)
        matches.append(match)
    return matches


def _of(columns: FrameColumns, *numbers: int) -> tuple[list[float], list[int]]:
    """Return times and marks of a call, or of the sessions that it had one after the other."""
    its = np.isin(columns.number, numbers)
    return columns.t_ms[its].tolist(), columns.mark[its].tolist()


# -- what callers heard ----------------------------------------------------------------------------

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
    return [wait_ms] if wait_ms < _TAIL_MS else []


def _spoke(spoken_ms: Sequence[float], cut_ms: float) -> bool:
    return any(cut_ms - _CUT_AFTER_MS <= t_ms <= cut_ms for t_ms in spoken_ms)
