"""The near-end verdict: does the caller speak, given what the line plays to the caller?

One small interface, so that detectors can stand in each other's place and be compared. Invariant:
a detector gets exactly one far-end frame for each 20 ms slot, and says None when it can't judge.
"""

from __future__ import annotations

__all__ = ["NearEndDetector", "NearEndVerdict", "NullNearEndDetector"]

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True)
class NearEndVerdict:
    """What a detector says of one 20 ms frame of capture."""

    logit: float
    """Log odds that the caller speaks in it."""
    is_pending: bool = False
    """Nothing was judged: the frame waits for the next one, whose verdict is of both."""
    erl_db: float | None = None
    """Echo return loss: far-end level minus its echo's level in the capture; None while unknown."""
    echo_delay_ms: float | None = None
    """Echo path delay; None while unknown."""
    erle_db: float | None = None
    """Further reduction of the echo by the detector's own filter; None where it has none."""
    near_end_dbfs: float | None = None
    """Level of the frame without the echo; None where it is not measured."""


class NearEndDetector(Protocol):
    """Tells the caller's speech from the echo of the agent."""

    def receive_far_end(self, far_end: npt.NDArray[np.int16], now_ms: float) -> None:
        """Take one slot of far-end as it begins: int16 [shape=(160,), mono, 8 kHz], or silence."""

    def process(
        self, capture: npt.NDArray[np.int16], now_ms: float, *, agent_audible: bool
    ) -> NearEndVerdict | None:
        """Judge one frame of capture.

        Args:
            capture: int16 [shape=(160,), mono, 8 kHz].
            now_ms: When it came, on the clock of :meth:`receive_far_end`: at the end of its 20 ms,
                or later. Frames come in order; some never come.
            agent_audible: When it was captured, the agent was audible, or paused by us for the
                caller's sake: only then a verdict is asked for, but a detector may learn from every
                frame.

        Returns:
            The verdict, or None if there is none: voice activity and level decide then.
        """

    def pass_slot(self, *, agent_audible: bool) -> None:
        """Take that the line has delivered nothing for a slot yet, so that time goes on."""

    def reset(self) -> None:
        """Forget the echo path and everything heard."""


class NullNearEndDetector:
    """Has no reference and no verdict: voice activity and level decide."""

    def receive_far_end(self, far_end: npt.NDArray[np.int16], now_ms: float) -> None:
        """Ignore the far end."""

    def process(
        self,
        capture: npt.NDArray[np.int16],  # noqa: ARG002 - the interface's
        now_ms: float,  # noqa: ARG002
        *,
        agent_audible: bool,  # noqa: ARG002
    ) -> NearEndVerdict | None:
        """Return None, always."""
        return None

    def pass_slot(self, *, agent_audible: bool) -> None:
        """Do nothing: nothing is followed."""

    def reset(self) -> None:
        """Do nothing: there is nothing to forget."""
