"""Turn time: from the end of the caller's speech to the first of the agent's answer on the line."""

from __future__ import annotations

__all__ = ["N_AT_ONCE", "N_ROUNDS", "N_TURNS", "SERVER_MS", "turn_figures"]

import argparse
import asyncio
import logging
from collections.abc import Iterable, Sequence

import numpy as np
import structlog

if __name__ == "__main__":
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figure import Figure
from benchmarks.turn_calls import N_LINES, SILENCE_MS, Turn, measure_turns
from voxgate.blas_threads import use_one_blas_thread
from voxgate.realtime_server import Pace

SERVER_MS = Pace().first_delta_ms
"""Part of every turn that the embedded server takes on purpose, as a model would."""
N_ROUNDS = 3
N_TURNS = 3
"""Turns of each call of a round."""
N_AT_ONCE = 10
"""Calls at a time, where there is more than one."""

_TURN_LIMIT_MS = 250.0
_ENGINE_LIMIT_MS = 40.0
_UNANSWERED_LIMIT = 5.0
_MODES = (("gated", True), ("pass-through", False))

Rounds = Sequence[Sequence[Turn]]


def turn_figures(n_rounds: int = N_ROUNDS, n_turns: int = N_TURNS) -> list[Figure]:
    """Measure turns of one call, and of ten at a time, gated and not."""
    figures = []
    for mode, is_gated in _MODES:
        for title, rounds, n_asked in _measured(n_rounds, n_turns, mode, is_gated=is_gated):
            figures += [*_figures(title, rounds), _unanswered(rounds, n_asked)]
    return figures


def _measured(
    n_rounds: int, n_turns: int, mode: str, *, is_gated: bool
) -> Iterable[tuple[str, Rounds, int]]:
    """Yield title, answered turns and number of all turns, of one call at a time and of ten."""
    use_one_blas_thread()  # as serve does
    # The engine logs each call: that is not what is looked at here.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    alone, together = asyncio.run(
        measure_turns(n_rounds, n_turns, n_at_once=N_AT_ONCE, is_gated=is_gated)
    )
    yield f"{mode}, 1 call", alone, n_rounds * n_turns * N_LINES
    yield f"{mode}, {N_AT_ONCE} calls", together, n_rounds * n_turns * N_AT_ONCE


def _figures(name: str, rounds: Rounds) -> list[Figure]:
    turn_ms = [[turn.turn_ms for turn in turns] for turns in rounds]
    engine_ms = [
        [share for turn in turns if (share := turn.engine_ms) is not None] for turns in rounds
    ]
    return [
        _figure(f"turn, {name}, p50", turn_ms, 50),
        _figure("... p95", turn_ms, 95),
        _figure("... p99", turn_ms, 99, limit=_TURN_LIMIT_MS),
        _figure("... of it the engine's, p50", engine_ms, 50),
        _figure("... ... p99", engine_ms, 99, limit=_ENGINE_LIMIT_MS),
    ]


def _figure(
    name: str, rounds: Sequence[Sequence[float]], percentile: int, limit: float | None = None
) -> Figure:
    every = [value for values in rounds for value in values]
    return Figure(
        name=name,
        value=float(np.percentile(every, percentile)),
        unit="ms",
        limit=limit,
        best=min(float(np.percentile(values, percentile)) for values in rounds if values),
    )


def _unanswered(rounds: Rounds, n_asked: int) -> Figure:
    share = 100 * (1 - sum(map(len, rounds)) / n_asked)
    return Figure(name="... not answered rightly", value=share, unit="%", limit=_UNANSWERED_LIMIT)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=N_ROUNDS)
    parser.add_argument("--turns", type=int, default=N_TURNS, help="of each call of a round")
    options = parser.parse_args()
    for mode, is_gated in _MODES:
        measured = _measured(options.rounds, options.turns, mode, is_gated=is_gated)
        for title, rounds, n_asked in measured:
            every = [turn for turns in rounds for turn in turns]
            print(f"{title:35} {'n':>5} {'p50':>8} {'p95':>8} {'p99':>8}  ms, {n_asked} asked")
            for step, values in _steps(every):
                p50, p95, p99 = np.percentile(values, (50, 95, 99))
                print(f"  {step:33} {len(values):5} {p50:8.1f} {p95:8.1f} {p99:8.1f}")


def _steps(turns: Sequence[Turn]) -> Iterable[tuple[str, list[float]]]:
    arrived = [turn for turn in turns if turn.arrived_ms is not None]
    yield "turn less silence", [turn.turn_ms for turn in turns]
    yield "engine's share", [turn.engine_ms or 0.0 for turn in arrived]
    yield "  line to server", [(turn.arrived_ms or 0.0) - turn.spoken_ms for turn in arrived]
    yield "  server to line", [turn.out_ms for turn in turns]
    yield "    server to provider", [turn.received_ms - turn.began_ms for turn in turns]
    yield "    provider to line", [turn.heard_ms - turn.received_ms for turn in turns]
    yield (
        "server's ear, less silence",
        [turn.stopped_ms - (turn.arrived_ms or 0.0) - SILENCE_MS for turn in arrived],
    )
    yield "server to its first delta", [turn.began_ms - turn.stopped_ms for turn in turns]


if __name__ == "__main__":
    _main()
