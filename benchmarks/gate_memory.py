"""Memory of the gate: what a call holds, what it leaves behind, what pass-through keeps."""

from __future__ import annotations

__all__ = ["N_CALLS", "memory_figures"]

import gc
import mmap
import tracemalloc
from pathlib import Path

import webrtcvad

from voxgate import AudioGatingManager, GateState, GatingMode

from .figure import Figure
from .sounds import Sounds, make_sounds
from .subject import GATED, UNGATED, make_manager

N_CALLS = 1000
_FRAMES = slice(50, 110)
"""The agent's first second is a pause; then it talks."""
_HELD_FRAMES = 25
_N_PASSED_FRAMES = 100_000
_N_DETECTORS = 20_000
_KB = 1000
_KIB = 1024
_N_ECHO_AWARE_CALLS = 100


def memory_figures() -> list[Figure]:
    """Measure what calls take; a kB is 1,000 bytes."""
    detector_bytes = _detector_bytes()
    state_bytes, left_bytes = _call_bytes(GatingMode.VAD, N_CALLS)
    aware_bytes, aware_left_bytes = _call_bytes(GatingMode.ECHO_AWARE, _N_ECHO_AWARE_CALLS)
    return [
        Figure(
            name="state of a call, 25 frames held",
            value=(state_bytes + detector_bytes) / _KB,
            unit="kB",
            limit=24,
        ),
        Figure(name="... of which WebRTC VAD in C", value=detector_bytes / _KB, unit="kB"),
        Figure(name="left behind by a call that ended", value=left_bytes, unit="B", limit=1),
        Figure(
            name="state of an echo-aware call",
            value=(aware_bytes + detector_bytes) / _KIB,
            unit="KiB",
            limit=1024,
        ),
        Figure(name="... left behind when it ended", value=aware_left_bytes, unit="B", limit=1),
        Figure(name="kept by a frame passed through", value=_kept_bytes(), unit="B", limit=0.001),
    ]


def _call_bytes(mode: GatingMode, n_calls: int) -> tuple[float, float]:
    """Return what a live call takes and what an ended one leaves, in bytes, by tracemalloc.

    As many calls were alive at once before, so that what grows with the largest number of calls,
    and only with that, is not taken for a leak.
    """
    manager = make_manager(mode)
    sounds = make_sounds(_FRAMES.stop)
    call_ids = [f"call {n}" for n in range(n_calls)]
    _start_calls(manager, call_ids[:1], sounds)  # what is loaded once is no call's
    _end_calls(manager, call_ids[:1])
    tracemalloc.start()
    try:
        empty = _traced_bytes()
        _start_calls(manager, call_ids, sounds)
        live = _traced_bytes() - empty
        _end_calls(manager, call_ids)
        after_one = _traced_bytes()
        for _ in range(2):
            _start_calls(manager, call_ids, sounds)
            _end_calls(manager, call_ids)
        left = _traced_bytes() - after_one
    finally:
        tracemalloc.stop()
    return live / n_calls, max(0, left) / (2 * n_calls)


def _start_calls(manager: AudioGatingManager, call_ids: list[str], sounds: Sounds) -> None:
    """Bring each call to where it holds most: the agent talks, and its echo waits."""
    for call_id in call_ids:
        manager.start_call(call_id, provider=GATED, now_ms=0.0)
        slots = zip(sounds.agent[_FRAMES], sounds.echo[_FRAMES], strict=True)
        for n, (far_end, frame) in enumerate(slots):
            manager.receive_far_end(call_id, far_end, 20.0 * n, is_agent_audio=True)
            # A copy, as each frame of a real line is an object of its own.
            manager.process(call_id, bytes(bytearray(frame)), 20.0 * n)
        stats = manager.get_stats(call_id)
        assert manager.get_state(call_id) is GateState.CLOSED, "its held frames are gone"
        assert stats is not None
        assert stats.degradations == 0, "a detector raised: it may hold less than it should"
        assert stats.withheld_frames - stats.released_frames >= _HELD_FRAMES


def _end_calls(manager: AudioGatingManager, call_ids: list[str]) -> None:
    for call_id in call_ids:
        manager.cleanup_call(call_id)
    assert len(manager) == 0


def _traced_bytes() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def _kept_bytes() -> float:
    """Return what a frame that passes through leaves behind, in bytes."""
    manager = make_manager()
    manager.start_call("call", provider=UNGATED, now_ms=0.0)
    tracemalloc.start()
    try:
        _pass_frames(manager, 100)
        before = _traced_bytes()
        _pass_frames(manager, _N_PASSED_FRAMES)
        return max(0, _traced_bytes() - before) / _N_PASSED_FRAMES
    finally:
        tracemalloc.stop()


def _pass_frames(manager: AudioGatingManager, n_frames: int) -> None:
    frame = bytes(320)
    for n in range(n_frames):
        manager.process("call", frame, 20.0 * n)


def _detector_bytes() -> float:
    """Return what a WebRTC VAD takes that tracemalloc does not see; 0 where it can't be told."""
    detectors = [webrtcvad.Vad(3) for _ in range(_N_DETECTORS)]
    before = _resident_bytes()
    detectors += [webrtcvad.Vad(3) for _ in range(_N_DETECTORS)]
    return max(0, _resident_bytes() - before) / _N_DETECTORS


def _resident_bytes() -> int:
    path = Path("/proc/self/statm")
    return int(path.read_text(encoding="ascii").split()[1]) * mmap.PAGESIZE if path.exists() else 0
