"""Which frame of a caller became which audio at the server, and how much later.

A gate replaces frames by silence one for one, releases held ones later, and now and then leaves out
a silence to take back what it released. So frames are recognised by their content where they were
let through as they came, and by counting what lies between two that were. Invariant: a frame whose
time is not certain is counted as such and has no latency.
"""

from __future__ import annotations

__all__ = ["CallMatch", "match_call", "match_positions", "tie_in_order", "tie_sessions"]

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...core.audio import FRAME_MS
from .frame_log import SILENT_DIGEST, EventRow, FrameColumns

_FRAME_SAMPLES = 160
_LONGEST_MS = 5000.0
"""What comes later than this is not looked for."""
_BURST_MS = 5.0
"""Frames that are released go out at once, with the one that released them."""
_HOLE_MS = 30.0
"""Where nothing comes for longer, nothing came for a frame; or it came late, with the next."""
_STALL_MS = 50.0
"""Where nothing came for longer, a slot and one that was left out, the engine has stalled."""
_TAKEN_BACK_FRAMES = 50
"""A gate takes back what it released once it has been silent for so long: 1 s."""
_TAIL_MS = 40.0
"""What is still on its way at the end may take so much longer than anything before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMatch:
    """What became of one call's frames."""

    live_ms: tuple[float, ...] = ()
    """Latencies of frames that were let through at once."""
    silent_ms: tuple[float, ...] = ()
    """Latencies of silence, and of changed audio, in place of a frame; where they are certain."""
    uncertain: int = 0
    """Frames that the server got something for, it is not certain when."""
    released: int = 0
    """Frames that were held, and released when the caller proved to speak."""
    left_out: int = 0
    """Silence that was left out to take back what was released."""
    lost: int = 0
    """Frames that nothing came for."""


def tie_sessions(sent: FrameColumns, received: FrameColumns) -> dict[int, int]:
    """Return which call each session belongs to, by what both have in common.

    Args:
        sent: By the callers.
        received: By the server.
    """
    order = np.argsort(sent.mark, kind="stable")
    marks, calls, times = sent.mark[order], sent.number[order], sent.t_ms[order]
    heard = received.mark != SILENT_DIGEST
    digests, sessions, heard_ms = (
        column[heard] for column in (received.mark, received.number, received.t_ms)
    )
    at = np.minimum(np.searchsorted(marks, digests), max(0, len(marks) - 1))
    if not len(marks):
        return {}
    delay_ms = heard_ms - times[at]
    fits = (marks[at] == digests) & (delay_ms >= 0) & (delay_ms < _LONGEST_MS)
    ties = {}
    for session in np.unique(sessions[fits]):
        votes = np.bincount(calls[at][fits & (sessions == session)])
        ties[int(session)] = int(votes.argmax())
    return ties


def tie_in_order(
    calls: Sequence[EventRow], sessions: Sequence[EventRow], ties: Mapping[int, int]
) -> dict[int, int]:
    """Return which call each session belongs to that no audio ties: the first left to the first.

    An engine that sends the caller's audio in another format leaves nothing to recognise it by.

    Args:
        calls: When each was dialled.
        sessions: When each began.
        ties: Known already.
    """
    tied = set(ties.values())
    left = [call.number for call in sorted(calls) if call.number not in tied]
    untied = [session.number for session in sorted(sessions) if session.number not in ties]
    return dict(zip(untied, left, strict=False))


def match_positions(
    sent_ms: Sequence[float], received_ms: Sequence[float], lengths: Sequence[int]
) -> CallMatch:
    """Match the frames of one call by their place in its audio: for engines that change all of it.

    Where the audio begins is not known, so that it is laid as late as can be: no audio comes before
    it was sent. What every frame is late by alike is not seen, but for audio that is missing.

    Args:
        sent_ms: When each frame was sent, in order.
        received_ms: When each piece of audio came at the server, in order.
        lengths: Of each piece, in samples at 8 kHz.
    """
    if not sent_ms or not received_ms:
        return CallMatch()
    frames = np.cumsum(lengths) / _FRAME_SAMPLES
    in_time = np.searchsorted(received_ms, sent_ms[-1], side="right")
    ahead = (np.searchsorted(sent_ms, received_ms, side="right") - frames)[:in_time]
    ends = frames + ahead.min(initial=len(sent_ms))
    first = max(0, math.ceil(ends[0]))
    wanted = np.arange(first + 1, len(sent_ms) + 1)
    at = np.searchsorted(ends, wanted - 1e-6)
    has_come = at < len(ends)
    came_ms = np.asarray(received_ms)[at[has_come]]
    latencies = came_ms - np.asarray(sent_ms)[wanted[has_come] - 1]
    return CallMatch(live_ms=tuple(latencies.tolist()), lost=int((~has_come).sum()))


def match_call(
    sent_ms: Sequence[float],
    sent: Sequence[int],
    received_ms: Sequence[float],
    received: Sequence[int],
    *,
    begin_ms: float = -math.inf,
) -> CallMatch:
    """Match the frames of one call.

    Args:
        sent_ms: When each frame was sent, in order.
        sent: Its digest.
        received_ms: When each frame of audio came at the server, in order, and up to a second after
            the last was sent: what has not come by then is lost.
        received: Its digest.
        begin_ms: Frames sent before only show what a gate had released by then: they don't count.
    """
    first = bisect_left(sent_ms, begin_ms)
    if not received_ms:
        return CallMatch(lost=len(sent_ms) - first)
    numbers = _recognised(sent_ms, sent, received_ms, received)
    released = _released(sent_ms, received_ms, received, numbers)
    tally = _Tally(sent_ms, first)
    for at, t_ms in enumerate(received_ms):
        number = numbers[at]
        if released[at]:
            tally.release(counts=t_ms >= begin_ms)
        elif number is not None and number > tally.last:
            tally.anchor(number, t_ms)
        else:
            tally.add(t_ms)
    return tally.result()


@dataclass(slots=True)
class _Tally:
    """Goes through what the server got, from one frame that is certain to the next."""

    sent_ms: Sequence[float]
    first: int
    """The first frame that counts."""
    last: int = -1
    """The last frame that is certain."""
    last_ms: float = 0.0
    """When it came."""
    between_ms: list[float] = field(default_factory=list)
    """What came since."""
    surplus: int = 0
    live_ms: list[float] = field(default_factory=list)
    silent_ms: list[float] = field(default_factory=list)
    uncertain: int = 0
    released: int = 0
    left_out: int = 0
    lost: int = 0

    def release(self, *, counts: bool) -> None:
        self.released += counts
        self.surplus += 1

    def add(self, t_ms: float) -> None:
        self.between_ms.append(t_ms)

    def anchor(self, number: int, t_ms: float) -> None:
        if self.last >= 0:
            self._count(number, t_ms)
        if number >= self.first:
            self.live_ms.append(t_ms - self.sent_ms[number])
        self.last, self.last_ms = number, t_ms
        self.between_ms.clear()

    def _count(self, number: int, t_ms: float) -> None:
        """Count what came between two frames that are certain."""
        slots = range(self.last + 1, number)
        missing = len(slots) - len(self.between_ms)
        if number <= self.first:
            self._miss(slots, missing)
            return
        if missing == 0:
            times = zip(slots, self.between_ms, strict=True)
            latencies = [came_ms - self.sent_ms[slot] for slot, came_ms in times]
            if not latencies or min(latencies) >= 0:
                self.silent_ms += latencies
                return
        certain = self._edges(slots, t_ms) if missing > 0 else []
        self.silent_ms += certain
        self.uncertain += len(self.between_ms) - len(certain)
        self._miss(slots, missing)

    def _miss(self, slots: range, missing: int) -> None:
        """Count frames that nothing came for: left out as a gate does, or lost.

        As many may be left out as were released, not one more: a frame that is lost in a long
        silence passes for one of them, and one of them counts as lost in its place, later on.
        """
        may_leave_out = len(slots) >= _TAKEN_BACK_FRAMES
        left_out = max(0, min(missing, self.surplus)) if may_leave_out else 0
        self.surplus -= left_out
        counted = len(range(max(slots.start, self.first), slots.stop))
        self.left_out += min(left_out, counted)
        self.lost += min(max(0, missing - left_out), counted)

    def _edges(self, slots: range, end_ms: float) -> list[float]:
        """Return the latencies up to the first silence that was left out, and from the last on."""
        times = [self.last_ms, *self.between_ms, end_ms]
        left_out = [
            at
            for at in range(1, len(times))
            if times[at] - times[at - 1] > _HOLE_MS
            and (at + 1 == len(times) or times[at + 1] - times[at] > _BURST_MS)
        ]
        if not left_out:
            return []
        first, last = left_out[0] - 1, left_out[-1] - 1
        head = zip(slots, self.between_ms[:first], strict=False)
        tail = zip(reversed(slots), reversed(self.between_ms[last:]), strict=False)
        latencies = [t_ms - self.sent_ms[slot] for slot, t_ms in (*head, *tail)]
        return latencies if not latencies or min(latencies) >= 0 else []

    def result(self) -> CallMatch:
        end_ms = self.sent_ms[-1] if self.sent_ms else -math.inf
        unfinished = sum(t_ms <= end_ms for t_ms in self.between_ms)
        if self.last >= 0:
            worst_ms = max((*self.live_ms, *self.silent_ms), default=0.0) + _TAIL_MS
            arrived = bisect_right(self.between_ms, end_ms + worst_ms)
            slots = range(self.last + 1, len(self.sent_ms))
            self._miss(slots, len(slots) - arrived)
        return CallMatch(
            live_ms=tuple(self.live_ms),
            silent_ms=tuple(self.silent_ms),
            uncertain=self.uncertain + unfinished,
            released=self.released,
            left_out=self.left_out,
            lost=self.lost,
        )


def _recognised(
    sent_ms: Sequence[float],
    sent: Sequence[int],
    received_ms: Sequence[float],
    received: Sequence[int],
) -> list[int | None]:
    """Return which frame each one received is; None: silence, or changed."""
    places: dict[int, list[int]] = {}
    for place, digest in enumerate(sent):
        places.setdefault(digest, []).append(place)
    found: list[int | None] = []
    for t_ms, digest in zip(received_ms, received, strict=True):
        known = places.get(digest) if digest != SILENT_DIGEST else None
        at = bisect_right(known, t_ms, key=sent_ms.__getitem__) - 1 if known else -1
        number = known[at] if known and at >= 0 else None
        is_recent = number is not None and t_ms - sent_ms[number] < _LONGEST_MS
        found.append(number if is_recent else None)
    return found


def _released(
    sent_ms: Sequence[float],
    received_ms: Sequence[float],
    received: Sequence[int],
    numbers: Sequence[int | None],
) -> list[bool]:
    """Return which of what was received had been held.

    Held frames go out in one burst with the frame that follows them: more comes than was sent since
    the burst before, and silence had come in their place. After a stall of the engine as much comes
    as was sent, and nothing had come meanwhile.
    """
    released = [False] * len(numbers)
    end_ms = -math.inf
    for first, behind in _bursts(received_ms):
        before_ms, end_ms = end_ms, received_ms[behind - 1]
        due = bisect_right(sent_ms, end_ms) - bisect_right(sent_ms, before_ms)
        surplus = behind - first - max(1, due)
        is_stall = first > 0 and received_ms[first] - before_ms > _STALL_MS
        if surplus <= 0 or is_stall:
            continue
        instead = received[max(0, first - surplus) : first].count(SILENT_DIGEST)
        if instead < min(surplus, first) / 2:
            continue
        for at in range(first, min(first + surplus, behind - 1)):
            released[at] = True
        # One more may have been held: the silence for it may have been left out.
        one_more = first + surplus
        if one_more < behind - 1:
            known = numbers[one_more]
            is_held = known is None or received_ms[one_more] - sent_ms[known] >= FRAME_MS
            released[one_more] = is_held
    return released


def _bursts(received_ms: Sequence[float]) -> list[tuple[int, int]]:
    """Return first and behind-last of what came at once."""
    bursts: list[tuple[int, int]] = []
    first = 0
    for at in range(1, len(received_ms) + 1):
        if at == len(received_ms) or received_ms[at] - received_ms[at - 1] > _BURST_MS:
            bursts.append((first, at))
            first = at
    return bursts
