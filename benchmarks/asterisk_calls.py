"""Asterisk voice agents before and after: who cuts their agent off, the caller or its echo.

An engine of that kind, simulated slot by slot: it writes its agent's audio to the channel each
20 ms, sends what the caller's line delivers to a provider with a server-side turn detector, and
stops its agent whenever that hears speech. The same scripted calls run without a gate, with the
drop-in manager told of generated audio only, and with it told of what is written, too.

Invariant: no clock is read; the same sounds and seed give the same figures.
"""

from __future__ import annotations

__all__ = ["SETTINGS", "main", "run_call"]

import argparse
import contextlib
import json
import sys
from collections import deque
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.telephone_calls import Judged, ScriptedCall, TurnRecord, judge_turns
from voxgate.integrations.asterisk_agents import AsteriskGatingManager
from voxgate.lab.bench.sounds import Sounds, gather_sounds
from voxgate.lab.evaluate.wilson import wilson_interval
from voxgate.lab.scenarios.signals import FRAME_SAMPLES
from voxgate.realtime_server.turn_detector import (
    SpeechStarted,
    SpeechStopped,
    TurnDetector,
    TurnSettings,
)

SETTINGS = {
    "no_gate": "no gate",
    "generated": "the provider's three calls",
    "far_end": "and what is written to the channel",
}
"""What the engine does with the gate, by name."""

_CALL_ID, _PROVIDER = "call", "openai_realtime"
_MAX_S = 240.0
"""A call that does not come to its end by then is left out of nothing: its turns count."""
_THINKING_SLOTS = 25
"""Slots from the end of the caller's turn to the first of the answer: half a second."""
_SILENT = np.zeros(FRAME_SAMPLES, np.int16)
_Result = TypeVar("_Result")

Samples = npt.NDArray[np.int16]


@dataclass
class _Clock:
    now_ms: float = 0.0

    def __call__(self) -> float:
        return self.now_ms


class _Engine:
    """An engine and its provider, for one call."""

    def __init__(self, call: ScriptedCall, setting: str) -> None:
        self._call = call
        self._setting = setting
        self._clock = _Clock()
        self._gating = AsteriskGatingManager(clock=self._clock)
        self._detector = TurnDetector(TurnSettings())
        self._answers = deque(call.answers)
        self._queue: deque[Samples] = deque()
        self._answer_in: int | None = None

    def run(self) -> None:
        """Run the call to its end."""
        for number in range(int(_MAX_S * 50)):
            if self._call.is_over:
                return
            self._clock.now_ms = number * 20.0
            self._answer()
            played = self._queue.popleft() if self._queue else _SILENT
            if self._setting == "far_end" and played is not _SILENT:
                self._gating.receive_agent_audio(_CALL_ID, played.astype("<i2").tobytes())
            captured = self._call.step(played)
            self._clock.now_ms = (number + 1) * 20.0
            self._hear(self._sent(captured))

    def _answer(self) -> None:
        if self._answer_in is None:
            return
        self._answer_in -= 1
        if self._answer_in > 0:
            return
        self._answer_in = None
        self._answers.rotate(-1)
        self._queue = deque(_frames(self._answers[0]))
        self._gating.set_agent_speaking(
            _CALL_ID, is_speaking=True, audio_ms=20.0 * len(self._queue)
        )
        self._gating.set_agent_speaking(_CALL_ID, is_speaking=False)

    def _sent(self, captured: Samples) -> Samples:
        if self._setting == "no_gate":
            return captured
        chunk = captured.astype("<i2").tobytes()
        sent = _result(self._gating.audio_to_send(_CALL_ID, _PROVIDER, chunk, "pcm16_8k"))
        return np.frombuffer(sent, "<i2").astype(np.int16)

    def _hear(self, sent: Samples) -> None:
        """Let the provider's turn detector hear, and do what such an engine does."""
        for event in self._detector.process(sent):
            if isinstance(event, SpeechStarted):
                self._gating.receive_speech_started(_CALL_ID)
                self._answer_in = None
                if self._queue:
                    self._queue.clear()
                    self._gating.flush_agent_audio(_CALL_ID)
                    self._call.cut_off()
            elif isinstance(event, SpeechStopped):
                self._gating.receive_speech_stopped(_CALL_ID)
                self._answer_in = _THINKING_SLOTS


def run_call(call: ScriptedCall, setting: str) -> list[TurnRecord]:
    """Run a scripted call with one of :data:`SETTINGS`; return what became of its turns."""
    _Engine(call, setting).run()
    return call.turns


def main(arguments: list[str] | None = None) -> int:
    """Print the table, and write the figures as JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, help="sounds; synthetic ones if left out")
    parser.add_argument("--calls", type=int, default=40)
    parser.add_argument("--turns", type=int, default=6, help="of the agent's, a call")
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args(arguments)
    sounds = gather_sounds(options.corpus)
    for note in sounds.notes:
        print(f"note: {note}")
    figures = {}
    for setting, title in SETTINGS.items():
        turns: list[TurnRecord] = []
        for call in islice(_calls(sounds, options.turns), options.calls):
            turns += run_call(call, setting)
        for turn in turns:
            # An answer that was over before the caller came to interrupt it was not interrupted.
            turn.is_planned_over &= turn.onset_ms is not None or turn.cut_ms is not None
        judged = judge_turns(turns)
        figures[setting] = _as_json(judged)
        print(_line(title, judged), flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def _calls(sounds: Sounds, n_turns: int) -> Iterator[ScriptedCall]:
    """Yield calls, one a seed; a corpus may have voices that say too little for one."""
    for seed in count():
        with contextlib.suppress(ValueError):
            yield ScriptedCall(sounds.bank, sounds.split, seed, n_turns)


def _line(title: str, judged: Judged) -> str:
    latencies_ms = sorted(judged.latencies_ms) or [float("nan")]
    p50_ms, p95_ms = np.percentile(latencies_ms, [50, 95])
    return (
        f"{title:38} false {_share(judged.n_false, judged.n_turns)}  "
        f"right {_share(judged.n_right, judged.n_over)}  "
        f"cut off after {p50_ms:.0f} / {p95_ms:.0f} ms (p50 / p95)"
    )


def _share(part: int, of: int) -> str:
    low, high = wilson_interval(part, of)
    return (
        f"{part:3}/{of:<3} {100 * part / max(1, of):5.1f} % ({100 * low:.1f} to {100 * high:.1f})"
    )


def _as_json(judged: Judged) -> dict[str, Any]:
    return {
        "turns": judged.n_turns,
        "interrupted": judged.n_over,
        "false": judged.n_false,
        "right": judged.n_right,
        "skipped": judged.n_skipped,
        "latencies_ms": judged.latencies_ms,
    }


def _frames(samples: Samples) -> Iterator[Samples]:
    for at in range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        yield samples[at : at + FRAME_SAMPLES]


def _result(coroutine: Coroutine[Any, Any, _Result]) -> _Result:
    """Return what a coroutine that never waits returns."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: _Result = stop.value
        return result
    raise RuntimeError("it waits")


if __name__ == "__main__":
    sys.exit(main())
