"""Scripted calls to a Pipecat agent, with and without the gate, side by side in one run.

Run it where Pipecat is installed (``tools/test_frameworks.sh pipecat --install`` makes such a
place)::

    .venvs/pipecat-newest/bin/python -m benchmarks.pipecat_calls [--corpus FOLDER]

Engines, phones and the embedded Realtime server share one event loop whose time is made up, over
real sockets on the loopback: a busy machine takes longer and changes nothing. With ``--real-time``
each engine is a process of :mod:`.pipecat_engine`, and time is real: for a machine with nothing
else to do. Invariant: both engines get the same calls, at the same time.
"""

from __future__ import annotations

__all__ = ["Comparison", "compare", "main"]

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass
from importlib.metadata import version
from itertools import cycle
from pathlib import Path
from types import ModuleType
from typing import Any

from voxgate.clock import Clock, monotonic_ms
from voxgate.core.audio import AudioFormat
from voxgate.integrations.pipecat import TurnFinder
from voxgate.lab.bench.sounds import Sounds, gather_sounds
from voxgate.realtime_server import AnswerRequest, RealtimeServer, Speech

from .machine import describe_machine
from .pipecat_engine import EngineSettings, PipecatEngine
from .scripted_phone import ScriptedPhone
from .telephone_calls import ERL_DB, Judged, ScriptedCall, TurnRecord, judge_turns

_MODES = ("server", "local")
"""Who finds the caller's turns: the Realtime server, or Silero VAD in the pipeline."""
_START_S = 60.0
_OUT = Path("out/pipecat-calls.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The same calls on engines that differ in the gate alone."""

    before: list[TurnRecord]
    """The agent's turns without the gate."""
    after: list[TurnRecord]
    """Those with it."""
    latest_s: float
    """How late a telephone itself was, at most."""


class _ScriptedAnswerer:
    """Says one of the call's answers after the other."""

    def __init__(self, call: ScriptedCall) -> None:
        self._answers = cycle(call.answers)

    async def answer(self, request: AnswerRequest) -> AsyncIterator[Speech]:  # noqa: ARG002
        audio = next(self._answers).tobytes()
        yield Speech(text="", audio=audio, audio_format=AudioFormat())


class _Exchange:
    """The Realtime server; each session answers by the script of the call placed last."""

    def __init__(self, clock: Clock) -> None:
        self._next: ScriptedCall | None = None
        self._taken = asyncio.Event()
        self.latest_s = 0.0
        """How late a telephone was, at most."""
        self.server = RealtimeServer(answerer_factory=self._answerer, clock=clock)

    def _answerer(self) -> _ScriptedAnswerer:
        assert self._next is not None, "a call has been placed"
        self._taken.set()
        return _ScriptedAnswerer(self._next)

    async def place(self, call: ScriptedCall, url: str) -> asyncio.Task[list[TurnRecord]]:
        """Start a call, and return once its session is there."""
        self._next = call
        self._taken.clear()
        playing = asyncio.create_task(self._play(call, url), name="scripted call")
        async with asyncio.timeout(_START_S):
            await self._taken.wait()
        return playing

    async def _play(self, call: ScriptedCall, url: str) -> list[TurnRecord]:
        phone = ScriptedPhone(call)
        turns = await phone.play(url)
        self.latest_s = max(self.latest_s, phone.latest_s)
        return turns


@asynccontextmanager
async def _engine(realtime_url: str, mode: str, *, is_gated: bool) -> AsyncIterator[str]:
    """Run an engine as a process of its own; gives the URL to call."""
    words = ["-m", "benchmarks.pipecat_engine", "--realtime-url", realtime_url, "--turns", mode]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        *(["--gate"] if is_gated else []),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None, "asked for"
    try:
        async with asyncio.timeout(_START_S):
            line = b""
            while b" listens on " not in line:
                line = await process.stdout.readline()
                assert line, "the engine did not start"
        draining = asyncio.create_task(process.stdout.read(), name="engine output")
        yield f"ws://{line.split()[-1].decode()}/twilio"
        del draining
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def _own_engine(realtime_url: str, mode: str, *, is_gated: bool) -> AsyncIterator[str]:
    """Run an engine in this loop; gives the URL to call."""
    settings = EngineSettings(
        realtime_url=realtime_url, is_gated=is_gated, turn_finder=TurnFinder(mode)
    )
    async with PipecatEngine(settings, clock=_loop_ms).serving() as port:
        yield f"ws://127.0.0.1:{port}/twilio"


def _loop_ms() -> float:
    return asyncio.get_running_loop().time() * 1000


class _LoopTime(ModuleType):
    """The module ``time``, as a loop has it that makes up its own."""

    def __getattr__(self, name: str) -> object:
        if name in ("time", "monotonic", "perf_counter"):
            return asyncio.get_running_loop().time
        return getattr(time, name)


def _virtual_loop() -> asyncio.AbstractEventLoop:
    """Return a loop that makes up its time, after Pipecat was given the same."""
    sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
    from support.virtual_time import VirtualTimeLoop  # type: ignore[import-not-found, unused-ignore]

    for name, module in list(sys.modules.items()):
        if name.startswith("pipecat.") and getattr(module, "time", None) is time:
            module.time = _LoopTime("time")  # type: ignore[attr-defined]

    class Loop(VirtualTimeLoop):  # type: ignore[misc, unused-ignore]
        """Does at once what is for a thread: a thread would be late in this time."""

        def run_in_executor(self, _: object, work: Callable[..., object], *args: object) -> object:
            done = self.create_future()
            done.set_result(work(*args))
            return done

    loop: asyncio.AbstractEventLoop = Loop(
        patience_s=0.0001, step_s=0.02, hang_s=20.0, max_turns=10**10
    )
    return loop


async def compare(
    mode: str, calls: Sequence[ScriptedCall], n_at_once: int, *, is_real_time: bool
) -> Comparison:
    """Place all calls at both engines, so many at a time at each."""
    run_engine = _engine if is_real_time else _own_engine
    exchange = _Exchange(monotonic_ms if is_real_time else _loop_ms)
    before: list[TurnRecord] = []
    after: list[TurnRecord] = []
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(exchange.server)
        url = exchange.server.url
        plain = await stack.enter_async_context(run_engine(url, mode, is_gated=False))
        gated = await stack.enter_async_context(run_engine(url, mode, is_gated=True))
        for engine in (plain, gated):  # the first call waits for what is loaded when it is needed
            await (await exchange.place(_shortened(calls[0]), engine))
        exchange.latest_s = 0.0
        for at in range(0, len(calls), n_at_once):
            placed = []
            for call in calls[at : at + n_at_once]:
                for engine, turns in ((plain, before), (gated, after)):
                    placed.append((await exchange.place(deepcopy(call), engine), turns))
            for playing, turns in placed:
                turns.extend(await playing)
    return Comparison(before=before, after=after, latest_s=exchange.latest_s)


def _shortened(call: ScriptedCall) -> ScriptedCall:
    """Return the call with its first turn alone."""
    short = deepcopy(call)
    del short.plan[1:]
    return short


def _calls(sounds: Sounds, n_calls: int, n_turns: int, seed: int) -> list[ScriptedCall]:
    return [
        ScriptedCall(sounds.bank, sounds.split, seed * 1000 + number, n_turns)
        for number in range(n_calls)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, show a table, and write JSON."""
    options = _options(arguments)
    sounds = gather_sounds(options.corpus, options.split)
    report: dict[str, Any] = {
        "machine": describe_machine(),
        "pipecat": version("pipecat-ai"),
        "erl_db": ERL_DB,
        "sounds": {"speakers": sounds.speakers, "notes": list(sounds.notes)},
    }
    titles = f"{'turns found by':16} {'gate':>5} {'turns':>6} {'false':>14} {'right':>17}"
    print(f"{titles} {'p50/p95 ms':>12}")
    for mode in options.mode or _MODES:
        calls = _calls(sounds, options.calls, options.turns, options.seed)
        loop_factory = None if options.real_time else _virtual_loop
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            comparison = runner.run(
                compare(mode, calls, options.at_once, is_real_time=options.real_time)
            )
        judged = {"no": judge_turns(comparison.before), "yes": judge_turns(comparison.after)}
        for gate, figures in judged.items():
            print(_row(mode, gate, figures), flush=True)
        if options.real_time:
            print(f"the telephones were up to {comparison.latest_s * 1000:.0f} ms late")
        report[mode] = {gate: figures.figures() for gate, figures in judged.items()}
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(f"Written to {options.out}.")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pipecat_calls", description=__doc__)
    parser.add_argument("--calls", type=int, default=36, help="calls at each engine")
    parser.add_argument("--turns", type=int, default=6, help="turns of the agent's in a call")
    parser.add_argument("--at-once", type=int, default=4, help="calls at once at each engine")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real-time", action="store_true", help="engines as processes")
    parser.add_argument("--corpus", type=Path, help="folder of recorded sounds")
    parser.add_argument("--split", default="all")
    parser.add_argument("--mode", choices=_MODES, action="append", help="default: both")
    parser.add_argument("--out", type=Path, default=_OUT)
    return parser.parse_args(arguments)


def _row(mode: str, gate: str, judged: Judged) -> str:
    each = judged.figures()
    false = f"{each['false']} ({each['false_pct']} %)"
    right = f"{each['right']}/{each['with_caller']} ({each['right_pct']} %)"
    times = f"{each['latency_ms_p50']}/{each['latency_ms_p95']}"
    return f"{mode:16} {gate:>5} {each['turns']:>6} {false:>14} {right:>17} {times:>12}"


if __name__ == "__main__":
    sys.exit(main())
