"""The figures of a load run for programs, and as a picture."""

from __future__ import annotations

__all__ = ["draw_load", "report_as_json"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from .load_figures import LoadFigures
from .load_limits import LATE_MS, engine_limits, rig_limits, verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def report_as_json(steps: Sequence[LoadFigures]) -> Mapping[str, object]:
    """Return what ``--json`` writes."""
    return {
        "verdict": verdict(steps),
        "steps": [
            {
                **asdict(step),
                "engine_limits": engine_limits(step),
                "rig_limits": rig_limits(step),
            }
            for step in steps
        ],
    }


def draw_load(steps: Sequence[LoadFigures], path: Path) -> None:
    """Draw latency and CPU over the number of calls; steps without a result are crossed out.

    Raises:
        ModuleNotFoundError: matplotlib is not installed (extra ``bench``).
        OSError: the file can't be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    FigureCanvasAgg(figure)
    late, cpu = figure.subplots(1, 2)
    calls = [step.calls for step in steps]
    for name, value in _LATENCIES.items():
        late.plot(calls, [value(step) for step in steps], "o-", label=name)
    disturbed = [step for step in steps if rig_limits(step)]
    _cross_out(late, disturbed, _LATENCIES["p99"])
    late.axhline(LATE_MS, color="grey", linestyle=":", label="limit of p99")
    late.set(xlabel="calls", ylabel="line in to provider out, ms", ylim=(0, None))
    late.legend()
    cpu.plot(calls, [_ms_a_second(step) for step in steps], "o-")
    _cross_out(cpu, disturbed, _ms_a_second)
    cpu.set(xlabel="calls", ylabel="engine: CPU-ms per second of a call", ylim=(0, None))
    figure.savefig(path)


def _cross_out(
    axes: Axes, steps: Sequence[LoadFigures], value: Callable[[LoadFigures], float]
) -> None:
    if steps:
        calls = [step.calls for step in steps]
        heights = [value(step) for step in steps]
        axes.plot(calls, heights, "kx", markersize=12, label="no result: disturbed")


def _ms_a_second(step: LoadFigures) -> float:
    return float("nan") if step.cpu_per_call is None else 1000 * step.cpu_per_call


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


_LATENCIES: Mapping[str, Callable[[LoadFigures], float]] = {
    "p50": lambda step: _or_nan(step.line_to_provider.p50_ms),
    "p99": lambda step: _or_nan(step.line_to_provider.p99_ms),
}
