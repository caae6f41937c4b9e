"""How often the guard decides otherwise of the same line, heard louder, shifted, cut or coded anew.

A *flip* is a 20 ms slot of which the guard decides otherwise than of the original: about what goes
out (speech or its hangover, or neither), and about what is speech. A slot by which a run of equal
decisions merely begins or ends one frame earlier or later is counted too, and named *edge* beside
it: the slots before and after it are as they were, and differ from each other. Invariant: figures
depend on bank, plan and configuration alone.
"""

from __future__ import annotations

__all__ = [
    "VARIANTS",
    "CellInvariance",
    "Flips",
    "Variant",
    "VariantGroup",
    "compare",
    "count_flips",
    "measure_invariance",
]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from ...core.audio import AudioFormat, Encoding
from ...core.audio_guard import GuardVerdict
from ...core.config import GatingConfig
from ...core.resample import Resampler
from ..process_pool import map_in_processes
from ..scenarios.bank import Bank, load_bank
from ..scenarios.signals import FRAME_SAMPLES, RATE_HZ
from .cells import CELLS, Cell, draw_cell_scene
from .measure import GuardBenchPlan
from .watched_line import WatchedFrame, watch_line

Signal = npt.NDArray[np.int16]
Flags = npt.NDArray[np.bool_]

_SEEDS_PER_CELL = 10_000
_HIGHEST_GAIN_DB = 6.0
_FEW_SAMPLES = 8
_PEAK = 32767.0


class VariantGroup(StrEnum):
    """What variants have in common."""

    GAIN = "gain"
    FEW_SAMPLES = "few samples"
    """Frames begin 1 to 8 samples, at most a millisecond, later."""
    SHIFT = "shift"
    """Frames begin up to 20 ms later, so that windows see another cut of the same sound."""
    CHUNKS = "chunks"
    FORMAT = "format"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to hear the same line again."""

    name: str
    group: VariantGroup
    gain_db: float = 0.0
    shift_samples: int = 0
    """Samples at 8 kHz by which frames begin later."""
    line_format: AudioFormat = field(default_factory=AudioFormat)
    chunk_samples: int | None = None
    """Samples at the rate of the format that come at a time; 20 ms if None."""

    @property
    def slots_later(self) -> int:
        """Slot of the original that is nearest to the first one heard; the earlier of two."""
        return (self.shift_samples + FRAME_SAMPLES // 2 - 1) // FRAME_SAMPLES

    def apply(self, samples: Signal) -> Signal:
        """Return what the line delivers, int16 [shape=(n,), mono] at the rate of the format."""
        heard = samples[self.shift_samples :]
        if self.gain_db:
            scaled = np.round(heard * 10 ** (self.gain_db / 20))
            heard = np.clip(scaled, -_PEAK, _PEAK).astype(np.int16)
        if self.line_format.rate_hz == RATE_HZ:
            return heard
        return Resampler(RATE_HZ, self.line_format.rate_hz).process(heard)


def _gain(gain_db: float) -> Variant:
    return Variant(name=f"gain {gain_db:+g} dB", group=VariantGroup.GAIN, gain_db=gain_db)


def _shift(samples: int) -> Variant:
    group = VariantGroup.FEW_SAMPLES if samples <= _FEW_SAMPLES else VariantGroup.SHIFT
    return Variant(name=f"shift {samples} samples", group=group, shift_samples=samples)


def _chunks(samples: int) -> Variant:
    name = f"chunks of {samples * 1000 / RATE_HZ:g} ms"
    return Variant(name=name, group=VariantGroup.CHUNKS, chunk_samples=samples)


def _format(name: str, line_format: AudioFormat) -> Variant:
    return Variant(name=name, group=VariantGroup.FORMAT, line_format=line_format)


VARIANTS = (
    *(_gain(gain_db) for gain_db in (-6.0, -3.0, 3.0, _HIGHEST_GAIN_DB)),
    *(_shift(samples) for samples in (1, 3, 8, 20, 40, 80, 117, 152, 159)),
    *(_chunks(samples) for samples in (37, 80, 161, 240, 320, 480, 1003, 8000)),
    _format("mu-law", AudioFormat(Encoding.MULAW)),
    _format("PCM at 16 kHz", AudioFormat(rate_hz=16_000)),
    _format("PCM at 24 kHz", AudioFormat(rate_hz=24_000)),
)
"""The same line 3 and 6 dB softer and louder, shifted, in chunks of other and odd sizes, and in
other formats. Other rates come 8 ms later by two resamplers."""


@dataclass(slots=True, kw_only=True)
class Flips:
    """Slots compared, and those that differ."""

    slots: int = 0
    forwarded: int = 0
    """Whether the frame goes out differs."""
    forwarded_edges: int = 0
    """Of these, runs that begin or end one frame earlier or later."""
    speech: int = 0
    """Whether the frame is speech differs."""
    speech_edges: int = 0

    def __iadd__(self, other: Flips) -> Self:
        self.slots += other.slots
        self.forwarded += other.forwarded
        self.forwarded_edges += other.forwarded_edges
        self.speech += other.speech
        self.speech_edges += other.speech_edges
        return self


@dataclass(slots=True, kw_only=True)
class CellInvariance:
    """What came of one cell."""

    cell: Cell
    scenes: int = 0
    flips: dict[str, Flips] = field(default_factory=dict)
    """By the name of the variant."""


def measure_invariance(
    plan: GuardBenchPlan, *, jobs: int, variants: Sequence[Variant] = VARIANTS
) -> Iterator[CellInvariance]:
    """Yield the flips of each cell's scenes, in order, each cell as soon as it is due."""
    return map_in_processes(partial(_measure_cell, plan, variants), range(len(CELLS)), jobs=jobs)


def _measure_cell(plan: GuardBenchPlan, variants: Sequence[Variant], number: int) -> CellInvariance:
    of = CellInvariance(cell=CELLS[number])
    first_seed = plan.seed * len(CELLS) * _SEEDS_PER_CELL + number * _SEEDS_PER_CELL
    for seed in range(first_seed, first_seed + plan.scenes):
        scene = draw_cell_scene(
            _bank_at(plan.bank), of.cell, seed, plan.split, duration_s=plan.duration_s
        )
        samples = with_headroom(scene.capture)
        original = watch_line(samples, plan.config)
        for variant in variants:
            flips = of.flips.setdefault(variant.name, Flips())
            flips += compare(original, hear_variant(samples, variant, plan.config), variant)
        of.scenes += 1
    return of


@cache
def _bank_at(folder: Path) -> Bank:
    """Return a bank, loaded once a process."""
    return load_bank(folder)


def with_headroom(samples: Signal) -> Signal:
    """Return a line that the largest gain does not clip: softer, where it is too loud for it."""
    loudest = _PEAK / 10 ** (_HIGHEST_GAIN_DB / 20)
    peak = float(np.abs(samples.astype(np.int32)).max(initial=0))
    if peak <= loudest:
        return samples
    return np.round(samples * (loudest / peak)).astype(np.int16)


def hear_variant(samples: Signal, variant: Variant, config: GatingConfig) -> list[WatchedFrame]:
    """Return what the guard makes of a variant of a line."""
    return watch_line(
        variant.apply(samples),
        config,
        line_format=variant.line_format,
        chunk_samples=variant.chunk_samples,
    )


def compare(
    original: Sequence[WatchedFrame], heard: Sequence[WatchedFrame], variant: Variant
) -> Flips:
    """Return the flips between a line and its variant, slot by nearest slot."""
    first = original[variant.slots_later :]
    slots = min(len(first), len(heard))
    passed, was_passed = (_flags(frames[:slots], "passes") for frames in (heard, first))
    spoke, was_spoke = (_flags(frames[:slots], "speech") for frames in (heard, first))
    forwarded, forwarded_edges = count_flips(was_passed, passed)
    speech, speech_edges = count_flips(was_spoke, spoke)
    return Flips(
        slots=slots,
        forwarded=forwarded,
        forwarded_edges=forwarded_edges,
        speech=speech,
        speech_edges=speech_edges,
    )


def _flags(frames: Sequence[WatchedFrame], what: str) -> Flags:
    if what == "speech":
        return np.array([frame.verdict is GuardVerdict.SPEECH for frame in frames], np.bool_)
    return np.array([frame.verdict.passes for frame in frames], np.bool_)


def count_flips(before: Flags, after: Flags) -> tuple[int, int]:
    """Return how many slots differ, and how many of them are edges that moved by one frame.

    Args:
        before: Decisions of the original, [shape=(slots,)].
        after: Those of its variant, as many.
    """
    differs = before != after
    is_alone = differs[1:-1] & ~differs[:-2] & ~differs[2:]
    is_edge = is_alone & (before[:-2] != before[2:])
    return int(differs.sum()), int(is_edge.sum())
