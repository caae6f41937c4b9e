"""The echo-aware detector of one call, as the gate knows it: far-end slots in, verdicts out.

Invariant: without a far-end reference there is no verdict, and voice activity and level decide.
"""

from __future__ import annotations

__all__ = ["EchoAwareNearEnd", "packaged_near_end"]

import numpy as np
import numpy.typing as npt

from .near_end import NearEndDetector, NearEndVerdict, NullNearEndDetector
from .near_end_detector import EchoAwareDetector
from .recurrent_network import NetworkWeights, packaged_weights
from .reference import ReferenceTimeline

Frame = npt.NDArray[np.int16]

_LOST_FRAMES = 5
"""All-zero frames in a row that are taken for lost packets; more are a line that is silent to the
last bit, which is evidence of no echo: 100 ms, longer than the bursts of loss on a usable line."""

_COMFORT_NOISE = np.random.default_rng(0).integers(-8, 9, 160).astype(np.int16)
"""What stands in for such a frame, about -76 dBFS: one step of mu-law, as a quiet line sounds."""
_COMFORT_NOISE.setflags(write=False)

_NOTHING = np.zeros(160, np.int16)


class EchoAwareNearEnd:
    """Pairs captures with far-end slots and judges them.

    Args:
        weights: Of the network; shared by all calls.
    """

    __slots__ = ("_detector", "_has_reference", "_timeline", "_zero_frames")

    def __init__(self, weights: NetworkWeights) -> None:
        self._detector = EchoAwareDetector(weights)
        self._timeline = ReferenceTimeline()
        self._has_reference = False
        self._zero_frames = 0

    def receive_far_end(self, far_end: Frame, now_ms: float) -> None:
        """Take one slot of far-end: int16 [shape=(160,), mono, 8 kHz], silence included."""
        del now_ms
        self._has_reference = True
        self._timeline.push(far_end)

    def process(
        self, capture: Frame, now_ms: float, *, agent_audible: bool
    ) -> NearEndVerdict | None:
        """Judge one frame; see :meth:`NearEndDetector.process`."""
        del now_ms
        if not self._has_reference:
            return None
        far_end = self._timeline.take()
        self._zero_frames = 0 if capture.any() else self._zero_frames + 1
        if self._zero_frames > _LOST_FRAMES:
            capture = _COMFORT_NOISE
        verdict = self._detector.process(capture, far_end, agent_audible=agent_audible)
        return None if self._detector.features is None else verdict

    def pass_slot(self, *, agent_audible: bool) -> None:
        """Let a slot pass for which the line delivers nothing: its far end echoes no more."""
        if self._has_reference:
            self.process(_NOTHING, 0.0, agent_audible=agent_audible)

    def reset(self) -> None:
        """Forget the echo path and everything heard."""
        self._detector.reset()
        self._timeline.reset()
        self._has_reference = False
        self._zero_frames = 0


def packaged_near_end() -> NearEndDetector:
    """Return a detector with the weights that the package brings, or the null one without them."""
    try:
        weights = packaged_weights()
    except ValueError:
        return NullNearEndDetector()
    return EchoAwareNearEnd(weights)
