"""One call of the bench: simulated from its scenario, run through every gate, judged.

Invariant: the outcome depends on bank, scenario, duration, gates and configuration alone.
"""

from __future__ import annotations

__all__ = ["Trial", "TrialSetting", "measured_responses", "run_trial"]

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...core.audio import AudioFormat
from ...core.config import GatingConfig
from ...core.units import samples_to_ms
from ..evaluate.evaluation import EvaluatedRow
from ..evaluate.intervals import Interval, merged
from ..evaluate.judge import CallTruth, judge_call
from ..evaluate.manifest import ManifestRow
from ..evaluate.recording import PlayedCall, Recording
from ..evaluate.runner import GateRun
from ..scenarios.bank import Bank
from ..scenarios.call_simulation import SimulatedLine, simulate_line
from ..scenarios.signals import FRAME_SAMPLES, RATE_HZ, Audio
from ..scenarios.turns import Span
from .arrivals import draw_arrivals
from .closed_loop import ClosedCall
from .gates import GATES, DeliveredCall
from .matrix import Scenario, profile_of

_RESPONSE_SAMPLES = RATE_HZ // 2
_FORMAT = AudioFormat()
_SIMULATED = Path("simulated")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSetting:
    """What all calls of a bench have in common."""

    split: str
    duration_s: float
    gates: tuple[str, ...]
    config: GatingConfig
    is_closed_loop: bool = False
    """True: the agent pauses, goes on and stops as the gate says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One call."""

    scenario: Scenario
    rows: Mapping[str, EvaluatedRow]
    """What each gate made of it, by the gate's name."""


def run_trial(scenario: Scenario, *, bank: Bank, setting: TrialSetting) -> Trial:
    """Simulate one call and run it through the gates."""
    line = simulate_line(
        bank,
        scenario.seed,
        profile_of(scenario, setting.split),
        duration_s=setting.duration_s,
        responses=measured_responses(bank, setting.split),
    )
    call = _PlannedCall(line, scenario)
    rows = {name: call.judged(name, setting) for name in setting.gates}
    return Trial(scenario=scenario, rows=rows)


@lru_cache(maxsize=2)
def measured_responses(bank: Bank, split: str) -> list[Audio]:
    """Return the first half second of the bank's room responses, each of unit energy."""
    heads = [bank.audio(clip)[:_RESPONSE_SAMPLES] for clip in bank.select("rir", split)]
    return [np.asarray(head / np.linalg.norm(head), np.float32) for head in heads if head.any()]


class _PlannedCall:
    """A call as it goes if nobody stops the agent: simulated once for all gates."""

    def __init__(self, line: SimulatedLine, scenario: Scenario) -> None:
        self._line = line
        self._scenario = scenario
        self._call = line.render()
        self._far_end = _frames(self._call.far_end)
        self._recording = Recording(
            capture=_frames(self._call.capture),
            capture_format=_FORMAT,
            far_end=self._far_end,
            far_end_format=_FORMAT,
            duration_ms=samples_to_ms(len(self._call.capture), RATE_HZ),
            agent_speaking=_times(self._call.agent_speaking),
            caller_speech=_times(self._call.caller_speech),
        )
        rng = np.random.default_rng([scenario.seed, 1])
        self._arrivals_ms = draw_arrivals(scenario.levels["line"], self._call.capture, rng)

    def judged(self, gate: str, setting: TrialSetting) -> EvaluatedRow:
        """Run a gate, and judge it."""
        if not setting.is_closed_loop:
            run = self._run(gate, self._recording, setting)
            return self._row(gate, run, self._recording.agent_speaking)
        closed = ClosedCall(
            self._line, self._call, self._far_end, stops_at_commitment=GATES[gate].stops_agent
        )
        run = self._run(gate, closed, setting)
        return self._row(gate, run, closed.agent_speaking)

    def _run(self, gate: str, call: PlayedCall, setting: TrialSetting) -> GateRun:
        delivered = DeliveredCall(
            call=call, arrivals_ms=self._arrivals_ms, line=self._scenario.levels["line"]
        )
        return GATES[gate].run(delivered, setting.config)

    def _row(self, gate: str, run: GateRun, agent_speaking: tuple[Interval, ...]) -> EvaluatedRow:
        truth = CallTruth(
            duration_ms=self._recording.duration_ms,
            agent_speaking=agent_speaking,
            caller_speech=self._recording.caller_speech,
        )
        row = ManifestRow(
            line=self._scenario.number + 1,
            id=f"call-{self._scenario.number + 1}",
            capture=_SIMULATED,
            far_end=_SIMULATED,
            provider=gate,
            agent_speaking=agent_speaking,
            caller_speech=self._recording.caller_speech,
            tags=dict(self._scenario.levels),
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
