"""A load run from begin to end: server, engine and callers, step by step.

Invariant: whoever was started is stopped, however the run ends; while a step is measured, nothing
else of the tool runs.
"""

from __future__ import annotations

__all__ = ["callers_settings", "run_load"]

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ...clock import monotonic_ms
from .child_process import ChildError, ChildProcess
from .engine_process import EngineProgram, EngineSettings, ServedEngine, serve_engine
from .frame_log import EventRow, MeasuredSide
from .frame_matching import tie_in_order, tie_sessions
from .load_figures import LoadFigures, UsageWindow, compute_figures
from .load_limits import engine_limits, rig_limits
from .load_plan import LoadPlan
from .process_usage import ProcessUsage, read_busy_s, read_usage

_SETTLE_S = 2.0
"""What an engine does in the first seconds is its start."""

Show = Callable[[str], None]
"""Gets a word on what happens."""


async def run_load(
    plan: LoadPlan,
    engine: EngineSettings | EngineProgram | ServedEngine,
    *,
    show: Show = lambda _: None,
    on_step: Callable[[LoadFigures], None] = lambda _: None,
    is_last: Callable[[LoadFigures], bool] = lambda _: False,
) -> list[LoadFigures]:
    """Run it and return the figures of each step.

    Args:
        plan: What to do.
        engine: The engine to start, or the one that runs.
        show: Gets a word on what happens.
        on_step: Gets the figures of each step as soon as they are known.
        is_last: Whether no step is to follow one with such figures.

    Raises:
        ChildError: a process did not start, or ended.
    """
    async with _running(plan, engine, show) as run:
        steps = []
        for n_calls in plan.steps:
            figures = await run.step(n_calls)
            on_step(figures)
            steps.append(figures)
            is_limit = plan.stops_at_limit and (engine_limits(figures) or rig_limits(figures))
            if is_limit or is_last(figures):
                break
        return steps


@asynccontextmanager
async def _running(
    plan: LoadPlan, engine: EngineSettings | EngineProgram | ServedEngine, show: Show
) -> AsyncIterator[_Run]:
    server = {
        "kind": plan.server,
        "port": plan.server_port,
        "speed_ratio": plan.speed_ratio,
        "core": plan.load_core,
    }
    with tempfile.TemporaryDirectory(prefix="voxgate-load-") as name:
        folder = Path(name)
        async with (
            ChildProcess.start("server_process", server) as serving,
            _engine(engine, str(serving.ready["url"]), folder, show) as served,
            ChildProcess.start("callers_process", callers_settings(plan, served)) as calling,
        ):
            run = _Run(plan, served, serving, calling, folder, show)
            await run.measure_idle()
            yield run


@asynccontextmanager
async def _engine(
    engine: EngineSettings | EngineProgram | ServedEngine, url: str, folder: Path, show: Show
) -> AsyncIterator[ServedEngine]:
    if isinstance(engine, ServedEngine):
        show(f"the engine's provider is to have the url {url}")
        yield engine
        return
    async with serve_engine(engine, url, folder / "engine.log") as served:
        yield served


def callers_settings(plan: LoadPlan, engine: ServedEngine) -> dict[str, object]:
    """Return what the process of the callers is started with."""
    return {
        "address": list(engine.address),
        "line": plan.line,
        "path": plan.path,
        "corpus": None if plan.corpus is None else str(plan.corpus),
        "erl_db": plan.erl_db,
        "echo_delay_ms": plan.echo_delay_ms,
        "interrupting_ratio": plan.interrupting_ratio,
        "pause_ms": plan.pause_ms,
        "core": plan.load_core,
    }


@dataclass(frozen=True, slots=True)
class _Usages:
    """Of all who take part, at one time."""

    t_ms: float
    engine: ProcessUsage | None
    core_s: float | None
    """How long the engine's core has been at work."""
    load: tuple[ProcessUsage | None, ...]


class _Run:
    """A run whose processes are there."""

    def __init__(
        self,
        plan: LoadPlan,
        engine: ServedEngine,
        server: ChildProcess,
        callers: ChildProcess,
        folder: Path,
        show: Show,
    ) -> None:
        self._plan = plan
        self._engine = engine
        self._server = server
        self._callers = callers
        self._folder = folder
        self._show = show
        self._ties: dict[int, int] = {}
        self._dialled: list[EventRow] = []
        self._sessions: list[EventRow] = []
        self._n_calls = 0
        self._idle: UsageWindow | None = None

    async def measure_idle(self) -> None:
        """Measure what the engine uses without calls, once it has started."""
        await asyncio.sleep(_SETTLE_S)
        before = self._usages()
        await asyncio.sleep(1.0)
        self._idle = _engine_window(before, self._usages())

    async def step(self, n_calls: int) -> LoadFigures:
        """Bring the calls to a number, measure, and return what came of it."""
        wanted = max(0, n_calls - self._n_calls)
        self._show(f"placing {wanted} calls")
        placed = await self._callers.ask("place", calls=wanted)
        if "error" in placed:
            raise ChildError(f"the engine takes no calls: {placed['error']}")
        await asyncio.sleep(self._plan.warm_up_s)
        earlier = await self._collect("earlier")
        before = self._usages()
        self._show(f"measuring {placed['calls']} calls for {self._plan.seconds:g} s")
        await asyncio.sleep(self._plan.seconds)
        after = self._usages()
        sides = await self._collect("step")
        callers, server = (
            side.following(before_it) for before_it, side in zip(earlier, sides, strict=True)
        )
        self._n_calls = int(placed["calls"])
        return self._figures(before, after, callers, server)

    async def _collect(self, name: str) -> tuple[MeasuredSide, MeasuredSide]:
        paths = [self._folder / f"{name}-{side}.npz" for side in ("callers", "server")]
        for child, path in zip((self._callers, self._server), paths, strict=True):
            await child.ask("write", path=str(path))
        callers, server = (MeasuredSide.read(path) for path in paths)
        self._ties |= tie_sessions(callers.frames, server.frames)
        self._dialled += [event for event in callers.events if event.kind == "dialled"]
        self._sessions += [event for event in server.events if event.kind == "session"]
        return callers, server

    def _figures(
        self, before: _Usages, after: _Usages, callers: MeasuredSide, server: MeasuredSide
    ) -> LoadFigures:
        return compute_figures(
            callers,
            server,
            self._ties | tie_in_order(self._dialled, self._sessions, self._ties),
            window_ms=(before.t_ms, after.t_ms),
            n_calls=self._n_calls,
            engine=_engine_window(before, after),
            idle=self._idle,
            load_cpu_s=_cpu_between(before.load, after.load),
        )

    def _usages(self) -> _Usages:
        return _Usages(
            monotonic_ms(),
            None if self._engine.pid is None else read_usage(self._engine.pid),
            None if self._engine.core is None else read_busy_s(self._engine.core),
            (read_usage(self._callers.pid), read_usage(self._server.pid)),
        )


def _engine_window(before: _Usages, after: _Usages) -> UsageWindow | None:
    window = _window(before.engine, after.engine)
    if window is None or before.core_s is None or after.core_s is None:
        return window
    return replace(window, core_s=after.core_s - before.core_s)


def _window(before: ProcessUsage | None, after: ProcessUsage | None) -> UsageWindow | None:
    if before is None or after is None:
        return None
    return UsageWindow(
        cpu_s=after.cpu_s - before.cpu_s,
        waited_s=after.waited_s - before.waited_s,
        resident_bytes=after.resident_bytes,
        wakeups=after.wakeups - before.wakeups,
    )


def _cpu_between(
    before: tuple[ProcessUsage | None, ...], after: tuple[ProcessUsage | None, ...]
) -> float | None:
    windows = [_window(*pair) for pair in zip(before, after, strict=True)]
    if any(window is None for window in windows):
        return None
    return sum(window.cpu_s for window in windows if window is not None)
