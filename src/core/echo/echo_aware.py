"""The echo-aware detector of one call, as the gate knows it: far-end slots in, verdicts out.

Captured frames are judged in the order of their slots, each with the slot that was sent when it was
captured; slots whose frames are lost pass the detector without one. Invariant: without a far-end
reference there is no verdict, and voice activity and level decide.
"""

from __future__ import annotations

__all__ = ["EchoAwareNearEnd", "packaged_near_end"]

from collections import deque
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from .kalman_filter import FilterScratch
from .near_end import NearEndDetector, NearEndVerdict, NullNearEndDetector
from .near_end_detector import EchoAwareDetector
from .recurrent_network import NetworkWeights, packaged_weights
from .reference import Pairing, ReferenceTimeline

Frame = npt.NDArray[np.int16]

_LOST_FRAMES = 5
"""All-zero frames in a row that are taken for lost packets; more are a line that is silent to the
last bit, which is evidence of no echo: 100 ms, longer than the bursts of loss on a usable line."""

_COMFORT_NOISE = np.frombuffer(
    b"okiefabacnlpikqmkjjpenlagojanmocboajbfihgaacalilekmghqnqglqlollgocjmoigfhimpbpjg"
    b"ljefmkifmgfpedmkabgognfenobalfjcohpnldnajgqdqbkjpfplpdmqagkbikmpghiqdiahqkfqkqah",
    np.uint8,
).astype(np.int16) - ord("i")
"""What stands in for such a frame, about -76 dBFS: one step of mu-law, as a quiet line sounds.
Drawn once, evenly from -8 to 8, ``i`` being 0."""
_COMFORT_NOISE.setflags(write=False)

_NOTHING = np.zeros(160, np.int16)
"""A frame that was lost, as the detector knows it."""


class EchoAwareNearEnd:
    """Pairs captures with far-end slots and judges them.

    Args:
        weights: Of the network; shared by all calls.
        scratch: Shared by the calls of one thread; see :class:`.kalman_filter.FilterScratch`.
    """

    __slots__ = (
        "_captures",
        "_detector",
        "_fell_silent",
        "_has_reference",
        "_pending",
        "_timeline",
        "_zero_frames",
    )

    def __init__(self, weights: NetworkWeights, scratch: FilterScratch | None = None) -> None:
        self._detector = EchoAwareDetector(weights, scratch)
        self._timeline = ReferenceTimeline()
        self._captures: deque[tuple[Frame, bool]] = deque()
        """Frames not yet paired, one at most between two calls, each with ``agent_audible``."""
        self._pending = NearEndVerdict(logit=0.0, is_pending=True)
        self._has_reference = False
        self._fell_silent = False
        """The agent was silent in a slot that waits for its frame."""
        self._zero_frames = 0

    @property
    def residual(self) -> npt.NDArray[np.int16 | np.float32] | None:
        """The last frame given, without its echo: float32 [shape=(160,)], scaled to +-1.

        The int16 samples of a frame that held none; those of comfort noise where the line lost it.
        None without a far end, and while the frame waits for its slot.
        """
        if self._captures or not self._has_reference:
            return None
        return self._detector.left

    def receive_far_end(self, far_end: Frame, now_ms: float) -> None:
        """Take one slot of far-end: int16 [shape=(160,), mono, 8 kHz], silence included."""
        self._has_reference = True
        self._timeline.push(far_end, now_ms)

    def process(
        self, capture: Frame, now_ms: float, *, agent_audible: bool
    ) -> NearEndVerdict | None:
        """Judge one frame; see :meth:`NearEndDetector.process`."""
        if not self._has_reference:
            return None
        self._captures.append((capture, agent_audible))
        pairings = self._timeline.take(now_ms)
        if len(pairings) > 1 and not pairings[0].passed:
            # Only now it shows that the first frame after a stall is as old as this one.
            self._captures[0] = (self._captures[0][0], agent_audible)
        verdicts = [self._judge(pairing) for pairing in pairings]
        if self._captures:
            return self._pending if agent_audible else None
        return verdicts[0] if len(verdicts) == 1 else _strongest(verdicts)

    def pass_slot(self, *, agent_audible: bool) -> None:
        """Let a slot pass for which the line delivers nothing.

        On a line that is known to be silent at times the far end goes on without an echo. On others
        the frame may only be late, and the slot waits until the next one tells.
        """
        passed = self._timeline.pass_slots()
        for far_end in passed:
            self._listen(_NOTHING, far_end, agent_audible=agent_audible)
        self._fell_silent = not passed and (self._fell_silent or not agent_audible)

    def reset(self) -> None:
        """Forget the echo path and everything heard."""
        self._detector.reset()
        self._timeline.reset()
        self._captures.clear()
        self._has_reference = self._fell_silent = False
        self._zero_frames = 0

    def _judge(self, pairing: Pairing) -> NearEndVerdict | None:
        capture, agent_audible = self._captures.popleft()
        for number, far_end in enumerate(pairing.passed):
            is_audible = agent_audible and not (self._fell_silent and number == 0)
            self._detector.process(_NOTHING, far_end, agent_audible=is_audible)
        self._fell_silent = False
        verdict = self._listen(capture, pairing.far_end, agent_audible=agent_audible)
        return verdict if self._detector.has_judged else None

    def _listen(self, capture: Frame, far_end: Frame, *, agent_audible: bool) -> NearEndVerdict:
        self._zero_frames = 0 if capture.tobytes().strip(b"\0") else self._zero_frames + 1
        if self._zero_frames > _LOST_FRAMES:
            capture = _COMFORT_NOISE
        return self._detector.process(capture, far_end, agent_audible=agent_audible)


def _strongest(verdicts: list[NearEndVerdict | None]) -> NearEndVerdict | None:
    """Return what is known since the frame before: the last verdict, with the strongest logit."""
    known = [verdict for verdict in verdicts if verdict is not None]
    if not known or verdicts[-1] is None:
        return verdicts[-1]
    return replace(known[-1], logit=max(verdict.logit for verdict in known))


def packaged_near_end(scratch: FilterScratch | None = None) -> NearEndDetector:
    """Return a detector with the weights that the package brings, or the null one without them."""
    try:
        weights = packaged_weights()
    except ValueError:
        return NullNearEndDetector()
    return EchoAwareNearEnd(weights, scratch)
