"""Time of the gate per 20 ms of a call, at 8 kHz PCM16, on one core."""

from __future__ import annotations

__all__ = ["N_FRAMES", "N_ROUNDS", "time_figures"]

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from voxgate import AudioGatingManager

from .figure import Figure
from .sounds import Sounds, make_sounds
from .subject import GATED, UNGATED, make_manager

N_FRAMES = 3000
N_ROUNDS = 7

Step = Callable[[str, bytes, bytes, float], object]
"""One slot of a call: its id, what was captured, what is played, when."""
Times = npt.NDArray[np.float64]


@dataclass(slots=True)
class _Scenario:
    """What is measured, and the times of each round."""

    name: str
    limit_us: float
    provider: str
    step: Step
    """What a slot of the engine's asks of the gate."""
    captured: list[bytes]
    rounds: list[Times] = field(default_factory=list)

    def figure(self, timer_us: float) -> Figure:
        medians = [float(np.median(times)) for times in self.rounds]
        p99 = float(np.median([np.percentile(times, 99) for times in self.rounds]))
        return Figure(
            name=self.name,
            value=float(np.median(medians)) - timer_us,
            unit="us",
            limit=self.limit_us,
            best=min(medians) - timer_us,
            p99=p99 - timer_us,
        )


def time_figures() -> list[Figure]:
    """Measure every scenario in rounds, in turn, so that what disturbs one disturbs all.

    A round is a call of its own from its start; the first one warms up and does not count. What
    reading the clock takes is measured alike and taken off; the calls of the functions count.
    """
    manager = make_manager()
    sounds = make_sounds(N_FRAMES)
    scenarios = _scenarios(manager, sounds)
    timer_rounds: list[Times] = []
    for number in range(1 + N_ROUNDS):
        timer_rounds.append(_timer_us())
        for scenario in scenarios:
            call_id = f"{scenario.name} {number}"
            manager.start_call(call_id, provider=scenario.provider, now_ms=0.0)
            times = _times_us(scenario.step, call_id, scenario.captured, sounds.agent)
            manager.cleanup_call(call_id)
            if number > 0:
                scenario.rounds.append(times)
    timer_us = float(np.median([np.median(times) for times in timer_rounds]))
    return [scenario.figure(timer_us) for scenario in scenarios]


def _scenarios(manager: AudioGatingManager, sounds: Sounds) -> list[_Scenario]:
    silence = bytes(len(sounds.agent[0]))

    def pass_through(call_id: str, captured: bytes, _played: bytes, now_ms: float) -> None:
        manager.process(call_id, captured, now_ms)

    def agent_silent(call_id: str, captured: bytes, _played: bytes, now_ms: float) -> None:
        manager.process(call_id, captured, now_ms)
        manager.receive_far_end(call_id, silence, now_ms, is_agent_audio=False)
        manager.advance(call_id, now_ms)

    def agent_audible(call_id: str, captured: bytes, played: bytes, now_ms: float) -> None:
        manager.process(call_id, captured, now_ms)
        manager.receive_far_end(call_id, played, now_ms, is_agent_audio=True)
        manager.advance(call_id, now_ms)

    return [
        _Scenario("pass-through, a frame", 0.5, UNGATED, pass_through, sounds.caller),
        _Scenario("gate, a slot, caller talks", 30.0, GATED, agent_silent, sounds.caller),
        _Scenario("gate, a slot, agent talks", 30.0, GATED, agent_audible, sounds.echo),
        _Scenario("gate, a slot, both talk", 30.0, GATED, agent_audible, sounds.both),
    ]


def _times_us(step: Step, call_id: str, captured: list[bytes], played: list[bytes]) -> Times:
    """Return the time of each slot in us."""
    times_ns = np.empty(len(captured), np.int64)
    clock = time.perf_counter_ns
    for n, (frame, far_end) in enumerate(zip(captured, played, strict=True)):
        now_ms = 20.0 * n
        start_ns = clock()
        step(call_id, frame, far_end, now_ms)
        times_ns[n] = clock() - start_ns
    return times_ns / 1000


def _timer_us() -> Times:
    """Return what reading the clock twice takes, time after time, in us."""
    times_ns = np.empty(N_FRAMES, np.int64)
    clock = time.perf_counter_ns
    for n in range(N_FRAMES):
        start_ns = clock()
        times_ns[n] = clock() - start_ns
    return times_ns / 1000
