"""What is true of each frame of a simulated call: does the caller speak, is the agent audible?

Frames are 20 ms. Invariant: a frame of which nobody can say what is right teaches nothing.
"""

from __future__ import annotations

__all__ = ["CALLER", "IGNORED", "NO_CALLER", "audible_frames", "label_frames"]

import numpy as np
import numpy.typing as npt

from ..scenarios.call_simulation import Call
from ..scenarios.signals import FRAME_SAMPLES
from ..scenarios.turns import TAIL_SAMPLES

CALLER = 1
"""Label of a frame in which the caller speaks."""
NO_CALLER = 0
"""Label of a frame in which the caller does not."""
IGNORED = -1
"""Label of a frame that teaches nothing."""

_IGNORED_BEFORE_FRAMES = 2
"""An onset's place is known to a frame or two only."""
_IGNORED_LEAD_FRAMES = 1
"""The onset's own frame may hold next to nothing of it."""
_IGNORED_AFTER_FRAMES = 15
"""300 ms in which a word fades and a room rings."""


def label_frames(call: Call) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int16]]:
    """Label the frames of a call.

    Returns:
        Labels, int8 [shape=(frames,)], and the frames since the onset of the utterance, int16
        [shape=(frames,)]: 0 at the onset, -1 outside of utterances.
    """
    count = len(call.capture) // FRAME_SAMPLES
    labels = np.full(count, NO_CALLER, np.int8)
    since_onset = np.full(count, -1, np.int16)
    utterances = [
        (start // FRAME_SAMPLES, end // FRAME_SAMPLES) for start, end in call.caller_speech
    ]
    for _, end in utterances:
        labels[end : end + _IGNORED_AFTER_FRAMES] = IGNORED
    for onset, end in utterances:
        spoken = onset + _IGNORED_LEAD_FRAMES
        labels[max(0, onset - _IGNORED_BEFORE_FRAMES) : spoken] = IGNORED
        labels[spoken:end] = CALLER
        since_onset[onset:end] = np.arange(len(since_onset[onset:end]))
    return labels, since_onset


def audible_frames(call: Call) -> npt.NDArray[np.bool_]:
    """Return in which frames the agent is audible, its tail included, bool [shape=(frames,)]."""
    audible = np.zeros(len(call.capture) // FRAME_SAMPLES, np.bool_)
    for start, end in call.agent_speaking:
        last = (end + TAIL_SAMPLES) // FRAME_SAMPLES
        audible[start // FRAME_SAMPLES : last + 1] = True
    return audible
