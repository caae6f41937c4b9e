"""Where a clean signal is active: the agent's turns in a far end, a caller's words in a take.

Invariant: energy alone decides, slot by slot, so that anyone can repeat it from the description.
"""

from __future__ import annotations

__all__ = ["ACTIVE_DBFS", "BRIDGED_PAUSE_MS", "active_intervals"]

import numpy as np
import numpy.typing as npt

from ...core.audio import FRAME_MS
from ...core.units import dbfs_to_rms, ms_to_samples
from .intervals import Interval, merged

ACTIVE_DBFS = -50.0
"""RMS over a 20 ms slot from which it is active: some 28 dB below speech at its usual level, and
above the noise of a far end that is itself a recording."""

BRIDGED_PAUSE_MS = 700.0
"""Shorter pauses belong to the turn. Speech pauses within a sentence or between two are seldom
longer; two turns so close would be one to the judge as well."""


def active_intervals(
    samples: npt.NDArray[np.int16], rate_hz: int, *, max_pause_ms: float = BRIDGED_PAUSE_MS
) -> tuple[Interval, ...]:
    """Return where a signal is active, in multiples of 20 ms.

    Args:
        samples: int16 [shape=(n,), mono, rate_hz].
        rate_hz: Sample rate.
        max_pause_ms: Shorter pauses are bridged; nothing is added at the ends.
    """
    slot_samples = ms_to_samples(FRAME_MS, rate_hz)
    wave = np.zeros(-(-len(samples) // slot_samples) * slot_samples)
    wave[: len(samples)] = samples
    levels = np.sqrt(np.mean(wave.reshape(-1, slot_samples) ** 2, axis=1))
    active = np.flatnonzero(levels >= dbfs_to_rms(ACTIVE_DBFS))
    slots = ((int(slot) * FRAME_MS, (int(slot) + 1) * FRAME_MS) for slot in active)
    return merged(slots, max_gap_ms=max_pause_ms)
