"""`make bench`: measure, show, hold against the limits, and keep the figures as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.call_slot_time import N_CALLS as N_SLOT_CALLS
from benchmarks.call_slot_time import slot_figures
from benchmarks.desk_cost import desk_figures
from benchmarks.figure import Figure, Verdict
from benchmarks.gap_quality import gap_figures
from benchmarks.gate_delay import delay_figures
from benchmarks.gate_memory import N_CALLS, memory_figures
from benchmarks.gate_time import N_FRAMES, N_ROUNDS, time_figures
from benchmarks.guard_time import GUARD_FRAMES, GUARD_ROUNDS, guard_figures
from benchmarks.import_time import import_figures
from benchmarks.machine import describe_machine
from benchmarks.metrics_cost import metrics_figures
from benchmarks.recording_cost import recording_figures
from benchmarks.turn_time import N_AT_ONCE, N_TURNS, SERVER_MS, turn_figures
from benchmarks.turn_time import N_ROUNDS as N_TURN_ROUNDS

_OUT = Path("out/bench.json")
_NOTES = f"""\
Times: medians over {N_ROUNDS} interleaved rounds of {N_FRAMES} frames, less what reading the clock
takes; a slot is process, receive_far_end and advance. The guard alone: mean of {GUARD_FRAMES}
frames, each by its median over {GUARD_ROUNDS} rounds, level and voice detector not included.
Memory: tracemalloc over {N_CALLS} calls; a kB is 1,000 bytes. Delay: the same on every machine;
tests/unit/core/test_guarded_line.py tests it. Distance: log-spectral, of what is made up for lost
frames of speech, against silence there.
A slot of a call: CPU time of all that the engine does in 20 ms of a call, sockets left out; the
mean of {N_SLOT_CALLS} calls, the median of the slots.
Desk: CPU time of this process while observers are told of calls at real rate, watched less
unwatched, in turns; browsers are another process.
Turns: real calls over AudioSocket and Twilio, from the end of the caller's speech to the first of
the agent on the line, less the server's silence time; {N_TURN_ROUNDS} rounds of {N_TURNS} turns
a call, one call at a time and {N_AT_ONCE}. {SERVER_MS:g} ms of each are the embedded server's own
pace, by design. The engine's: line to server and server to line, sockets and the wait for a slot
included; server and phones run in the same process."""


def main() -> int:
    """Return 0, or 1 if a figure misses its limit clearly: a time in every round."""
    machine = describe_machine()
    print("\n".join(f"{name:16} {value}" for name, value in machine.items()), end="\n\n")
    figures = [
        *time_figures(),
        *guard_figures(),
        *delay_figures(),
        *gap_figures(),
        *memory_figures(),
        *import_figures(),
        *slot_figures(),
        *metrics_figures(),
        *recording_figures(),
        *desk_figures(),
        *turn_figures(),
    ]
    print("\n".join(_lines(figures)))
    _OUT.parent.mkdir(parents=True, exist_ok=True)
    entries = [{**asdict(figure), "verdict": figure.verdict} for figure in figures]
    report = {"machine": machine, "figures": entries}
    _OUT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(f"\n{_NOTES}\nWritten to {_OUT}.")
    return 1 if any(figure.verdict is Verdict.MISSED for figure in figures) else 0


def _lines(figures: Iterable[Figure]) -> Iterable[str]:
    yield f"{'':36} {'value':>9} {'p99':>7}       {'limit':>6}"
    for figure in figures:
        p99 = "" if figure.p99 is None else f"{figure.p99:.2f}"
        limit = "" if figure.limit is None else f"{figure.limit:g}"
        verdict = "" if figure.verdict is Verdict.NONE else figure.verdict
        yield (
            f"{figure.name:36} {figure.value:9.2f} {p99:>7} {figure.unit:5} {limit:>6}  {verdict}"
        ).rstrip()


if __name__ == "__main__":
    sys.exit(main())
