"""What recording a call costs, the loop and its thread: `python -m benchmarks.recording_cost`."""

from __future__ import annotations

__all__ = ["N_RECORDED_SLOTS", "recording_figures"]

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figure import Figure
from benchmarks.sounds import make_sounds
from benchmarks.subject import GATED
from voxgate.call_observer import CallStarted
from voxgate.config.recording_model import RecordedCalls, RecordingConfig
from voxgate.core.audio import FRAME_MS
from voxgate.core.gate_decision import GateDecision
from voxgate.core.gate_tape import FarEndPlayed, FrameCaptured, GateInput
from voxgate.core.playout import PlayoutFrame
from voxgate.core.taped_gating_manager import TapedGatingManager
from voxgate.observe.call_recorder import CallRecorder
from voxgate.observe.recording_thread import RecordingThread
from voxgate.recordings import list_calls
from voxgate.recordings.encryption import recipients
from voxgate.transports.base import LineAudio

N_RECORDED_SLOTS = 1500
_N_ROUNDS = 5
_MINUTE_SLOTS = 60_000 // FRAME_MS
_MB = 1e6
_PUBLIC_KEY = "age10ajk2ykadtz80xysv826q72n23nhkkq3e4fl98r8h9q4t75cfcmsh0damv"

Taped = list[tuple[GateInput, GateDecision | None]]


def recording_figures() -> list[Figure]:
    """Measure calls with an agent, its echo and a caller over it, in rounds, in turn."""
    tape = _tape()
    kinds: dict[str, dict[str, Any]] = {
        "without audio": {"audio": False},
        "with audio": {"audio": True},
    }
    if find_spec("pyrage") is not None:
        kinds["with audio, encrypted"] = {"audio": True, "encrypt_to": (_PUBLIC_KEY,)}
    rounds = {
        name: [_round(tape, fields) for _ in range(_N_ROUNDS)] for name, fields in kinds.items()
    }
    figures = []
    for name, measured in rounds.items():
        loops_us, threads_us, sizes = zip(*measured, strict=True)
        figures += [
            Figure(
                name=f"recorded {name}: a slot",
                value=median(loops_us),
                unit="us",
                limit=10,
                best=min(loops_us),
            ),
            Figure(
                name="... in the thread",
                value=median(threads_us),
                unit="us",
                limit=150,
                best=min(threads_us),
            ),
            Figure(name="... a minute of it", value=sizes[0] / _MB, unit="MB"),
        ]
    return figures


class _Tape:
    """Keeps everything."""

    def __init__(self) -> None:
        self.entries: Taped = []

    def receive(self, given: GateInput, decision: GateDecision | None) -> None:
        self.entries.append((given, decision))


def _tape() -> Taped:
    sounds, manager, tape = make_sounds(N_RECORDED_SLOTS), TapedGatingManager(), _Tape()
    manager.tap_call("call", tape)
    manager.start_call("call", provider=GATED, now_ms=0.0)
    for n, (far_end, frame) in enumerate(zip(sounds.agent, sounds.both, strict=True), 1):
        now_ms = float(n * FRAME_MS)
        manager.receive_far_end("call", far_end, now_ms, is_agent_audio=True)
        manager.advance("call", now_ms)
        manager.process("call", frame, now_ms)
    return tape.entries


def _round(tape: Taped, fields: dict[str, Any]) -> tuple[float, float, float]:
    """Return the loop's and the thread's time of a slot in us, and the bytes of a minute."""
    with tempfile.TemporaryDirectory() as folder:
        config = RecordingConfig(calls=RecordedCalls.ALL, folder=folder, **fields)
        thread = RecordingThread(
            recipients(config.encrypt_to) if config.encrypt_to else (), max_batches=1_000_000
        )
        manager = TapedGatingManager()
        recorder = CallRecorder(
            config, manager, wall_clock=lambda: datetime.now(UTC), thread=thread
        )
        loop_us = _time_us(lambda: _tell(recorder, manager, tape))
        thread_us = _time_us(lambda: _write(thread))
        n_bytes = sum(call.size_bytes for call in list_calls(Path(folder)))
    return (
        loop_us / N_RECORDED_SLOTS,
        thread_us / N_RECORDED_SLOTS,
        n_bytes * _MINUTE_SLOTS / N_RECORDED_SLOTS,
    )


def _write(thread: RecordingThread) -> None:
    thread.write_waiting()
    thread.close_all()


def _tell(recorder: CallRecorder, manager: TapedGatingManager, tape: Taped) -> None:
    """Tell a recorder of a call as the engine does: the line, and then its gate."""
    recorder.on_call_started(
        CallStarted(call_id="call", provider=GATED, line="audiosocket", started_ms=0.0)
    )
    tap = manager._taps["call"]  # noqa: SLF001 - what the gate itself would tell
    for given, decision in tape:
        if isinstance(given, FrameCaptured):
            recorder.on_line_event("call", given.now_ms, LineAudio(given.audio))
        elif isinstance(given, FarEndPlayed):
            played = PlayoutFrame(audio=given.audio, is_agent_audio=True, item_id="item")
            recorder.on_playout("call", given.now_ms, played)
        tap.receive(given, decision)


def _time_us(work: Callable[[], None]) -> float:
    """Return the CPU time of this process, threads and system included."""
    began_s = time.process_time()
    work()
    return (time.process_time() - began_s) * 1e6


if __name__ == "__main__":
    for each in recording_figures():
        print(f"{each.name:40} {each.value:8.2f} {each.unit}")
