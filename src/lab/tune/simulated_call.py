"""Simulated calls as recordings with labels that are known to be true.

Invariant: the same bank, seed and profile give the same call.
"""

from __future__ import annotations

__all__ = ["LabelledCall", "labelled", "simulate_labelled"]

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ...core.audio import FRAME_MS, AudioFormat
from ..evaluate.intervals import Interval, merged
from ..evaluate.recording import Recording
from ..scenarios import JUDGE_PROFILE, TRAIN_PROFILE, Bank, Call, Profile, simulate_call
from ..scenarios.signals import FRAME_SAMPLES, RATE_HZ, Audio

_SEEDS_FROM = 7_000_000
"""Calls of no bench and no training."""
_DURATION_S = 24.0
_RESPONSE_SAMPLES = RATE_HZ // 2


@dataclass(frozen=True, slots=True)
class LabelledCall:
    """A recording, and what it was made of."""

    recording: Recording
    tags: Mapping[str, str]


def simulate_labelled(
    bank: Bank,
    seed: int,
    *,
    split: str,
    profile: Profile | None = None,
    duration_s: float = _DURATION_S,
) -> LabelledCall:
    """Return one simulated call.

    Args:
        bank: Clips to draw from.
        seed: Of the call.
        split: Of the clips.
        profile: What to draw from; if left out, by turns what training draws from, which is harder
            than most lines, and what the bench judges by.
        duration_s: Length of the call.
    """
    drawn = profile or (JUDGE_PROFILE if seed % 2 else TRAIN_PROFILE)
    call = simulate_call(
        bank,
        _SEEDS_FROM + seed,
        replace(drawn, split=split),
        duration_s=duration_s,
        responses=_responses(bank, split) or None,
    )
    return labelled(call)


def labelled(call: Call) -> LabelledCall:
    """Return a simulated call as a recording."""
    audio_format = AudioFormat()
    recording = Recording(
        capture=_frames(call.capture),
        capture_format=audio_format,
        far_end=_frames(call.far_end),
        far_end_format=audio_format,
        duration_ms=float(len(call.capture) // FRAME_SAMPLES * FRAME_MS),
        agent_speaking=_in_ms(call.agent_speaking),
        caller_speech=_in_ms(call.caller_speech),
    )
    return LabelledCall(recording, call.tags)


@lru_cache(maxsize=2)
def _responses(bank: Bank, split: str) -> list[Audio]:
    heads = [bank.audio(clip)[:_RESPONSE_SAMPLES] for clip in bank.select("rir", split)]
    return [np.asarray(head / np.linalg.norm(head), np.float32) for head in heads if head.any()]


def _frames(samples: npt.NDArray[np.int16]) -> tuple[bytes, ...]:
    whole = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES]
    return tuple(frame.tobytes() for frame in whole.reshape(-1, FRAME_SAMPLES))


def _in_ms(spans: Iterable[tuple[int, int]]) -> tuple[Interval, ...]:
    to_ms = 1000.0 / RATE_HZ
    return merged((start * to_ms, end * to_ms) for start, end in spans)
