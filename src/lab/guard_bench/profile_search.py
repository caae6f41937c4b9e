"""Which thresholds of the guard lose least speech on the lines of a profile.

Words first, and noise no worse: of all settings that let through no more noise than the defaults
do, the one that loses least of the callers' speech. One key is turned at a time, twice round. A key
stays as it is unless turning it gains something, and would most likely gain on other such lines
too, so that profiles differ where lines do and not by chance.

Invariant: every setting is judged on the same lines.
"""

from __future__ import annotations

__all__ = ["GRID", "Outcome", "SearchPlan", "draw_lines", "judge_setting", "search"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from ...core.audio_gating_manager import AudioGatingManager
from ...core.config import AudioGuardConfig, GatingConfig
from ...core.guard_profile import GuardProfile
from ...core.vad_manager import EnhancedVADManager
from ..evaluate.judge import AudioShare, CallTruth, judge_call
from ..evaluate.recording import Recording
from ..evaluate.runner import run_gate
from ..scenarios.bank import Bank
from .line_profiles import LINE_PROFILES, draw_line
from .measure import recording_of

_PROVIDER = "openai_realtime"

GRID: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "sensitivity": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
        "hangover_ms": (200, 300, 400, 500, 600),
        "noise_hangover_ms": (100, 200, 300, 400),
        "preroll_ms": (200, 300, 400),
        "speech_threshold_factor": (3.0, 4.0, 5.0),
    }
)
"""Keys of ``audio_guard`` that are turned, and what to."""

_ROUNDS = 2
_SMALLEST_GAIN_PERCENT = 0.1
"""Of speech no longer lost, to turn a key at all."""
_RESAMPLES, _BOOTSTRAP_SEED = 2000, 7
_SURE_SHARE = 0.95
"""Of resampled sets of lines that have to gain."""
_MORE_NOISE_PERCENT = 0.25
"""Of the time without speech: what a setting may let through beyond the defaults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """What to search on."""

    profile: GuardProfile
    split: str = "tune"
    lines: int = 24
    seed: int = 1
    duration_s: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a setting came to."""

    setting: Mapping[str, float]
    """Keys that differ from the defaults."""
    speech_lost_percent: float
    idle_forwarded_percent: float
    lost_ms: tuple[float, ...]
    """Speech lost, by line."""


def draw_lines(bank: Bank, plan: SearchPlan) -> list[Recording]:
    """Return the lines of a plan, drawn once for all settings."""
    profile = LINE_PROFILES[plan.profile]
    return [
        recording_of(draw_line(bank, profile, seed, plan.split, duration_s=plan.duration_s))
        for seed in range(plan.seed * 100_000, plan.seed * 100_000 + plan.lines)
    ]


def judge_setting(
    lines: Sequence[Recording], setting: Mapping[str, float], config: GatingConfig
) -> Outcome:
    """Run the lines through a guard that has these keys turned."""
    guard = replace(config.audio_guard, **setting)  # type: ignore[arg-type]
    turned = replace(config, audio_guard=guard)
    lost, idle = AudioShare(), AudioShare()
    lost_ms: list[float] = []
    for line in lines:
        gate = AudioGatingManager(EnhancedVADManager(turned.vad), turned)
        run = run_gate(line, provider=_PROVIDER, gate=gate, caller_speech=line.caller_speech)
        truth = CallTruth(
            duration_ms=line.duration_ms, agent_speaking=(), caller_speech=line.caller_speech
        )
        verdict = judge_call(truth, run.events, run.forwarded)
        lost += verdict.speech_lost
        lost_ms.append(verdict.speech_lost.part_ms)
        idle += verdict.idle_forwarded
    return Outcome(
        setting=dict(setting),
        speech_lost_percent=lost.percent or 0.0,
        idle_forwarded_percent=idle.percent or 0.0,
        lost_ms=tuple(lost_ms),
    )


def search(
    judge: Callable[[Mapping[str, float]], Outcome],
    grid: Mapping[str, Sequence[float]] = GRID,
    *,
    on_judged: Callable[[Outcome], None] = lambda _: None,
) -> tuple[Outcome, Outcome]:
    """Return what the defaults came to, and the best setting found.

    Args:
        judge: Judges a setting; keys left out are the defaults'.
        grid: Keys and the values to try.
        on_judged: Told of each setting tried.
    """
    reference = best = judge({})
    on_judged(reference)
    limit = reference.idle_forwarded_percent + _MORE_NOISE_PERCENT
    for _ in range(_ROUNDS):
        before = best
        for key, values in grid.items():
            for value in values:
                if value == best.setting.get(key, getattr(AudioGuardConfig(), key)):
                    continue
                outcome = judge({**best.setting, key: value})
                on_judged(outcome)
                if _is_better(outcome, best, limit):
                    best = outcome
        if best is before:
            break
    return reference, best


def _is_better(outcome: Outcome, best: Outcome, limit_percent: float) -> bool:
    if outcome.idle_forwarded_percent > limit_percent:
        return False
    gain = best.speech_lost_percent - outcome.speech_lost_percent
    return gain >= _SMALLEST_GAIN_PERCENT and _is_sure(best.lost_ms, outcome.lost_ms)


def _is_sure(before_ms: Sequence[float], after_ms: Sequence[float]) -> bool:
    """Say whether nearly every other draw of as many lines would gain too (paired bootstrap)."""
    gains_ms = np.subtract(before_ms, after_ms)
    rng = np.random.default_rng(_BOOTSTRAP_SEED)
    draws = rng.choice(gains_ms, size=(_RESAMPLES, len(gains_ms)))
    return bool(np.mean(draws.sum(axis=1) > 0.0) >= _SURE_SHARE)
