"""Listens to a whole call at once: what the gate's detectors say of it once they know it.

The gate has to judge a frame when it comes, with an echo path that it is still learning. Here the
call goes through the echo filter twice, and what the second pass says is taken, when path, leakage
and noise floor are known from the first frame on. Invariant: the same call gives the same numbers,
frame for frame; no clock, no chance.
"""

from __future__ import annotations

__all__ = ["FEATURE_NAMES", "Hearing", "hear_call"]

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...core.echo.near_end_detector import EchoAwareDetector
from ...core.echo.recurrent_network import RecurrentNetwork, packaged_weights
from ...core.guard.frame_features import FrameFeatures
from ...core.guard.speech_evidence import AverageNetwork, packaged_speech_weights
from ...core.levels import rms, zero_crossing_ratio
from ...core.noise_floor import NoiseFloor
from ...core.units import rms_to_dbfs
from ...core.vad_manager import EnhancedVADManager
from .aligned_call import AlignedCall

Frames = npt.NDArray[np.int16]
Values = npt.NDArray[np.float64]

FEATURE_NAMES = ("echo_logit", "speech_logit", "over_floor_db", "residual_db")
"""What is known of each frame, in this order. ``echo_logit``: the echo-aware detector's log odds
(second pass), 0 where the agent is silent. ``speech_logit``: of the guard's networks, on what the
echo filter leaves. ``over_floor_db``: level of what is left over the noise. ``residual_db``: the
same over the capture's, so how much of the frame was echo.

Silero VAD was tried as a fifth: it added nothing to these (docs/tune.md), and labels would differ
with what is installed."""

_SILENT_FRAMES = 50
"""Frames of silence between the two passes: longer than the echo filter remembers the far end."""
_NOTHING = np.zeros(160, np.int16)
_LOWEST_DBFS = -90.0
_INITIAL_FLOOR = 20.0
_CALL_ID = "hearing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What is known of the frames of a call."""

    features: Values
    """float64 [shape=(frames, len(FEATURE_NAMES))]."""
    is_audible: npt.NDArray[np.bool_]
    """[shape=(frames,)]: the agent, or its echo, may be in the frame."""
    is_judged: npt.NDArray[np.bool_]
    """[shape=(frames,)]: False where nothing can tell the caller from echo: the agent is audible,
    and what it says is not known, or the line lost the frame."""


def hear_call(call: AlignedCall) -> Hearing:
    """Listen to a call.

    Args:
        call: At 8 kHz, in frames.

    Raises:
        ValueError: the package was built without the detectors' weights.
    """
    audible = call.audible_frames
    echo_logits, residual, judged = _cancel_echo(call, audible)
    speech, floor = _judge_speech(residual)
    left_db = _levels_dbfs(residual)
    captured_db = _levels_dbfs(call.capture)
    features = np.column_stack([echo_logits, speech, left_db - floor, left_db - captured_db])
    return Hearing(features=features, is_audible=audible, is_judged=judged)


def _cancel_echo(
    call: AlignedCall, audible: npt.NDArray[np.bool_]
) -> tuple[Values, Frames, npt.NDArray[np.bool_]]:
    """Return log odds, what is left of the capture, and which frames could be judged."""
    count = len(call.capture)
    logits, judged = np.zeros(count), np.ones(count, bool)
    if call.far_end is None:
        return logits, call.capture, ~audible
    detector = EchoAwareDetector(packaged_weights())
    residual = call.capture.copy()
    for is_last in (False, True):
        for _ in range(_SILENT_FRAMES):
            detector.process(_NOTHING, _NOTHING, agent_audible=False)
        for n in range(count):
            is_audible = bool(audible[n])
            verdict = detector.process(call.capture[n], call.far_end[n], agent_audible=is_audible)
            if is_last and is_audible:
                logits[n] = verdict.logit
                judged[n] = detector.has_judged
                residual[n] = _to_int16(detector.residual)
    return logits, residual, judged


def _judge_speech(residual: Frames) -> tuple[Values, Values]:
    """Return log odds of speech by the guard's networks, and the noise floor in dBFS."""
    network = AverageNetwork([RecurrentNetwork(each) for each in packaged_speech_weights()])
    features, vad, floor = FrameFeatures(), EnhancedVADManager(), NoiseFloor(_INITIAL_FLOOR)
    logits, floors = np.zeros(len(residual)), np.zeros(len(residual))
    for n, frame in enumerate(residual):
        level = rms(frame)
        floor.update(level)
        reading = features.describe(
            frame,
            level,
            zcr_ratio=zero_crossing_ratio(frame),
            is_voice=vad.process(_CALL_ID, frame.tobytes(), energy=level).webrtc_result,
            noise_floor=floor.rms,
        )
        logits[n] = network.process(reading.row)
        floors[n] = rms_to_dbfs(floor.rms)
    return logits, floors


def _levels_dbfs(frames: Frames) -> Values:
    power = np.mean(np.square(frames.astype(np.float64)), axis=1)
    levels: Values = 20.0 * np.log10(np.sqrt(power) / 32768.0 + 1e-9)
    return np.maximum(levels, _LOWEST_DBFS)


def _to_int16(samples: npt.NDArray[np.float32]) -> Frames:
    return np.clip(np.round(samples * 32768.0), -32768, 32767).astype(np.int16)
