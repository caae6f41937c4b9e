"""One side of `benchmarks.compare`: says what it can measure, then does what it is told to.

On standard input comes the name of a scenario a line; on standard output goes the CPU time of one
of its slots, in us.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from statistics import median

import voxgate
from benchmarks.call_slot_time import slot_times_us
from benchmarks.sounds import Sounds, make_sounds
from benchmarks.subject import GATED, make_manager
from voxgate import AudioFormat, AudioGatingManager, GatingMode

try:
    from voxgate.core.compiled import is_compiled
except ImportError:  # a version from before there was such a thing

    def is_compiled() -> bool:  # noqa: D103 - as in the package
        return False


_N_CALLS = 20
"""Calls that take turns: one that runs alone has all caches for itself."""
_N_SLOTS = 50
_N_FRAMES = 3000
_CALL_S = 1.0

_SILENCE = AudioFormat().silence(AudioFormat().frame_bytes)


class _GateScenario:
    """The gate alone; a round is a second of each call."""

    def __init__(
        self, manager: AudioGatingManager, captured: list[bytes], played: list[bytes] | None
    ) -> None:
        self._manager, self._captured, self._played = manager, captured, played
        self._calls = [f"{id(self)} {number}" for number in range(_N_CALLS)]
        self._slots = count()
        for call_id in self._calls:
            manager.start_call(call_id, provider=GATED, now_ms=0.0)

    def measure_us(self) -> float:
        start_s = time.process_time()
        for _ in range(_N_SLOTS):
            self._pass_slot(next(self._slots))
        took_s = time.process_time() - start_s
        stats = [self._manager.get_stats(call_id) for call_id in self._calls]
        assert not any(each and each.degradations for each in stats), "a detector raised"
        return took_s * 1e6 / (_N_SLOTS * _N_CALLS)

    def _pass_slot(self, slot: int) -> None:
        manager, now_ms = self._manager, 20.0 * slot
        for number, call_id in enumerate(self._calls):
            at = (slot + 137 * number) % _N_FRAMES
            played = _SILENCE if self._played is None else self._played[at]
            manager.process(call_id, self._captured[at], now_ms)
            manager.receive_far_end(
                call_id, played, now_ms, is_agent_audio=self._played is not None
            )
            manager.advance(call_id, now_ms)


def _scenarios() -> dict[str, Callable[[], float]]:
    sounds = make_sounds(10 * 450)
    measures: dict[str, Callable[[], float]] = {}
    for mode in (GatingMode.VAD, GatingMode.ECHO_AWARE):
        manager = make_manager(mode)
        parts = {
            "caller talks": (sounds.caller, None),
            "agent talks": (sounds.echo, sounds.agent),
            "both talk": (sounds.both, sounds.agent),
        }
        for name, (captured, played) in parts.items():
            scenario = _GateScenario(manager, captured, played)
            measures[f"gate, {mode}, {name}"] = scenario.measure_us
    for mode in (GatingMode.OFF, GatingMode.VAD, GatingMode.ECHO_AWARE):
        measures[f"call, {mode}"] = partial(_median_slot_us, mode, sounds)
    return measures


def _median_slot_us(mode: GatingMode, sounds: Sounds) -> float:
    return median(slot_times_us(mode, sounds, _CALL_S))


def _main() -> None:
    measures = _scenarios()
    head = {
        "file": voxgate.__file__,
        "compiled": is_compiled(),
        "scenarios": list(measures),
    }
    print(json.dumps(head), flush=True)
    for line in sys.stdin:
        print(measures[line.rstrip("\n")](), flush=True)


if __name__ == "__main__":
    _main()
