"""The figures of a load run, out of what callers, server and system measured.

Invariant: pure; what was not measured is None, and never 0.
"""

from __future__ import annotations

__all__ = ["LoadFigures", "Percentiles", "UsageWindow", "compute_figures", "percentiles"]

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from .frame_log import SILENT_DIGEST, FrameColumns, MeasuredSide
from .frame_matching import CallMatch, match_call, match_positions
from .line_figures import hear_line

_LATE_MS = 20.0
_REPEATED_SAMPLES = 800
"""As much in one piece, right behind a clear, is what the client had sent before: 100 ms."""
_TAIL_MS = 1000.0
"""Frames sent in the last second of a window may still be on their way: they don't count."""


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
    core_s: float | None = None
    """Time that its core was at work, for whomever; None: it may run on any."""
    wakeups: int = 0
    """Times that its first thread began to run because there was something to do."""


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
    """Share of the time in which the engine could have run and others did, or its own threads."""
    others_share: float | None
    """Share of the time in which others than the engine had its core."""
    wakeups_per_s: float | None
    """Times per second that the engine was woken."""
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
    match = _together(_matches(callers.frames, server, ties, window_ms))
    every = np.array(match.live_ms + match.silent_ms)
    heard = hear_line(callers, server, ties, window_ms)
    counts = Counter(event.kind for event in callers.events)
    share = None if engine is None else engine.cpu_s / seconds
    return LoadFigures(
        calls=n_calls,
        seconds=seconds,
        line_to_provider=percentiles(every),
        live_to_provider=percentiles(match.live_ms),
        provider_to_line=percentiles(heard.first_ms),
        barge_in=percentiles([each for each in heard.yields_ms if each is not None]),
        late_frames=int((every > _LATE_MS).sum()),
        lost_frames=match.lost,
        uncertain_frames=match.uncertain,
        released_frames=match.released,
        line_gaps=int((heard.intervals_ms > 2 * _LATE_MS).sum()),
        line_interval=percentiles(heard.intervals_ms),
        barge_ins=len(heard.yields_ms),
        missed_barge_ins=heard.yields_ms.count(None),
        answers=heard.answers,
        self_interruptions=heard.cut,
        unanswered=counts["unanswered"],
        lost_calls=counts["lost"],
        cpu_per_call=None if share is None or not n_calls else share / n_calls,
        core_share=share,
        memory_per_call_bytes=_memory(engine, idle, n_calls),
        idle_share=None if idle is None else idle.cpu_s,
        waited_share=None if engine is None else engine.waited_s / seconds,
        others_share=_others(engine, seconds),
        wakeups_per_s=None if engine is None else engine.wakeups / seconds,
        load_share=None if load_cpu_s is None else load_cpu_s / seconds,
        caller_lag=percentiles(callers.lags_ms),
        server_lag=percentiles(server.lags_ms),
    )


def _others(engine: UsageWindow | None, seconds: float) -> float | None:
    if engine is None or engine.core_s is None:
        return None
    return max(0.0, engine.core_s - engine.cpu_s) / seconds


def _memory(engine: UsageWindow | None, idle: UsageWindow | None, n_calls: int) -> float | None:
    if engine is None or idle is None or not n_calls:
        return None
    return (engine.resident_bytes - idle.resident_bytes) / n_calls


def _together(matches: Sequence[CallMatch]) -> CallMatch:
    """Return what became of all calls' frames."""
    return CallMatch(
        live_ms=tuple(chain.from_iterable(match.live_ms for match in matches)),
        silent_ms=tuple(chain.from_iterable(match.silent_ms for match in matches)),
        uncertain=sum(match.uncertain for match in matches),
        released=sum(match.released for match in matches),
        left_out=sum(match.left_out for match in matches),
        lost=sum(match.lost for match in matches),
    )


def _matches(
    sent: FrameColumns,
    server: MeasuredSide,
    ties: Mapping[int, int],
    window_ms: tuple[float, float],
) -> list[CallMatch]:
    begin_ms, end_ms = window_ms
    sent = sent.within(-math.inf, end_ms - _TAIL_MS)
    received = server.frames.within(-math.inf, end_ms)
    pieces = _without_repeats(server).within(begin_ms, end_ms)
    counted = sent.within(begin_ms, end_ms)
    sessions: dict[int, list[int]] = {}
    for session, call in ties.items():
        sessions.setdefault(call, []).append(session)
    matches = []
    for call, its in sessions.items():
        received_ms, marks = _of(received, *its)
        sent_ms, sent_marks = _of(sent, call)
        match = match_call(sent_ms, sent_marks, received_ms, marks, begin_ms=begin_ms)
        lengths_ms, lengths = _of(pieces, *its)
        if _is_all_changed(sent_marks, marks, lengths):
            match = match_positions(_of(counted, call)[0], lengths_ms, lengths)
        matches.append(match)
    return matches


def _without_repeats(server: MeasuredSide) -> FrameColumns:
    """Return the pieces of audio but for those that a client sends anew, having cleared the buffer.

    They bring no frame that had not come before.
    """
    pieces = server.others
    counts = np.ones(len(pieces.t_ms), bool)
    for event in server.events:
        if event.kind == "cleared":
            is_next = (pieces.number == event.number) & (pieces.t_ms >= event.t_ms)
            at = int(is_next.argmax()) if is_next.any() else None
            if at is not None and pieces.mark[at] >= _REPEATED_SAMPLES:
                counts[at] = False
    return FrameColumns(
        t_ms=pieces.t_ms[counts], number=pieces.number[counts], mark=pieces.mark[counts]
    )


def _is_all_changed(sent: Sequence[int], received: Sequence[int], lengths: Sequence[int]) -> bool:
    """Return whether an engine converts the caller's audio, so that no frame is recognised.

    The server marks no frame at all where it gets another format than the telephone's.
    """
    if not received:
        return bool(lengths)
    sounds = set(received) - {SILENT_DIGEST}
    return bool(sounds) and sounds.isdisjoint(sent)


def _of(columns: FrameColumns, *numbers: int) -> tuple[list[float], list[int]]:
    """Return times and marks of a call, or of the sessions that it had one after the other."""
    its = np.isin(columns.number, numbers)
    return columns.t_ms[its].tolist(), columns.mark[its].tolist()
