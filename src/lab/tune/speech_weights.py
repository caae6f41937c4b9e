"""The numbers of the models that find a caller's speech, as fitted.

Invariant: they belong to the features of ``hearing.py`` and the windows here; ``.label_fit`` prints
them anew.
"""

from __future__ import annotations

__all__ = ["AGENT_AUDIBLE", "AGENT_SILENT", "SEGMENT", "WINDOW_FRAMES", "LogisticWeights"]

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

WINDOW_FRAMES: Final = (1, 5, 15, 41)
"""Lengths of the windows around a frame that features are averaged over: up to 0.8 s."""


@dataclass(frozen=True, slots=True)
class LogisticWeights:
    """One logistic model."""

    weights: npt.NDArray[np.float64]
    """[shape=(inputs,)]."""
    bias: float
    prior_log_odds: float = 0.0
    """Of what it was fitted on; taken off where evidence alone is wanted."""


AGENT_AUDIBLE: Final = LogisticWeights(
    np.array(
        [
            *(0.01721, 0.05635, 0.4779, 0.04535),
            *(0.309, -0.09762, -0.1329, 0.007039),
            *(-0.9298, 0.3527, 0.778, 1.396),
            *(1.413, -0.1564, -1.016, -0.8729),
        ]
    ),
    bias=-1.024,
    prior_log_odds=-2.023,
)
"""Of frames in which the agent, or its echo, may be heard; a line a window."""
AGENT_SILENT: Final = LogisticWeights(
    np.array(
        [
            *(0.03334, 0.1846),
            *(-0.03972, 0.1948),
            *(0.08883, 0.2743),
            *(0.4868, 0.2165),
        ]
    ),
    bias=-2.928,
    prior_log_odds=-1.121,
)
"""Of other frames."""
SEGMENT: Final = LogisticWeights(np.array([0.4518, 0.7558, 0.2647, 0.3799, -0.2052]), bias=-2.697)
"""Of segments: peak, mean, length, level, share over the agent."""
