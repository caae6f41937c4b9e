"""An engine with the embedded Realtime server and AudioSocket lines, in made-up time."""

from __future__ import annotations

__all__ = ["run_in_made_up_time", "soaked_engine"]

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import TypeVar

import structlog

from support.virtual_time import VirtualTimeLoop, virtual_ms
from support.voice_service import realtime_config
from voxgate.call_observer import CallObserver
from voxgate.config.line_models import AudioSocketConfig, LinesConfig
from voxgate.config.models import AppConfig, EngineConfig
from voxgate.engine import AIEngine
from voxgate.observe.call_log import CallLog
from voxgate.observe.metrics import CallMetrics
from voxgate.realtime_server import RealtimeServer, agent_voices

_Result = TypeVar("_Result")


@asynccontextmanager
async def soaked_engine(*observers: CallObserver, max_calls: int = 100) -> AsyncIterator[AIEngine]:
    """Run an engine as ``serve`` makes it: default gate, log and metrics."""
    greeting = agent_voices()["greeting"].text
    async with RealtimeServer(clock=virtual_ms, replies=("go_on",), speed_ratio=8.0) as server:
        config = AppConfig(
            engine=EngineConfig(default_provider="agent", max_calls=max_calls),
            lines=LinesConfig(audiosocket=AudioSocketConfig(port=0)),
            providers={"agent": realtime_config(server.url, greeting=greeting)},
        )
        engine = AIEngine(config, observers=[CallLog(), *observers], clock=virtual_ms, environ={})
        engine.add_observer(CallMetrics(engine))
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop()


def run_in_made_up_time(soak: Coroutine[None, None, _Result]) -> _Result:
    """Run to the end, as fast as it goes, with a log that is written and thrown away."""

    def loop() -> VirtualTimeLoop:
        return VirtualTimeLoop(patience_s=0.000_1, step_s=0.02, hang_s=60.0, max_turns=10**12)

    with _log_thrown_away(), asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(soak)


@contextlib.contextmanager
def _log_thrown_away() -> Iterator[None]:
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=nowhere))
        try:
            yield
        finally:
            structlog.reset_defaults()
