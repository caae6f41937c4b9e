"""One call of the bench: simulated from its scenario, run through every gate, judged.

Invariant: the outcome depends on corpus, scenario, duration, gates and configuration alone.
"""

from __future__ import annotations

__all__ = ["Trial", "TrialSetting", "run_trial"]

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ...core.audio import AudioFormat
from ...core.config import GatingConfig
from ...core.units import samples_to_ms
from ..evaluate.evaluation import EvaluatedRow
from ..evaluate.intervals import Interval, merged
from ..evaluate.judge import CallTruth, judge_call
from ..evaluate.manifest import ManifestRow
from ..evaluate.recording import Recording
from ..scenarios.bank import Bank, load_bank
from ..scenarios.call_simulation import Call, simulate_call
from ..scenarios.signals import FRAME_SAMPLES, RATE_HZ, Audio
from ..scenarios.turns import Span
from .arrivals import draw_arrivals
from .gates import GATES, DeliveredCall
from .matrix import Scenario, profile_of

_RESPONSE_SAMPLES = RATE_HZ // 2
_FORMAT = AudioFormat()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSetting:
    """What all calls of a bench have in common."""

    bank: Path
    """Folder of the bank."""
    split: str
    duration_s: float
    gates: tuple[str, ...]
    config: GatingConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One call."""

    scenario: Scenario
    rows: Mapping[str, EvaluatedRow]
    """What each gate made of it, by the gate's name."""


def run_trial(scenario: Scenario, *, setting: TrialSetting) -> Trial:
    """Simulate one call and run it through the gates."""
    bank = _bank_at(setting.bank)
    call = simulate_call(
        bank,
        scenario.seed,
        profile_of(scenario, setting.split),
        duration_s=setting.duration_s,
        responses=measured_responses(bank, setting.split),
    )
    delivered = _delivered(call, scenario)
    rows = {name: _judged(delivered, scenario, name, setting.config) for name in setting.gates}
    return Trial(scenario=scenario, rows=rows)


@cache
def _bank_at(folder: Path) -> Bank:
    """Return a bank, loaded once a process."""
    return load_bank(folder)


def measured_responses(bank: Bank, split: str) -> list[Audio]:
    """Return the first half second of the bank's room responses, each of unit energy."""
    heads = [bank.audio(clip)[:_RESPONSE_SAMPLES] for clip in bank.select("rir", split)]
    return [np.asarray(head / np.linalg.norm(head), np.float32) for head in heads if head.any()]


def _delivered(call: Call, scenario: Scenario) -> DeliveredCall:
    line = scenario.levels["line"]
    rng = np.random.default_rng([scenario.seed, 1])
    recording = Recording(
        capture=_frames(call.capture),
        capture_format=_FORMAT,
        far_end=_frames(call.far_end),
        far_end_format=_FORMAT,
        duration_ms=samples_to_ms(len(call.capture), RATE_HZ),
        agent_speaking=_times(call.agent_speaking),
        caller_speech=_times(call.caller_speech),
    )
    arrivals_ms = draw_arrivals(line, call.capture, rng)
    return DeliveredCall(recording=recording, arrivals_ms=arrivals_ms, line=line)


def _judged(
    call: DeliveredCall, scenario: Scenario, gate: str, config: GatingConfig
) -> EvaluatedRow:
    recording = call.recording
    truth = CallTruth(
        duration_ms=recording.duration_ms,
        agent_speaking=recording.agent_speaking,
        caller_speech=recording.caller_speech,
    )
    run = GATES[gate].run(call, config)
    row = ManifestRow(
        line=scenario.number + 1,
        id=f"call-{scenario.number + 1}",
        capture=Path("simulated"),
        far_end=Path("simulated"),
        provider=gate,
        agent_speaking=recording.agent_speaking,
        caller_speech=recording.caller_speech,
        tags=dict(scenario.levels),
    )
    verdict = judge_call(truth, run.events, run.forwarded)
    return EvaluatedRow(row=row, run=run, verdict=verdict, is_gated=True, notes=())


def _frames(samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> tuple[bytes, ...]:
    return tuple(
        samples[at : at + FRAME_SAMPLES].astype("<i2").tobytes()
        for at in range(0, len(samples), FRAME_SAMPLES)
    )


def _times(spans: list[Span]) -> tuple[Interval, ...]:
    return merged(
        (samples_to_ms(start, RATE_HZ), samples_to_ms(end, RATE_HZ)) for start, end in spans
    )
