"""Near-end verdict with an echo reference.

One job: one capture frame and the far-end frame of the same slot in, one verdict out. Invariant:
the same frames give the same verdicts, to the bit, on the same machine; no clock, no I/O.
"""

from __future__ import annotations

__all__ = ["NO_EVIDENCE_LOGIT", "EchoAwareDetector"]

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from .features import FeatureExtractor
from .kalman_filter import KalmanEchoFilter
from .near_end import NearEndVerdict
from .recurrent_network import NetworkWeights, RecurrentNetwork

Frame = npt.NDArray[np.int16] | npt.NDArray[np.float32]

NO_EVIDENCE_LOGIT: Final = -10.0
"""Logit where the agent is not audible: nothing was judged."""

_FRAME_SAMPLES: Final = 160
_INT16_SCALE: Final = np.float32(1.0 / 32768.0)


class EchoAwareDetector:
    """Tells the caller's speech from echo, noise and music while the agent is audible.

    One a call. Outside of agent audio it learns the noise floor and the echo path, nothing more.

    Args:
        weights: Of the network, such as :func:`.recurrent_network.packaged_weights`.
    """

    def __init__(self, weights: NetworkWeights) -> None:
        self._filter = KalmanEchoFilter()
        self._features = FeatureExtractor()
        self._network = RecurrentNetwork(weights)
        self._residual = np.zeros(_FRAME_SAMPLES, np.float32)
        self._was_audible = False
        self._has_judged = False
        self._logit = NO_EVIDENCE_LOGIT

    def reset(self) -> None:
        """Forget the call."""
        self._filter.reset()
        self._features.reset()
        self._network.reset()
        self._residual = np.zeros(_FRAME_SAMPLES, np.float32)
        self._was_audible = False
        self._has_judged = False
        self._logit = NO_EVIDENCE_LOGIT

    @property
    def has_judged(self) -> bool:
        """Whether the last verdict's logit belongs to its frame.

        False where the agent is silent or the capture was lost. A decision rule leaves those out.
        """
        return self._has_judged

    @property
    def residual(self) -> npt.NDArray[np.float32]:
        """Echo-cancelled capture of the last frame, float32 [shape=(160,)], scaled to +-1."""
        return self._residual

    @property
    def features(self) -> npt.NDArray[np.float32] | None:
        """Features of the last frame (a view, for training); None where it was not judged."""
        return self._features.values if self._has_judged else None

    def process(
        self,
        capture: Frame,
        far_end: Frame,
        *,
        agent_audible: bool,
    ) -> NearEndVerdict:
        """Judge one frame; once a 20 ms slot, audible or not, so that the path keeps being learnt.

        Args:
            capture: int16 or float32 (+-1) [shape=(160,), mono, 8 kHz]; all zero where the line
                lost it.
            far_end: What was sent to the caller in the same slot, same format.
            agent_audible: Whether agent audio is being played or its echo may still arrive.

        Returns:
            The verdict. Its logit is :data:`NO_EVIDENCE_LOGIT` where the agent is not audible and
            that of the frame before where the capture was lost: see :attr:`has_judged`.

        Raises:
            ValueError: A frame is not 160 samples of int16 or float32.
        """
        heard, sent = _to_float(capture), _to_float(far_end)
        self._filter.receive_far_end(sent)
        estimate = self._filter.process(heard)
        self._residual = estimate.residual
        self._has_judged = agent_audible and bool(heard.any())
        if not agent_audible:
            self._was_audible = False
            self._logit = NO_EVIDENCE_LOGIT
            if heard.any():
                self._features.listen(heard)
            return self._verdict()
        if not self._was_audible:
            self._network.reset()
            self._features.start_turn()
            self._was_audible = True
        if not self._has_judged:
            self._features.skip(self._filter)
        else:
            values = self._features.process(heard, sent, estimate, self._filter)
            self._logit = self._network.process(values)
        return self._verdict()

    def _verdict(self) -> NearEndVerdict:
        path_gain = float(self._filter.partition_energy.sum())
        return NearEndVerdict(
            logit=self._logit,
            erl_db=-10.0 * math.log10(path_gain + 1e-7) if path_gain else None,
            echo_delay_ms=self._filter.delay_ms,
            erle_db=self._features.erle_db,
            near_end_dbfs=self._features.near_end_dbfs,
        )


def _to_float(frame: Frame) -> npt.NDArray[np.float32]:
    """Return a frame as float32 scaled to +-1."""
    if frame.shape != (_FRAME_SAMPLES,):
        raise ValueError(f"a frame has shape {frame.shape}, not ({_FRAME_SAMPLES},)")
    if frame.dtype == np.int16:
        return frame.astype(np.float32) * _INT16_SCALE
    if frame.dtype != np.float32:
        raise ValueError(f"a frame is of {frame.dtype}, not int16 or float32")
    return np.asarray(frame, np.float32)
