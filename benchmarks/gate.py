"""Time per 20 ms frame and memory per call of the gate, at 8 kHz PCM16."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from voxgate import AudioGatingManager, GatingConfig, GatingMode, ProviderGatingPolicy

FRAME_BYTES = 320
N_FRAMES = 4000
N_ROUNDS = 7
N_CALLS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure and the limit that it is held to."""

    name: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the figure is within its limit; True where there is none."""
        return self.limit is None or self.value <= self.limit


def babble_frames(n_frames: int, seed: int = 1) -> list[bytes]:
    """Return frames of noise under a syllabic envelope: no branch of the gate is left idle."""
    generator = np.random.default_rng(seed)
    n_samples = n_frames * FRAME_BYTES // 2
    envelope = 0.5 + 0.5 * np.sin(2 * np.pi * 3.0 * np.arange(n_samples) / 8000)
    samples = (generator.standard_normal(n_samples) * envelope * 3000).clip(-32768, 32767)
    pcm = samples.astype("<i2").tobytes()
    return [pcm[i : i + FRAME_BYTES] for i in range(0, len(pcm), FRAME_BYTES)]


def _median_us(step: Callable[[bytes, float], object], frames: list[bytes]) -> float:
    """Return the median time of one step in us, the best of several rounds."""
    medians = []
    now_ms = 0.0
    for _ in range(N_ROUNDS):
        times_ns = np.empty(len(frames), np.int64)
        for i, frame in enumerate(frames):
            now_ms += 20.0
            start_ns = time.perf_counter_ns()
            step(frame, now_ms)
            times_ns[i] = time.perf_counter_ns() - start_ns
        medians.append(float(np.median(times_ns)) / 1000)
    return float(np.median(medians))


def _timer_us(frames: list[bytes]) -> float:
    """Return what the measurement itself costs, to be taken off."""
    return _median_us(lambda _frame, _now_ms: None, frames)


def _manager(mode: GatingMode) -> AudioGatingManager:
    policies = {
        **GatingConfig().providers,
        "openai_realtime": ProviderGatingPolicy(gating_enabled=True, mode=mode),
    }
    return AudioGatingManager(config=GatingConfig(providers=policies))


def time_figures() -> list[Figure]:
    """Measure the time per frame of pass-through and gate, in turn, in one process."""
    frames = babble_frames(N_FRAMES)
    empty_us = _timer_us(frames)
    manager = _manager(GatingMode.VAD)
    manager.start_call("through", provider="deepgram", now_ms=0)
    manager.start_call("silent", provider="openai_realtime", now_ms=0)
    manager.start_call("audible", provider="openai_realtime", now_ms=0)
    far_end = frames[0]

    def audible(frame: bytes, now_ms: float) -> None:
        manager.receive_far_end("audible", far_end, now_ms, is_agent_audio=True)
        manager.process("audible", frame, now_ms)

    through_us = _median_us(lambda f, t: manager.process("through", f, t), frames) - empty_us
    silent_us = _median_us(lambda f, t: manager.process("silent", f, t), frames) - empty_us
    audible_us = _median_us(audible, frames) - empty_us
    return [
        Figure(name="pass-through, a frame", value=max(0.0, through_us), unit="us", limit=0.5),
        Figure(name="gate, agent silent (VAD, guard)", value=silent_us, unit="us", limit=30.0),
        Figure(name="gate, agent audible (VAD)", value=audible_us, unit="us", limit=30.0),
    ]


def memory_figures() -> list[Figure]:
    """Measure memory per call with 25 frames held, and what 1,000 ended calls leave behind."""
    frames = babble_frames(30)
    manager = _manager(GatingMode.VAD)
    _run_calls(manager, frames, "warm-up")
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    call_ids = _run_calls(manager, frames, "measured", cleanup=False)
    live = tracemalloc.get_traced_memory()[0] - before
    for call_id in call_ids:
        manager.cleanup_call(call_id)
    del call_ids
    gc.collect()
    left = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return [
        Figure(
            name="state of a call, 25 frames held",
            value=live / N_CALLS / 1024,
            unit="KiB",
            limit=16,
        ),
        Figure(
            name=f"left behind by {N_CALLS} ended calls", value=left / 1024, unit="KiB", limit=64
        ),
    ]


def _run_calls(
    manager: AudioGatingManager, frames: list[bytes], name: str, *, cleanup: bool = True
) -> list[str]:
    call_ids = [f"{name} {i}" for i in range(N_CALLS)]
    for call_id in call_ids:
        manager.start_call(call_id, provider="openai_realtime", now_ms=0)
        for k, frame in enumerate(frames):
            # A copy, as each frame of a real line is an object of its own.
            manager.receive_far_end(call_id, frame, k * 20.0, is_agent_audio=True)
            manager.process(call_id, bytes(bytearray(frame)), k * 20.0)
        if cleanup:
            manager.cleanup_call(call_id)
    return call_ids


def passthrough_keeps_nothing() -> Figure:
    """Measure the memory that 100,000 frames of pass-through keep."""
    manager = _manager(GatingMode.VAD)
    manager.start_call("through", provider="deepgram", now_ms=0)
    frame = bytes(FRAME_BYTES)
    manager.process("through", frame, 0.0)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for k in range(100_000):
        manager.process("through", frame, k * 20.0)
    kept = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return Figure(
        name="kept by 100,000 frames passed through", value=float(kept), unit="B", limit=128
    )


def figures() -> list[Figure]:
    """Measure everything of the gate."""
    return [*time_figures(), *memory_figures(), passthrough_keeps_nothing()]
