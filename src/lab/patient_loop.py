"""An event loop that waits for a busy machine: its time stands still while it doesn't get its turn.

Real time as long as the machine keeps up, slow motion where it does not: what is simulated in such
a loop comes out the same on both. Invariant: time never goes back, and no turn of the loop takes
longer than :data:`MAX_TURN_MS` of it, however long it took.
"""

from __future__ import annotations

__all__ = ["MAX_TURN_MS", "PatientLoop", "PatientTime"]

import asyncio
import selectors
import time
from collections.abc import Callable

MAX_TURN_MS = 5.0
"""Most that one turn of the loop counts for, in ms: a quarter of a frame, and more than all that
falls due in a slot of three calls takes on an idle machine."""


class PatientTime:
    """Time in s that leaves out what a busy machine took away.

    Args:
        real_s: Now, in real time.
    """

    __slots__ = ("_began_s", "_now_s")

    def __init__(self, real_s: float) -> None:
        self._began_s = self._now_s = real_s

    def at(self, real_s: float) -> float:
        """Return the time while the loop works."""
        return self._now_s + min(max(0.0, real_s - self._began_s), MAX_TURN_MS / 1000)

    def end_work(self, real_s: float) -> None:
        """The loop has done what there was, and waits."""
        self._now_s = self.at(real_s)
        self._began_s = real_s

    def end_wait(self, real_s: float, timeout_s: float | None) -> None:
        """The loop has waited.

        Args:
            real_s: Now, in real time.
            timeout_s: How long it meant to wait at most; None: for as long as it takes.
        """
        waited_s = max(0.0, real_s - self._began_s)
        if timeout_s is not None:
            waited_s = min(waited_s, max(0.0, timeout_s) + MAX_TURN_MS / 1000)
        self._now_s += waited_s
        self._began_s = real_s


class PatientLoop(asyncio.SelectorEventLoop):
    """The loop: ``asyncio.Runner(loop_factory=PatientLoop)``.

    Args:
        clock: Real, monotonic time in s.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._real_s = clock
        self._patient = PatientTime(clock())
        super().__init__(_Selector(self._patient, clock))

    def time(self) -> float:
        """Return the loop's time in s."""
        return self._patient.at(self._real_s())


class _Selector(selectors.DefaultSelector):
    """Tells when the loop waits and when it works."""

    def __init__(self, patient: PatientTime, clock: Callable[[], float]) -> None:
        super().__init__()
        self._patient = patient
        self._real_s = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._patient.end_work(self._real_s())
        ready = super().select(timeout)
        self._patient.end_wait(self._real_s(), timeout)
        return ready
