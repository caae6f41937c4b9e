"""How soon the local agent's own recogniser and voice answer, and what they cost.

``python -m benchmarks.local_agent_time``. Turns are sent at the pace at which they are spoken, over
a telephone line; from the end of a turn's sound to its text counts, the silence that ends a turn
does not.
"""

from __future__ import annotations

__all__ = ["main"]

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import numpy as np

from voxgate.config.local_models import LocalConfig, PiperVoiceConfig, PocketsphinxConfig
from voxgate.core.stream_converter import StreamConverter
from voxgate.errors import ProviderError
from voxgate.local_agent.piper_voice import PiperVoice
from voxgate.local_agent.pocketsphinx_recogniser import PocketsphinxRecogniser
from voxgate.local_agent.recogniser import RECOGNISER_FORMAT
from voxgate.local_agent.required_packages import missing_packages
from voxgate.realtime_server.voice_library import VoiceLibrary

Part = TypeVar("Part")

_ROUNDS = 2
_FRAME_S = 0.02
_TICKS_HZ = 100
"""Of the times under ``/proc``, on Linux."""
_SENTENCES = (
    "Hello, how can I help you?",
    "One moment, please.",
    "We are open from nine to five, Monday to Friday.",
    "I have put you down for three o'clock tomorrow afternoon.",
    "Of course, I will send you a message as soon as it is ready.",
    "Could you say that once more, please?",
)


@dataclass(slots=True)
class _Taken:
    """What was measured of one part."""

    waits_s: list[float] = field(default_factory=list)
    """From the end of a turn to its text, or from a text to its first sound."""
    totals_s: list[float] = field(default_factory=list)
    """From a text to its last sound."""
    sound_s: float = 0.0
    cpu_s: float = 0.0
    stalls_s: list[float] = field(default_factory=list)
    """How much later than asked for the event loop came round."""


def main() -> int:
    """Measure and show; 1 if a package is missing."""
    if missing := missing_packages(LocalConfig()):
        print(missing, file=sys.stderr)
        return 1
    asyncio.run(_measure())
    return 0


async def _measure() -> None:
    recogniser = PocketsphinxRecogniser(PocketsphinxConfig(processes=1, timeout_s=60.0))
    voice = PiperVoice(PiperVoiceConfig(processes=1, timeout_s=60.0))
    try:
        started_s = [await _timed(part.start) for part in (recogniser, voice)]
        print(f"start: recogniser {started_s[0]:.1f} s, voice {started_s[1]:.1f} s")
        _show("turn's end to text", await _watched(recogniser.process_ids, _hear, recogniser))
        _show("text to first sound", await _watched(voice.process_ids, _speak, voice))
    except ProviderError as exc:
        print(exc, file=sys.stderr)
    finally:
        await recogniser.stop()
        await voice.stop()


async def _hear(recogniser: PocketsphinxRecogniser, taken: _Taken) -> None:
    lines = VoiceLibrary.load(files("voxgate.lab") / "voices").values()
    for line in [line for _ in range(_ROUNDS) for line in lines]:
        pcm = StreamConverter(line.audio_format, RECOGNISER_FORMAT).process(line.audio)
        turn = recogniser.begin()
        begun_s = time.perf_counter()
        frames = range(0, len(pcm), RECOGNISER_FORMAT.frame_bytes)
        for number, start in enumerate(frames, start=1):
            await asyncio.sleep(begun_s + number * _FRAME_S - time.perf_counter())
            turn.send_audio(pcm[start : start + RECOGNISER_FORMAT.frame_bytes])
        taken.waits_s.append(await _timed(turn.finish))
        taken.sound_s += RECOGNISER_FORMAT.duration_ms(len(pcm)) / 1000


async def _speak(voice: PiperVoice, taken: _Taken) -> None:
    for text in _SENTENCES * _ROUNDS:
        begun_s = time.perf_counter()
        first_s = None
        async for piece in voice.speak(text):
            first_s = first_s or time.perf_counter() - begun_s
            taken.sound_s += piece.audio_format.duration_ms(len(piece.audio)) / 1000
        taken.waits_s.append(first_s or 0.0)
        taken.totals_s.append(time.perf_counter() - begun_s)


async def _watched(
    process_ids: Sequence[int], work: Callable[[Part, _Taken], Awaitable[None]], part: Part
) -> _Taken:
    """Do the work, and take note of what its processes and the event loop have to do for it."""
    taken = _Taken()
    watch = asyncio.create_task(_watch_loop(taken.stalls_s))
    before_s = _cpu_s(process_ids)
    try:
        await work(part, taken)
    finally:
        watch.cancel()
    taken.cpu_s = _cpu_s(process_ids) - before_s
    return taken


async def _watch_loop(stalls_s: list[float]) -> None:
    while True:
        asked_s = time.perf_counter() + 0.001
        await asyncio.sleep(0.001)
        stalls_s.append(time.perf_counter() - asked_s)


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    begun_s = time.perf_counter()
    await work()
    return time.perf_counter() - begun_s


def _cpu_s(process_ids: Iterable[int]) -> float:
    """Return the CPU time of processes in s, or NaN where the system does not tell."""
    try:
        stats = [Path(f"/proc/{number}/stat").read_text("ascii") for number in process_ids]
    except OSError:
        return float("nan")
    fields = [stat.rpartition(")")[2].split() for stat in stats]
    return sum(int(one[11]) + int(one[12]) for one in fields) / _TICKS_HZ


def _show(name: str, taken: _Taken) -> None:
    p50, p95 = np.percentile(taken.waits_s, (50, 95)) * 1000
    late_ms = np.percentile(taken.stalls_s, 99) * 1000
    total = f", all of it {sum(taken.totals_s) / taken.sound_s:.2f} s a s" if taken.totals_s else ""
    print(
        f"{name}: p50 {p50:.0f} ms, p95 {p95:.0f} ms (n = {len(taken.waits_s)}{total}); "
        f"CPU {taken.cpu_s / taken.sound_s:.2f} s for a second of speech; "
        f"event loop late by {late_ms:.1f} ms p99"
    )


if __name__ == "__main__":
    raise SystemExit(main())
