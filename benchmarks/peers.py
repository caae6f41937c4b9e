"""The same calls through voxgate and through Pipecat: what a core holds, what a caller hears.

Same callers over Twilio's protocol, same light Realtime server; each engine has one core, callers
and server the other. Pipecat runs as its documentation has it, once with the server's turn
detection and no VAD of its own, once with Silero VAD and its turn model. Two parts:

- *alike*: the same few calls through all, in turns, without echo and with echoes of two strengths;
- *ramp*: more and more calls, until the engine's core is full.

``python -m benchmarks.peers`` takes about eleven minutes. Status 1: voxgate holds fewer than twice
Pipecat's calls without a VAD, or five times those with its own; 2: the machine was too busy, or
Pipecat can't be installed. Invariant: engines differ, and nothing else does.
"""

from __future__ import annotations

__all__ = ["Peer", "main", "peers_of"]

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.machine import describe_machine
from benchmarks.peer_comparison import CONDITIONS_DB, FULL_CORE, Comparison, promises
from benchmarks.peer_environment import PipecatEnvironment, pipecat_environment
from benchmarks.peers_report import draw_peers, peers_text
from voxgate.lab.load import (
    EngineProgram,
    EngineSettings,
    LoadFigures,
    LoadPlan,
    rig_limits,
    run_load,
)
from voxgate.lab.load.child_process import ChildError

_RAMP_DB = 20.0
_STEPS = (8, 10, 13, 16, 20, 25, 31, 39, 49, 61, 76, 95, 119, 149, 186, 232)
_ENGINE_CORE, _LOAD_CORE = 0, 1
_WARM_UP_S = 3.0
_OVERRUN_MS = 2000.0
"""An engine whose frames get so late does not keep up."""
_OUT = Path("out")


@dataclass(frozen=True, slots=True)
class Peer:
    """An engine that is compared."""

    name: str
    engine: EngineSettings | EngineProgram
    first: int
    """The first step of its ramp."""


def peers_of(pipecat: PipecatEnvironment) -> Sequence[Peer]:
    """Return the engines, in the order in which they take turns."""
    local = ("--turns", "local", "--turn-model")
    return (
        Peer("voxgate vad", _voxgate("vad"), first=39),
        Peer("Pipecat", EngineProgram(words=pipecat.program, core=_ENGINE_CORE), first=16),
        Peer("voxgate echo_aware", _voxgate("echo_aware"), first=25),
        Peer(
            "Pipecat, Silero",
            EngineProgram(words=(*pipecat.program, *local), core=_ENGINE_CORE),
            first=8,
        ),
    )


def _voxgate(mode: str) -> EngineSettings:
    return EngineSettings(mode=mode, line="twilio", max_calls=_STEPS[-1] + 10, core=_ENGINE_CORE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(prog="peers", description=__doc__)
    parser.add_argument("--calls", type=int, default=10, help="of the part that is alike")
    parser.add_argument("--seconds", type=float, default=14.0, help="of each of its runs")
    parser.add_argument("--step-seconds", type=float, default=7.0, help="of each step of the ramp")
    parser.add_argument(
        "--server",
        choices=["light", "embedded"],
        default="light",
        help="of the part that is alike: light finds turns by level, embedded as the cloud does",
    )
    parser.add_argument("--part", choices=["alike", "ramp", "both"], default="both")
    options = parser.parse_args(arguments)
    pipecat = pipecat_environment()
    if pipecat is None:
        print("peers: no result: Pipecat can't be installed; see above")
        return 2
    peer = {f"peer's {key}": text or "not installed" for key, text in pipecat.versions.items()}
    machine = {**describe_machine(), **peer}
    print("\n".join(f"{key:18} {value}" for key, value in machine.items()), end="\n\n")
    comparison = Comparison()
    try:
        asyncio.run(_measure(comparison, peers_of(pipecat), options))
    except ChildError as error:
        print(f"peers: no result: {error}")
        return 2
    return _report(comparison, machine)


async def _measure(
    comparison: Comparison, peers: Sequence[Peer], options: argparse.Namespace
) -> None:
    if options.part in ("alike", "both"):
        for erl_db in CONDITIONS_DB:
            for peer in peers:
                plan = _plan((options.calls,), options.seconds, erl_db, options.server)
                (figures,) = await run_load(plan, peer.engine, show=_say(peer.name))
                comparison.alike.setdefault(peer.name, {})[erl_db] = figures
    if options.part in ("ramp", "both"):
        for peer in peers:
            steps = tuple(step for step in _STEPS if step >= peer.first)
            plan = _plan(steps, options.step_seconds, _RAMP_DB)
            comparison.ramps[peer.name] = await run_load(
                plan, peer.engine, show=_say(peer.name), is_last=_is_over
            )


def _plan(
    steps: tuple[int, ...], seconds: float, erl_db: float | None, server: str = "light"
) -> LoadPlan:
    return LoadPlan(
        steps=steps,
        seconds=seconds,
        warm_up_s=_WARM_UP_S,
        line="twilio",
        erl_db=erl_db,
        server=server,
        load_core=_LOAD_CORE,
    )


def _is_over(step: LoadFigures) -> bool:
    """Return whether more calls than these would tell nothing."""
    p99_ms = step.line_to_provider.p99_ms
    is_full = step.core_share is not None and step.core_share >= FULL_CORE
    is_late = p99_ms is not None and p99_ms > _OVERRUN_MS
    is_rig_full = step.load_share is not None and step.load_share > FULL_CORE
    return is_full or is_late or is_rig_full or step.lost_calls > 0


def _say(name: str) -> Callable[[str], None]:
    return lambda text: print(f"{name}: {text}", file=sys.stderr)


def _report(comparison: Comparison, machine: Mapping[str, str]) -> int:
    judged = promises(comparison.ramps) if comparison.ramps else []
    print(peers_text(comparison, judged))
    _OUT.mkdir(exist_ok=True)
    report = {
        "machine": machine,
        "promises": [asdict(promise) for promise in judged],
        "alike": {
            name: {str(erl_db): asdict(step) for erl_db, step in by.items()}
            for name, by in comparison.alike.items()
        },
        "ramps": {name: [asdict(s) for s in ramp] for name, ramp in comparison.ramps.items()},
    }
    (_OUT / "peers.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    draw_peers(comparison, _OUT / "peers.png")
    print(f"Written to {_OUT / 'peers.json'} and {_OUT / 'peers.png'}.")
    if any(promise.is_missed for promise in judged):
        return 1
    is_known = all(promise.times is not None for promise in judged if promise.at_least)
    return 0 if is_known and not any(rig_limits(step) for step in comparison.steps) else 2


if __name__ == "__main__":
    sys.exit(main())
