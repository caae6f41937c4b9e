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

from ..unfrozen import unfrozen
from .echo_ceiling import EchoCeiling
from .features import FeatureExtractor
from .kalman_filter import FilterScratch, KalmanEchoFilter
from .near_end import NearEndVerdict
from .operands import operand
from .recurrent_network import NetworkWeights, RecurrentNetwork

Frame = npt.NDArray[np.int16 | np.float32]

NO_EVIDENCE_LOGIT: Final = -10.0
"""Logit where the agent is not audible: nothing was judged."""

_FRAME_SAMPLES: Final = 160
_INT16_SCALE: Final = operand(1.0 / 32768.0)
_SAMPLE_TYPES: Final = np.dtype(np.int16).char + np.dtype(np.float32).char

_UnfrozenVerdict = unfrozen(NearEndVerdict)

_NO_ECHO_LOGITS: Final = 4.0
"""Log odds by which a sound speaks more for the caller where it is far too loud for an echo: the
network alone doubted some voices on lines without echo (ADR 5)."""
_LOUD_FRAMES: Final = 10
"""Such frames from which they count in full, 200 ms: most bursts of noise are shorter."""


class EchoAwareDetector:
    """Tells the caller's speech from echo, noise and music while the agent is audible.

    One a call. Outside of agent audio it learns the noise floor and the echo path, nothing more.

    Args:
        weights: Of the network, such as :func:`.recurrent_network.packaged_weights`.
        scratch: Of the echo filter; see :class:`.kalman_filter.FilterScratch`.
    """

    def __init__(self, weights: NetworkWeights, scratch: FilterScratch | None = None) -> None:
        self._filter = KalmanEchoFilter(scratch)
        self._features = FeatureExtractor()
        self._network = RecurrentNetwork(weights)
        self._ceiling = EchoCeiling()
        self._loud_frames = 0
        self.reset()

    def reset(self) -> None:
        """Forget the call."""
        self._filter.reset()
        self._features.reset()
        self._network.reset()
        self._ceiling.reset()
        self._loud_frames = 0
        self._residual: Frame = np.zeros(_FRAME_SAMPLES, np.float32)
        self._unheard: Frame | None = None
        """A frame without agent audio that was not listened to yet."""
        self._was_audible = False
        self._has_judged = False
        self._logit = NO_EVIDENCE_LOGIT
        self._silent_verdict = self._verdict()

    @property
    def has_judged(self) -> bool:
        """Whether the last verdict's logit belongs to its frame.

        False where the agent is silent or the capture was lost. A decision rule leaves those out.
        """
        return self._has_judged

    @property
    def residual(self) -> npt.NDArray[np.float32]:
        """Echo-cancelled capture of the last frame, float32 [shape=(160,)], scaled to +-1.

        The capture itself where the agent is not audible.
        """
        return _to_float(self._residual)

    @property
    def left(self) -> Frame:
        """What :attr:`residual` is made of: the very capture where nothing was taken out of it."""
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
        _check(capture)
        _check(far_end)
        far_end_dbfs = -100.0
        if _is_silent(far_end):
            self._filter.receive_silence()
        else:
            self._filter.receive_far_end(_to_float(far_end))
            far_end_dbfs = _level_dbfs(self._filter.far_end_energy)
        previous, self._residual = self._residual, capture
        is_heard = not _is_silent(capture)
        self._has_judged = agent_audible and is_heard
        if not agent_audible:
            self._listen(capture if is_heard else None)
            return self._silent_verdict
        if not self._was_audible:
            self._start_turn(previous)
        self._ceiling.receive_far_end(far_end_dbfs)
        if not is_heard:
            self._features.skip(self._filter)
        else:
            heard = _to_float(capture)
            estimate = self._filter.process(heard)
            self._residual = capture if estimate.residual is heard else estimate.residual
            logit = self._network.process(self._features.process(estimate, self._filter))
            self._logit = self._with_ceiling(logit, _level_dbfs(float(heard.dot(heard))))
        return self._verdict()

    def _with_ceiling(self, logit: float, capture_dbfs: float) -> float:
        """Return the log odds, raised where no echo of this line has been nearly as loud."""
        if self._ceiling.is_exceeded(capture_dbfs):
            self._loud_frames = min(self._loud_frames + 1, _LOUD_FRAMES)
        else:
            self._loud_frames = max(self._loud_frames - 1, 0)
        logit += _NO_ECHO_LOGITS * self._loud_frames / _LOUD_FRAMES
        if logit < 0.0:
            self._ceiling.learn(capture_dbfs)
        return logit

    def _start_turn(self, previous: Frame) -> None:
        self._was_audible = True
        self._filter.begin(_to_float(previous))
        self._loud_frames = 0
        self._network.reset()
        self._features.start_turn()

    def _listen(self, capture: Frame | None) -> None:
        """Take a frame without agent audio: two together are analysed as one block.

        Args:
            capture: The frame; None if it was lost.
        """
        if self._was_audible:
            self._was_audible = False
            self._logit = NO_EVIDENCE_LOGIT
            self._silent_verdict = self._verdict()
        if capture is None or self._unheard is None:
            self._unheard = capture
            return
        block = np.concatenate((self._unheard, capture))
        self._unheard = None
        self._features.listen(self._filter.listen(block), 2)

    def _verdict(self) -> NearEndVerdict:
        path_gain = self._filter.path_gain
        made = _UnfrozenVerdict()
        made.logit = self._logit
        made.is_pending = False
        made.erl_db = -10.0 * math.log10(path_gain + 1e-7) if path_gain else None
        made.echo_delay_ms = self._filter.delay_ms
        made.erle_db = self._features.erle_db
        made.near_end_dbfs = self._features.near_end_dbfs
        made.__class__ = NearEndVerdict
        verdict: NearEndVerdict = made
        return verdict


def _check(frame: Frame) -> None:
    """Raise ValueError unless a frame has the shape and type of one."""
    if frame.shape != (_FRAME_SAMPLES,):
        raise ValueError(f"a frame has shape {frame.shape}, not ({_FRAME_SAMPLES},)")
    if frame.dtype.char not in _SAMPLE_TYPES:
        raise ValueError(f"a frame is of {frame.dtype}, not int16 or float32")


def _is_silent(frame: Frame) -> bool:
    """Say whether a frame is all zero; its bytes say it sooner than NumPy."""
    return frame.tobytes().strip(b"\0") == b""


def _level_dbfs(energy: float) -> float:
    """Return the level of a frame that is not silent, RMS in dBFS.

    Args:
        energy: Sum of its squares, scaled to +-1.
    """
    return 10.0 * math.log10(energy / _FRAME_SAMPLES + 1e-10)


def _to_float(frame: Frame) -> npt.NDArray[np.float32]:
    """Return a frame as float32 scaled to +-1."""
    samples = frame.astype(np.float32, copy=False)
    if samples is not frame:
        samples *= _INT16_SCALE
    return samples
