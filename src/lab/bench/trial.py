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
from ...core.units import ms_to_samples, samples_to_ms
from ..evaluate.evaluation import EvaluatedRow
from ..evaluate.intervals import Interval, merged
from ..evaluate.judge import CallTruth, judge_call
from ..evaluate.manifest import ManifestRow
from ..evaluate.recording import Recording
from ..evaluate.runner import GateRun
from ..scenarios.bank import Bank, load_bank
from ..scenarios.call_simulation import Call, SimulatedLine, simulate_line
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
    is_closed_loop: bool = False
    """True: a gate that opens stops the agent for the rest of its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One call."""

    scenario: Scenario
    rows: Mapping[str, EvaluatedRow]
    """What each gate made of it, by the gate's name."""


def run_trial(scenario: Scenario, *, setting: TrialSetting) -> Trial:
    """Simulate one call and run it through the gates."""
    bank = _bank_at(setting.bank)
    line = simulate_line(
        bank,
        scenario.seed,
        profile_of(scenario, setting.split),
        duration_s=setting.duration_s,
        responses=measured_responses(bank, setting.split),
    )
    rows = {name: _tried(line, scenario, name, setting) for name in setting.gates}
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


def _tried(
    line: SimulatedLine, scenario: Scenario, gate: str, setting: TrialSetting
) -> EvaluatedRow:
    """Run a gate, again and again if what it does changes the call: each time up to the next."""
    cuts: list[Span] = []
    while True:
        call = line.render(cuts)
        delivered = _delivered(call, scenario)
        run = GATES[gate].run(delivered, setting.config)
        cut = _next_cut(call, run, cuts) if setting.is_closed_loop else None
        if cut is None:
            return _judged(delivered.recording, scenario, gate, run)
        cuts.append(cut)


def _next_cut(call: Call, run: GateRun, cuts: list[Span]) -> Span | None:
    """Return what a commitment cuts off of a turn that was not cut yet, if there is any."""
    cut_at = {start for start, _ in cuts}
    for t_ms in run.barge_in_ms:
        at = ms_to_samples(t_ms, RATE_HZ)
        for start, end in call.agent_speaking:
            if start < at < end and end not in cut_at:
                return at, end
    return None


def _judged(recording: Recording, scenario: Scenario, gate: str, run: GateRun) -> EvaluatedRow:
    truth = CallTruth(
        duration_ms=recording.duration_ms,
        agent_speaking=recording.agent_speaking,
        caller_speech=recording.caller_speech,
    )
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
