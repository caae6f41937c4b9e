"""Scripted calls to a Pipecat agent, with and without the gate, side by side in one run.

Run it where Pipecat is installed (``tools/test_frameworks.sh pipecat --install`` makes such a
place)::

    .venvs/pipecat-newest/bin/python -m benchmarks.pipecat_calls --corpus corpus

Engines, phones and the embedded Realtime server share one event loop whose time is made up, over
real sockets on the loopback: a busy machine takes longer and changes nothing. With ``--real-time``
each engine is a process of :mod:`.pipecat_engine`, and time is real: for a machine with nothing
else to do. Invariant: both engines get the same scripts, at the same time.
"""

from __future__ import annotations

__all__ = ["Comparison", "compare", "main"]

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from statistics import median
from types import ModuleType

from voxgate.clock import Clock, monotonic_ms
from voxgate.core.audio import AudioFormat
from voxgate.integrations.pipecat import TurnFinder
from voxgate.realtime_server import AnswerRequest, RealtimeServer, Speech

from .machine import describe_machine
from .pipecat_engine import EngineSettings, PipecatEngine
from .scripted_phone import Script, ScriptedPhone, TurnResult, Verdict, make_scripts

_MODES = ("server", "local")
"""Who finds the caller's turns: the Realtime server, or Silero VAD in the pipeline."""
_SHORT_SAMPLES = 3200
"""Of an answer to an interruption: 400 ms."""
_START_S = 60.0
_OUT = Path("out/pipecat-calls.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The same calls on engines that differ in the gate alone."""

    mode: str
    before: list[TurnResult]
    after: list[TurnResult]


class _ScriptedAnswerer:
    """Says what the script has for the turn; a word or two between turns."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def answer(self, request: AnswerRequest) -> AsyncIterator[Speech]:  # noqa: ARG002
        audio = self._script.turns[self._script.current].answer
        if self._script.is_settling:
            audio = audio[:_SHORT_SAMPLES]
        yield Speech(text="", audio=audio.tobytes(), audio_format=AudioFormat())


class _Exchange:
    """The Realtime server; each session answers by the script of the call placed last."""

    def __init__(self, clock: Clock) -> None:
        self._next: Script | None = None
        self._taken = asyncio.Event()
        self.server = RealtimeServer(answerer_factory=self._answerer, clock=clock)

    def _answerer(self) -> _ScriptedAnswerer:
        assert self._next is not None, "a call has been placed"
        self._taken.set()
        return _ScriptedAnswerer(self._next)

    async def place(self, script: Script, url: str) -> asyncio.Task[list[TurnResult]]:
        """Start a call, and return once its session is there."""
        self._next = script
        self._taken.clear()
        call = asyncio.create_task(ScriptedPhone(script).play(url), name="scripted call")
        async with asyncio.timeout(_START_S):
            await self._taken.wait()
        return call


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
            while not line.startswith(b"listening on "):
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
    mode: str, scripts: Sequence[Script], n_at_once: int, *, is_real_time: bool
) -> Comparison:
    """Place all calls at both engines, so many scripts at a time."""
    run_engine = _engine if is_real_time else _own_engine
    exchange = _Exchange(monotonic_ms if is_real_time else _loop_ms)
    before: list[TurnResult] = []
    after: list[TurnResult] = []
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(exchange.server)
        url = exchange.server.url
        plain = await stack.enter_async_context(run_engine(url, mode, is_gated=False))
        gated = await stack.enter_async_context(run_engine(url, mode, is_gated=True))
        for engine in (plain, gated):  # the first call waits for what is loaded when it is needed
            await (await exchange.place(replace(scripts[0], turns=scripts[0].turns[:1]), engine))
        for at in range(0, len(scripts), n_at_once):
            calls = []
            for script in scripts[at : at + n_at_once]:
                for engine, results in ((plain, before), (gated, after)):
                    own = replace(script)  # where a call is in it, is its own affair
                    calls.append((await exchange.place(own, engine), results))
            for call, results in calls:
                results.extend(await call)
    return Comparison(mode=mode, before=before, after=after)


def _summary(results: Sequence[TurnResult]) -> dict[str, float | int | None]:
    verdicts = Counter(result.verdict for result in results)
    unjudged = (Verdict.UNANSWERED, Verdict.DISTURBED)
    judged = [result for result in results if result.verdict not in unjudged]
    interrupted = [result for result in judged if result.with_caller]
    latencies = sorted(r.latency_ms for r in results if r.latency_ms is not None)
    return {
        "agent_turns": len(judged),
        "with_caller": len(interrupted),
        "false": verdicts[Verdict.FALSE],
        "false_percent": _percent(verdicts[Verdict.FALSE], len(judged)),
        "right": verdicts[Verdict.RIGHT],
        "right_percent": _percent(verdicts[Verdict.RIGHT], len(interrupted)),
        "missed": verdicts[Verdict.MISSED],
        "unanswered": verdicts[Verdict.UNANSWERED],
        "disturbed": verdicts[Verdict.DISTURBED],
        "latency_p50_ms": median(latencies) if latencies else None,
        "latency_p95_ms": latencies[int(0.95 * len(latencies))] if latencies else None,
    }


def _percent(count: int, of: int) -> float | None:
    return round(100 * count / of, 1) if of else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, show a table, and write JSON."""
    parser = argparse.ArgumentParser(prog="pipecat_calls", description=__doc__)
    parser.add_argument("--calls", type=int, default=26, help="calls at each engine")
    parser.add_argument("--turns", type=int, default=8, help="turns of each call")
    parser.add_argument("--at-once", type=int, default=4, help="calls at once at each engine")
    parser.add_argument("--real-time", action="store_true", help="engines as processes")
    parser.add_argument("--corpus", type=Path, help="folder of recorded speech")
    parser.add_argument("--mode", choices=_MODES, action="append", help="default: both")
    parser.add_argument("--out", type=Path, default=_OUT)
    options = parser.parse_args(arguments)
    scripts = make_scripts(options.calls, options.turns, options.corpus)
    report: dict[str, object] = {
        "machine": describe_machine(),
        "pipecat": version("pipecat-ai"),
        "voices": "recorded" if options.corpus else "packaged",
    }
    print(
        f"{'turns found by':16} {'':8} {'turns':>6} {'false':>14} {'right':>14} {'p50/p95 ms':>12}"
    )
    for mode in options.mode or _MODES:
        loop_factory = None if options.real_time else _virtual_loop
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            comparison = runner.run(
                compare(mode, scripts, options.at_once, is_real_time=options.real_time)
            )
        for name in ("before", "after"):
            print(_row(mode, name, _summary(getattr(comparison, name))), flush=True)
        report[mode] = {
            name: {
                "summary": _summary(getattr(comparison, name)),
                "turns": [asdict(result) for result in getattr(comparison, name)],
            }
            for name in ("before", "after")
        }
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(f"Written to {options.out}.")
    return 0


def _row(mode: str, name: str, summary: dict[str, float | int | None]) -> str:
    false = f"{summary['false']} ({summary['false_percent']} %)"
    right = f"{summary['right']}/{summary['with_caller']} ({summary['right_percent']} %)"
    times = f"{summary['latency_p50_ms'] or 0:.0f}/{summary['latency_p95_ms'] or 0:.0f}"
    left_out = f"{summary['unanswered']}+{summary['disturbed']}"
    counts = f"{summary['agent_turns']:>6} {left_out:>8}"
    return f"{mode:16} {name:8} {counts} {false:>14} {right:>14} {times:>12}"


if __name__ == "__main__":
    sys.exit(main())
