"""Runs the cells' scenes through the gate, with the agent silent, and adds up what came through.

Invariant: but for the cost, figures depend on bank, plan and configuration alone.
"""

from __future__ import annotations

__all__ = ["CellFigures", "GuardBenchPlan", "measure_cells", "recording_of"]

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from ...core.audio import FRAME_MS, AudioFormat
from ...core.audio_gating_manager import AudioGatingManager
from ...core.config import GatingConfig
from ...core.gate_decision import GateEventType
from ...core.vad_manager import EnhancedVADManager
from ..evaluate.intervals import Interval, merged, total_ms
from ..evaluate.judge import AudioShare, CallTruth, judge_call
from ..evaluate.recording import Recording
from ..evaluate.runner import GateRun, run_gate
from ..guard_scenes import GuardScene
from ..process_pool import map_in_processes
from ..scenarios.bank import Bank, load_bank
from ..scenarios.signals import FRAME_SAMPLES, RATE_HZ
from .cells import CELLS, Cell, draw_cell_scene

_PROVIDER = "openai_realtime"
_SEEDS_PER_CELL = 10_000
_EARLIEST_ONSET_MS = -60.0
"""An onset released that much before the mark belongs to it: marks are of clean frames."""
_LATEST_ONSET_MS = 1000.0
_APART_MS = 1500.0
"""Pause before an utterance after which the guard has closed again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardBenchPlan:
    """What to measure."""

    bank: Path
    """Folder of the bank."""
    split: str
    scenes: int
    """Of each cell."""
    seed: int
    config: GatingConfig
    duration_s: float = 20.0
    is_guarded: bool = True
    """False: without the guard, to compare."""


@dataclass(slots=True, kw_only=True)
class CellFigures:
    """What came of one cell."""

    cell: Cell
    scenes: int = 0
    speech_lost: AudioShare = field(default_factory=AudioShare)
    """Of the caller's speech."""
    idle_forwarded: AudioShare = field(default_factory=AudioShare)
    """Of what is neither speech nor within 500 ms before or 1,000 ms after it."""
    not_sent: AudioShare = field(default_factory=AudioShare)
    """Of everything."""
    onset_delays_ms: list[float] = field(default_factory=list)
    """From each onset after a pause to when it was let out."""
    details: dict[str, AudioShare] = field(default_factory=dict)
    """Speech lost, or without a caller what was forwarded, by what was heard."""
    us_per_frame: list[float] = field(default_factory=list)
    """Mean of each scene, voice activity detection included: time of this thread alone."""

    @property
    def worst(self) -> list[tuple[str, AudioShare]]:
        """The details, worst first."""
        found = [(name, share) for name, share in self.details.items() if share.part_ms > 0]
        return sorted(found, key=lambda item: -(item[1].percent or 0.0))


def measure_cells(plan: GuardBenchPlan, *, jobs: int) -> Iterator[CellFigures]:
    """Yield the figures of each cell, in order, each as soon as it is due."""
    return map_in_processes(partial(_measure_cell, plan), range(len(CELLS)), jobs=jobs)


def _measure_cell(plan: GuardBenchPlan, number: int) -> CellFigures:
    figures = CellFigures(cell=CELLS[number])
    first_seed = plan.seed * len(CELLS) * _SEEDS_PER_CELL + number * _SEEDS_PER_CELL
    for seed in range(first_seed, first_seed + plan.scenes):
        scene = draw_cell_scene(
            _bank_at(plan.bank), figures.cell, seed, plan.split, duration_s=plan.duration_s
        )
        _add_scene(figures, scene, plan)
    return figures


@cache
def _bank_at(folder: Path) -> Bank:
    """Return a bank, loaded once a process."""
    return load_bank(folder)


def _add_scene(figures: CellFigures, scene: GuardScene, plan: GuardBenchPlan) -> None:
    recording = recording_of(scene)
    gate = AudioGatingManager(
        EnhancedVADManager(plan.config.vad), plan.config, audio_guard_enabled=plan.is_guarded
    )
    start_ns = time.thread_time_ns()
    run = run_gate(recording, provider=_PROVIDER, gate=gate, caller_speech=recording.caller_speech)
    spent_us = (time.thread_time_ns() - start_ns) / 1000
    truth = CallTruth(
        duration_ms=recording.duration_ms,
        agent_speaking=(),
        caller_speech=recording.caller_speech,
    )
    verdict = judge_call(truth, run.events, run.forwarded)
    figures.scenes += 1
    figures.speech_lost += verdict.speech_lost
    figures.idle_forwarded += verdict.idle_forwarded
    sent_ms = total_ms(merged(run.forwarded))
    figures.not_sent += AudioShare(recording.duration_ms - sent_ms, recording.duration_ms)
    figures.onset_delays_ms += _onset_delays(recording.caller_speech, run)
    figures.us_per_frame.append(spent_us / max(1, len(recording.capture)))
    share = verdict.speech_lost if figures.cell.has_caller else verdict.idle_forwarded
    detail = scene.tags["detail"]
    figures.details[detail] = figures.details.get(detail, AudioShare()) + share


def recording_of(scene: GuardScene) -> Recording:
    """Return a scene as a recording of a call on which no agent speaks."""
    frames = scene.capture[: len(scene.labels) * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    to_ms = 1000.0 / RATE_HZ
    return Recording(
        capture=tuple(frame.tobytes() for frame in frames),
        capture_format=AudioFormat(),
        far_end=None,
        far_end_format=AudioFormat(),
        duration_ms=float(len(frames) * FRAME_MS),
        agent_speaking=(),
        caller_speech=tuple((start * to_ms, end * to_ms) for start, end in scene.caller_speech),
    )


def _onset_delays(speech: tuple[Interval, ...], run: GateRun) -> list[float]:
    """Return how long after each onset that follows a long pause the gate let it out."""
    released = [event.t_ms for event in run.events if event.type is GateEventType.ONSET_RELEASED]
    delays = []
    last_end_ms = 0.0
    for start_ms, end_ms in merged(speech):
        if start_ms - last_end_ms >= _APART_MS:
            after = [
                t_ms - start_ms
                for t_ms in released
                if _EARLIEST_ONSET_MS <= t_ms - start_ms <= _LATEST_ONSET_MS
            ]
            delays += after[:1]
        last_end_ms = end_ms
    return delays
