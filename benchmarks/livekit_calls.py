"""The same scripted calls through LiveKit Agents without the gate, with it, and by its turns alone.

Run in an environment that has LiveKit Agents, from the root of the repository:

    .venvs/livekit-newest/bin/python -m benchmarks.livekit_calls [--calls 36] [--corpus FOLDER]

Prints a table, or JSON with ``--json``. A call takes real time; many run at once.
"""

from __future__ import annotations

__all__ = ["main"]

import argparse
import asyncio
import json
import logging
import sys
import time
from collections import Counter
from copy import deepcopy
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from voxgate import AudioGatingManager, EnhancedVADManager
from voxgate.clock import monotonic_ms
from voxgate.lab.bench.sounds import Sounds, gather_sounds

from .livekit_session import Setting, run_call
from .telephone_calls import ERL_DB, ScriptedCall, judge_turns


def main() -> None:
    """Place the calls and print what came of them."""
    options = _options()
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    sounds = gather_sounds(options.corpus, options.split)
    report = asyncio.run(_measure(sounds, options))
    report["sounds"] = {"speakers": sounds.speakers, "notes": list(sounds.notes)}
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(_table(report))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="benchmarks.livekit_calls")
    parser.add_argument("--calls", type=int, default=36, help="calls of each setting")
    parser.add_argument("--turns", type=int, default=6, help="turns of the agent's in a call")
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--split", default="all")
    parser.add_argument(
        "--wall-clock", action="store_true", help="the gate goes by this machine's clock"
    )
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument(
        "--settings", nargs="*", choices=[each.name for each in Setting], default=None
    )
    return parser.parse_args()


async def _measure(sounds: Sounds, options: argparse.Namespace) -> dict[str, Any]:
    """Place the calls of all settings, interleaved, so that each has the same machine."""
    manager = AudioGatingManager(EnhancedVADManager())
    settings = [Setting[name] for name in options.settings or Setting.__members__]
    calls: dict[Setting, list[ScriptedCall]] = {setting: [] for setting in settings}
    failures: Counter[Setting] = Counter()
    slots = asyncio.Semaphore(options.at_once)
    lateness_ms: list[float] = []
    conditions: Counter[str] = Counter()
    began = time.process_time()

    for number in range(options.calls):
        first = ScriptedCall(sounds.bank, sounds.split, options.seed * 1000 + number, options.turns)
        conditions.update([first.path, f"noise {first.noise}"])
        for setting in settings:
            calls[setting].append(deepcopy(first))

    def report() -> dict[str, Any]:
        return {
            "versions": {name: version(name) for name in ("livekit-agents", "livekit", "openai")},
            "erl_db": ERL_DB,
            "conditions": dict(conditions),
            "cpu_s": round(time.process_time() - began, 1),
            "loop_late_ms_p99": round(float(np.percentile(lateness_ms or [0.0], 99)), 1),
            "settings": {
                setting.value: {**_figures(calls[setting]), "failures": failures[setting]}
                for setting in settings
            },
            "by_noise": {
                f"{setting.value}, noise {noise}": _figures(
                    [call for call in calls[setting] if call.noise == noise]
                )
                for setting in settings
                for noise in sorted({call.noise for call in calls[setting]})
            },
        }

    async def place(call: ScriptedCall, setting: Setting) -> None:
        async with slots:
            clock = monotonic_ms if options.wall_clock else None
            gate = await run_call(call, setting, manager, clock)
            failures[setting] += 0 if gate is None else gate.counters.failures
            print(_table(report()), "\n", file=sys.stderr)

    async with asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(_watch(lateness_ms))
        work = [
            tasks.create_task(place(calls[setting][number], setting))
            for number in range(options.calls)
            for setting in settings
        ]
        await asyncio.gather(*work)
        watch.cancel()
    return report()


async def _watch(lateness_ms: list[float]) -> None:
    """Measure how late the loop comes to things, until cancelled."""
    while True:
        due_s = time.monotonic() + 0.05
        await asyncio.sleep(0.05)
        lateness_ms.append((time.monotonic() - due_s) * 1000)


def _figures(calls: list[ScriptedCall]) -> dict[str, Any]:
    judged = judge_turns(turn for call in calls for turn in call.turns)
    return {"calls": len(calls), **judged.figures()}


def _table(report: dict[str, Any]) -> str:
    rows = [f"{'':38}{'turns':>7}{'false':>14}{'with caller':>13}{'right':>15}{'p50':>8}{'p95':>8}"]
    for name, figures in (report["settings"] | report["by_noise"]).items():
        false = f"{figures['false']} ({figures['false_pct']} %)"
        right = f"{figures['right']} ({figures['right_pct']} %)"
        rows.append(
            f"{name:38}{figures['turns']:>7}{false:>14}{figures['with_caller']:>13}{right:>15}"
            f"{figures['latency_ms_p50']:>5} ms{figures['latency_ms_p95']:>5} ms"
        )
    said = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    rows.append(
        f"{said}; {report['cpu_s']} s of CPU; the loop came late by up to "
        f"{report['loop_late_ms_p99']} ms (99 %)"
    )
    return "\n".join(rows)


if __name__ == "__main__":
    main()
