"""Pairs each captured frame with the far-end slot that was sent when it was captured.

Far-end slots come one each 20 ms from our own pace; captured frames come from the line: jittered,
in bursts after a stall, or not at all while the caller's phone sends nothing (DTX). An echo filter
takes any constant delay, but a pairing that jumps by a slot is a new echo path to it. So frames are
paired in order, and the pairing moves only when it must:

- a capture that finds no slot waiting came early: it is paired with silence, and from then on one
  slot more waits, as a reserve against that jitter;
- slots that pile up are a stall, whose captures will still come in a burst, or a DTX hole, whose
  never will. Which one it was shows in what follows: a burst takes the pile down; after a hole the
  pile stays, and is dropped down to the reserve.

Invariant: without jitter, gaps and bursts, the n-th capture is paired with the n-th slot.
"""

from __future__ import annotations

__all__ = ["ReferenceTimeline"]

from collections import deque

import numpy as np
import numpy.typing as npt

_MAX_SLOTS = 500
"""Slots that may wait: 10 s, the longest stall whose burst a line delivers."""

_WATCHED_TAKES = 10
"""Captures over which a pile must stay to be a DTX hole: 200 ms; a burst takes away ten in them."""

_PILE_SLOTS = 3
"""Slots beyond the reserve that are a pile: more than the jitter of a phone line (15 ms measured)
and a late frame or two."""

_STEADY_SLOTS = 2
"""A pile that shrank by more than this in the captures watched is being worked off."""

_MAX_RESERVE = 4
"""More early captures than this are no jitter: they are late ones, after a hole that was passed."""

Frame = npt.NDArray[np.int16]


class ReferenceTimeline:
    """The far-end slots of one call that wait for their captures.

    Args:
        frame_samples: Samples of a slot.
    """

    __slots__ = ("_backlogs", "_reserve", "_silence", "_slots", "dropped_slots", "missing_slots")

    def __init__(self, frame_samples: int = 160) -> None:
        self._slots: deque[Frame] = deque(maxlen=_MAX_SLOTS)
        self._silence = np.zeros(frame_samples, np.int16)
        self._backlogs: deque[int] = deque(maxlen=_WATCHED_TAKES)
        self._reserve = 0
        self.missing_slots = 0
        """Captures that found no slot waiting."""
        self.dropped_slots = 0
        """Slots whose captures never came."""

    def push(self, far_end: Frame) -> None:
        """Take the next slot: int16 [shape=(frame_samples,), mono]."""
        if len(self._slots) == _MAX_SLOTS:
            self.dropped_slots += 1
        self._slots.append(far_end)

    def take(self) -> Frame:
        """Return the slot of the next captured frame; silence if it has not been sent yet."""
        self._drop_pile()
        if not self._slots:
            self.missing_slots += 1
            self._reserve = min(self._reserve + 1, _MAX_RESERVE)
            self._backlogs.clear()
            return self._silence
        far_end = self._slots.popleft()
        self._backlogs.append(len(self._slots))
        return far_end

    def reset(self) -> None:
        """Forget all slots and the reserve."""
        self._slots.clear()
        self._backlogs.clear()
        self._reserve = 0

    def _drop_pile(self) -> None:
        backlogs = self._backlogs
        if len(backlogs) < _WATCHED_TAKES or min(backlogs) < self._reserve + _PILE_SLOTS:
            return
        if backlogs[0] - backlogs[-1] > _STEADY_SLOTS:
            return
        n_dropped = min(backlogs) - self._reserve
        for _ in range(min(n_dropped, len(self._slots))):
            self._slots.popleft()
            self.dropped_slots += 1
        backlogs.clear()
