"""Time of the gate per 20 ms of a call, at 8 kHz PCM16, on one core."""

from __future__ import annotations

__all__ = ["N_FRAMES", "N_ROUNDS", "time_figures"]

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from voxgate import AudioFormat, AudioGatingManager, GatingMode

from .figure import Figure
from .sounds import Sounds, make_sounds
from .subject import GATED, UNGATED, make_manager

N_FRAMES = 3000
N_ROUNDS = 7

Step = Callable[[str, bytes, bytes, float], object]
"""One slot of a call: its id, what was captured, what is played, when."""
Times = npt.NDArray[np.float64]

_LONGEST_US = 2000.0
"""A tenth of a frame: what would hold the loop for longer belongs into a thread."""


@dataclass(slots=True)
class _Scenario:
    """What is measured, and the times of each round."""

    name: str
    limit_us: float
    manager: AudioGatingManager
    provider: str
    step: Step
    """What a slot of the engine's asks of the gate."""
    captured: list[bytes]
    has_longest: bool = False
    """Whether the longest slot is of interest, too."""
    rounds: list[Times] = field(default_factory=list)
    """Times of the slots of each round, in us."""

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

    def longest(self) -> Figure:
        """Return the slot that takes longest, whatever else the machine does.

        A slot that holds the loop does so in every round, the machine's other work only in some: so
        it is the longest of the slots, each by its median, and for sure by its shortest time.
        """
        return Figure(
            name="... the longest slot",
            value=float(np.median(self.rounds, axis=0).max()),
            unit="us",
            limit=_LONGEST_US,
            best=float(np.min(self.rounds, axis=0).max()),
        )


def time_figures() -> list[Figure]:
    """Measure every scenario in rounds, in turn, so that what disturbs one disturbs all.

    A round is a call of its own from its start; the first one warms up and does not count. What
    reading the clock takes is measured alike and taken off; the calls of the functions count.
    """
    sounds = make_sounds(N_FRAMES)
    scenarios = [*_scenarios(make_manager(), sounds), *_echo_aware_scenarios(sounds)]
    timer_rounds: list[Times] = []
    for number in range(1 + N_ROUNDS):
        timer_rounds.append(_timer_us())
        for scenario in scenarios:
            times = _round_us(scenario, number, sounds)
            if number > 0:
                scenario.rounds.append(times)
    timer_us = float(np.median([np.median(times) for times in timer_rounds]))
    figures = []
    for scenario in scenarios:
        figures.append(scenario.figure(timer_us))
        if scenario.has_longest:
            figures.append(scenario.longest())
    return figures


def _round_us(scenario: _Scenario, number: int, sounds: Sounds) -> Times:
    call_id, manager = f"{scenario.name} {number}", scenario.manager
    manager.start_call(call_id, provider=scenario.provider, now_ms=0.0)
    times = _times_us(scenario.step, call_id, scenario.captured, sounds.agent)
    stats = manager.get_stats(call_id)
    assert stats is None or stats.degradations == 0, (
        "a detector raised: something else was measured"
    )
    manager.cleanup_call(call_id)
    return times


def _scenarios(manager: AudioGatingManager, sounds: Sounds) -> list[_Scenario]:
    def pass_through(call_id: str, captured: bytes, _played: bytes, now_ms: float) -> None:
        manager.process(call_id, captured, now_ms)

    silent, audible = _agent_silent(manager), _agent_audible(manager)
    return [
        _Scenario("pass-through, a frame", 0.5, manager, UNGATED, pass_through, sounds.caller),
        _Scenario("gate, a slot, caller talks", 120.0, manager, GATED, silent, sounds.caller),
        _Scenario("gate, a slot, agent talks", 30.0, manager, GATED, audible, sounds.echo),
        _Scenario("gate, a slot, both talk", 30.0, manager, GATED, audible, sounds.both),
    ]


def _echo_aware_scenarios(sounds: Sounds) -> list[_Scenario]:
    manager = make_manager(GatingMode.ECHO_AWARE)
    silent, audible = _agent_silent(manager), _agent_audible(manager)
    scenarios = [
        _Scenario("echo-aware slot, caller talks", 150.0, manager, GATED, silent, sounds.caller),
        _Scenario("echo-aware slot, agent talks", 120.0, manager, GATED, audible, sounds.echo),
        _Scenario("echo-aware slot, both talk", 120.0, manager, GATED, audible, sounds.both),
    ]
    return [replace(scenario, has_longest=True) for scenario in scenarios]


def _agent_silent(manager: AudioGatingManager) -> Step:
    silence = AudioFormat().silence(AudioFormat().frame_bytes)

    def step(call_id: str, captured: bytes, _played: bytes, now_ms: float) -> None:
        manager.process(call_id, captured, now_ms)
        manager.receive_far_end(call_id, silence, now_ms, is_agent_audio=False)
        manager.advance(call_id, now_ms)

    return step


def _agent_audible(manager: AudioGatingManager) -> Step:
    def step(call_id: str, captured: bytes, played: bytes, now_ms: float) -> None:
        manager.process(call_id, captured, now_ms)
        manager.receive_far_end(call_id, played, now_ms, is_agent_audio=True)
        manager.advance(call_id, now_ms)

    return step


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
