"""Callers whose level falls in the course of a call, and two people at one telephone.

What a rule that goes by the caller's level can get wrong. Invariant: the same bank, seed, split and
course give the same samples, and nothing but the course moves the level.
"""

from __future__ import annotations

__all__ = ["CourseKind", "LevelCourse", "LevelScene", "draw_level_scene"]

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ..scenarios.backgrounds import make_background
from ..scenarios.bank import Bank
from ..scenarios.line import apply_codec
from ..scenarios.signals import FRAME_SAMPLES, RATE_HZ, Audio, Rng, scale_to_dbfs
from ..scenarios.turns import Span
from .callers import draw_caller, label_frames
from .scenes import GuardScene

_CALLER_DBFS = (-30.0, -16.0)
_LINE_NOISE_DBFS = (-80.0, -58.0)
_CODECS = ("mulaw", "mulaw", "alaw", "gsm")
_AWAY_S = 5.0
_BEGIN_S = (8.0, 13.0)
"""When the level falls: the caller has been heard by then."""
_TURN_S = 0.2
"""What turning the head takes."""
_TURN_TAKING_S = (3.0, 7.0)
"""How long one of two people has the telephone to himself."""


class CourseKind(StrEnum):
    """What becomes of the level."""

    AWAY = "away"
    """It falls for 5 s: the caller has turned away."""
    QUIETER = "quieter"
    """It falls for good."""
    SHARED = "shared"
    """Two people in turn, the second one further away from the telephone."""


@dataclass(frozen=True, slots=True)
class LevelCourse:
    """A course, and by how much the level falls."""

    kind: CourseKind
    fall_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelScene:
    """One call on an otherwise quiet line."""

    scene: GuardScene
    softer: tuple[Span, ...]
    """The speech at the lower level, of that in ``scene.caller_speech``."""


def draw_level_scene(
    bank: Bank, seed: int, split: str, course: LevelCourse, *, duration_s: float = 20.0
) -> LevelScene:
    """Draw a call.

    Args:
        bank: Clips to draw from.
        seed: All of the scene's chance.
        split: Of the clips to use.
        course: What becomes of the level.
        duration_s: Length of the call.

    Raises:
        ValueError: the bank has no speech of the split.
    """
    rng: Rng = np.random.default_rng(seed)
    length = int(duration_s * RATE_HZ) // FRAME_SAMPLES * FRAME_SAMPLES
    caller_dbfs = float(rng.uniform(*_CALLER_DBFS))
    caller, spans = draw_caller(bank, rng, split, length)
    caller = scale_to_dbfs(caller, caller_dbfs)
    stretches = _stretches(rng, course.kind, length)
    gain = _gain(stretches, course.fall_db, length)
    if course.kind is CourseKind.SHARED:
        second, second_spans = draw_caller(bank, rng, split, length)
        second = scale_to_dbfs(second, caller_dbfs)
        is_second = _gain(stretches, 100.0, length) < gain
        caller = np.where(is_second, second, caller)
        spans = [*_within(second_spans, stretches), *_within(spans, _between(stretches, length))]
    caller = np.asarray(caller * gain, np.float32)
    hiss = make_background(bank, rng, "steady", length, split)
    hiss = hiss * 10 ** (rng.uniform(*_LINE_NOISE_DBFS) / 20)
    codec = str(rng.choice(_CODECS))
    sent = apply_codec(np.clip(caller + hiss, -1.0, 0.9999), codec)
    labels = label_frames(caller, hiss)
    return LevelScene(
        scene=GuardScene(
            capture=np.clip(np.round(sent * 32768), -32768, 32767).astype(np.int16),
            labels=labels,
            caller_speech=tuple(sorted(spans)),
            is_asked=np.ones(len(labels), np.bool_),
            tags={
                "kind": str(course.kind),
                "detail": f"{course.kind} {course.fall_db:g} dB",
                "caller_dbfs": f"{caller_dbfs:.1f}",
                "codec": codec,
            },
        ),
        softer=tuple(sorted(_within(spans, stretches))),
    )


def _stretches(rng: Rng, kind: CourseKind, length: int) -> list[Span]:
    """Return where the level is lower."""
    if kind is not CourseKind.SHARED:
        start = int(rng.uniform(*_BEGIN_S) * RATE_HZ)
        end = length if kind is CourseKind.QUIETER else start + int(_AWAY_S * RATE_HZ)
        return [(min(start, length), min(end, length))]
    stretches = []
    at = 0
    while at < length:
        start = at + int(rng.uniform(*_TURN_TAKING_S) * RATE_HZ)
        at = start + int(rng.uniform(*_TURN_TAKING_S) * RATE_HZ)
        stretches.append((min(start, length), min(at, length)))
    return stretches


def _between(stretches: list[Span], length: int) -> list[Span]:
    """Return where the level is not lower."""
    starts = [0, *(end for _, end in stretches)]
    ends = [*(start for start, _ in stretches), length]
    return list(zip(starts, ends, strict=True))


def _within(spans: list[Span], stretches: list[Span]) -> list[Span]:
    """Return the parts of the spans that lie in the stretches."""
    parts = [
        (max(start, first), min(end, last)) for start, end in spans for first, last in stretches
    ]
    return [(start, end) for start, end in parts if end > start]


def _gain(stretches: list[Span], fall_db: float, length: int) -> Audio:
    """Return the gain of each sample: it turns within 200 ms, half before and half after."""
    fall = np.zeros(length)
    half = int(_TURN_S * RATE_HZ / 2)
    for start, end in stretches:
        corners = [start - half, start + half, end - half, end + half]
        if end >= length:
            corners[2:] = [length, length + 1]
        fall = np.maximum(fall, np.interp(np.arange(length), corners, [0.0, 1.0, 1.0, 0.0]))
    return np.asarray(10 ** (-fall * fall_db / 20), np.float32)
