"""Voices below the caller's level: what is kept of a television, against what callers lose of it.

Each call is heard by the guard once; its verdicts are then put before every setting of the level
rule, which comes after them. Invariant: figures depend on bank, plan and configuration alone.
"""

from __future__ import annotations

__all__ = ["CONDITIONS", "CurveCondition", "CurvePoint", "measure_level_curve"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...core.audio import AudioFormat
from ...core.audio_guard import AudioGuard, GuardVerdict
from ...core.call_stats import CallStats
from ...core.capture_analyzer import CaptureAnalysis
from ...core.config import AudioGuardConfig, GatingConfig, QuieterVoices, WithheldAudio
from ...core.gate_decision import GateDecision, GateReason, GateState
from ...core.gate_output import GateOutput, Outlet
from ...core.guarded_line import GuardedLine
from ...core.vad_manager import VADResult
from ..evaluate.intervals import Interval, merged
from ..evaluate.judge import AudioShare, CallTruth, judge_call
from ..evaluate.recording import Recording
from ..evaluate.runner import run_gate
from ..guard_scenes.scenes import GuardScene
from ..guard_scenes.turning_away import CourseKind, LevelCourse, draw_level_scene
from ..process_pool import map_in_processes
from ..scenarios.bank import Bank, load_bank
from ..scenarios.signals import RATE_HZ
from ..scenarios.turns import Span
from .cells import Cell, draw_cell_scene
from .measure import GuardBenchPlan, recording_of
from .watched_line import watch_line

_PROVIDER = "openai_realtime"
_SEEDS_PER_CONDITION = 10_000
_THRESHOLDS_DB = (8.0, 9.0, 9.5, 10.0, 11.0, 12.0, 14.0, 17.0)


@dataclass(frozen=True, slots=True)
class CurveCondition:
    """A kind of call."""

    kind: str
    """``tv`` or ``babble``, ``caller`` alone, or a :class:`CourseKind`."""
    below_db: float

    @property
    def name(self) -> str:
        """What tables call it."""
        match self.kind:
            case "caller":
                return "a caller alone"
            case CourseKind.AWAY:
                return f"a caller turns away by {self.below_db:g} dB for 5 s"
            case CourseKind.QUIETER:
                return f"a caller gets {self.below_db:g} dB quieter for good"
            case CourseKind.SHARED:
                return f"two people {self.below_db:g} dB apart"
        return f"{self.kind} {self.below_db:g} dB below"

    def draw(
        self, bank: Bank, seed: int, split: str, duration_s: float
    ) -> tuple[GuardScene, Sequence[Span]]:
        """Return a call, and of its speech what is judged."""
        if self.kind in set(CourseKind):
            course = LevelCourse(CourseKind(self.kind), self.below_db)
            drawn = draw_level_scene(bank, seed, split, course, duration_s=duration_s)
            return drawn.scene, drawn.softer
        kind = "none" if self.kind == "caller" else self.kind
        cell = Cell(kind=kind, snr_db=self.below_db)
        scene = draw_cell_scene(bank, cell, seed, split, duration_s=duration_s)
        return scene, scene.caller_speech


CONDITIONS = (
    *(CurveCondition("tv", below_db) for below_db in (10.0, 15.0, 20.0)),
    CurveCondition("babble", 12.0),
    *(CurveCondition(CourseKind.AWAY, below_db) for below_db in (6.0, 9.0, 12.0, 15.0)),
    CurveCondition(CourseKind.QUIETER, 6.0),
    CurveCondition(CourseKind.SHARED, 8.0),
    CurveCondition("caller", 30.0),
)
"""Others below the caller, then callers who are not always as loud."""


@dataclass(slots=True, kw_only=True)
class CurvePoint:
    """One setting of the rule in one condition."""

    condition: CurveCondition
    quieter_voices: QuieterVoices
    threshold_db: float | None
    """None where every voice passes."""
    speech_lost: AudioShare = field(default_factory=AudioShare)
    """Of the speech judged: of callers whose level falls, only what they say at the lower one."""
    idle_forwarded: AudioShare = field(default_factory=AudioShare)
    """Of what is neither speech nor within 500 ms before or 1,000 ms after it."""


def measure_level_curve(plan: GuardBenchPlan, *, jobs: int) -> Iterator[list[CurvePoint]]:
    """Yield the points of each condition, in order: without the rule, then each setting of it."""
    return map_in_processes(partial(_measure_condition, plan), range(len(CONDITIONS)), jobs=jobs)


def _measure_condition(plan: GuardBenchPlan, number: int) -> list[CurvePoint]:
    condition = CONDITIONS[number]
    points = _points(condition)
    first_seed = (plan.seed * len(CONDITIONS) + number) * _SEEDS_PER_CONDITION
    for seed in range(first_seed, first_seed + plan.scenes):
        scene, spans = condition.draw(_bank_at(plan.bank), seed, plan.split, plan.duration_s)
        call = _HeardCall.of(scene, spans, plan.config)
        for point in points:
            _add_call(point, call, plan.config.audio_guard)
    return points


@cache
def _bank_at(folder: Path) -> Bank:
    """Return a bank, loaded once a process."""
    return load_bank(folder)


def _points(condition: CurveCondition) -> list[CurvePoint]:
    return [
        CurvePoint(condition=condition, quieter_voices=QuieterVoices.PASS, threshold_db=None),
        *(
            CurvePoint(condition=condition, quieter_voices=mode, threshold_db=threshold_db)
            for mode in (QuieterVoices.ATTENUATE, QuieterVoices.WITHHOLD)
            for threshold_db in _THRESHOLDS_DB
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _HeardCall:
    """A call, and what the guard made of its frames."""

    recording: Recording
    judged: tuple[Interval, ...]
    verdicts: tuple[GuardVerdict, ...]
    levels: tuple[float, ...]

    @classmethod
    def of(cls, scene: GuardScene, spans: Sequence[Span], config: GatingConfig) -> _HeardCall:
        recording = recording_of(scene)
        watched = watch_line(scene.capture, config)
        to_ms = 1000.0 / RATE_HZ
        return cls(
            recording=recording,
            judged=merged((start * to_ms, end * to_ms) for start, end in spans),
            verdicts=tuple(frame.verdict for frame in watched),
            levels=tuple(frame.level for frame in watched),
        )


def _add_call(point: CurvePoint, call: _HeardCall, config: AudioGuardConfig) -> None:
    setting = replace(
        config,
        quieter_voices=point.quieter_voices,
        quieter_voice_db=point.threshold_db or config.quieter_voice_db,
    )
    run = run_gate(
        call.recording,
        provider=_PROVIDER,
        gate=_HeardLine(call, setting),
        caller_speech=call.recording.caller_speech,
    )
    truth = CallTruth(
        duration_ms=call.recording.duration_ms, agent_speaking=(), caller_speech=call.judged
    )
    point.speech_lost += judge_call(truth, run.events, run.forwarded).speech_lost
    truth = replace(truth, caller_speech=call.recording.caller_speech)
    point.idle_forwarded += judge_call(truth, run.events, run.forwarded).idle_forwarded


class _ToldGuard(AudioGuard):
    """A guard that gives the verdicts that another one gave."""

    __slots__ = ("_verdicts",)

    def __init__(self, config: AudioGuardConfig, verdicts: Sequence[GuardVerdict]) -> None:
        super().__init__(config)
        self._verdicts = iter(verdicts)

    def process(
        self,
        level: float,
        zcr_ratio: float,
        voice: VADResult | None,
        samples: npt.NDArray[np.int16] | None = None,
    ) -> GuardVerdict:
        """Return the next verdict."""
        del level, zcr_ratio, voice, samples
        return next(self._verdicts)


class _HeardLine:
    """A gate of which all is known but the level rule; the agent is never heard."""

    def __init__(self, call: _HeardCall, config: AudioGuardConfig) -> None:
        stats = CallStats()
        outlet = Outlet(WithheldAudio.SILENCE, AudioFormat(), 0.0, stats)
        guard = _ToldGuard(config, call.verdicts)
        self._line = GuardedLine(guard, outlet, stats, config=config, start_ms=0.0)
        self._levels = iter(call.levels)

    def start_call(self, call_id: str, **formats: object) -> None:
        """Begin; there is only this call."""

    def process(self, call_id: str, frame: bytes, now_ms: float) -> GateDecision:
        """Judge the next frame."""
        del call_id
        output = GateOutput(now_ms, GateReason.INCOMPLETE_FRAME)
        analysis = CaptureAnalysis(
            audio=frame,
            level=next(self._levels),
            zcr_ratio=0.0,
            voice=None,
            near_end=None,
            is_caller=False,
        )
        self._line.process(frame, analysis, output)
        output.measurements = analysis.measurements(noise_floor=0.0, evidence_ms=0.0)
        return output.decision(GateState.OPEN)

    def advance(self, call_id: str, now_ms: float) -> GateDecision:
        """Let time pass: the line delivers every frame."""
        del call_id
        return GateOutput(now_ms, GateReason.IDLE_FILL).decision(GateState.OPEN)

    def receive_far_end(
        self, call_id: str, frame: bytes, now_ms: float, *, is_agent_audio: bool
    ) -> None:
        """Nothing is played."""

    def set_agent_speaking(
        self,
        call_id: str,
        is_speaking: bool,  # noqa: FBT001 - as providers know it
        now_ms: float,
        *,
        audio_ms: float = 0.0,
    ) -> None:
        """Nobody but the caller speaks."""
