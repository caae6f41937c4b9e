"""``voxgate serve``: run the engine for real lines until it is told to stop.

The engine is imported once it is said that it starts, and once what it listens on is known to be
free: that takes seconds.
"""

from __future__ import annotations

__all__ = ["command"]

import asyncio
import contextlib
import gc
import signal
from collections.abc import Coroutine, Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import __version__
from ..blas_threads import use_one_blas_thread
from ..config.load import load_config
from ..config.models import AppConfig, LogFormat
from ..errors import ConfigError, ConfigProblem
from .free_addresses import require_free

if TYPE_CHECKING:
    from ..engine import AIEngine
    from ..observe.operations import Operations


@click.command(name="serve")
@click.argument("config_path", required=False, type=click.Path(path_type=Path, dir_okay=False))
def command(config_path: Path | None) -> None:
    """Run the engine with CONFIG_PATH (the packaged default if left out).

    SIGTERM and SIGINT stop it: no more calls are taken, and the running ones get
    engine.drain_timeout_s to end by themselves; a second signal ends them at once. While it is
    still starting it leaves off.
    """
    config = load_config(config_path)
    _require_line(config)
    _say_start(config)
    require_free(config)
    from ..observe.logging_setup import set_up_logging

    set_up_logging(config.engine.log_level, config.engine.log_format)
    use_one_blas_thread()
    asyncio.run(_serve(config, config_path))


def _say_start(config: AppConfig) -> None:
    """Say at once what starts, unless stderr is a collector's, who wants JSON and nothing else."""
    if config.engine.log_format is not LogFormat.JSON:
        providers = ", ".join(config.answering_providers)
        click.echo(f"voxgate {__version__} starts; providers: {providers}", err=True)


def _require_line(config: AppConfig) -> None:
    """Refuse to run where no call can ever come in."""
    if any(getattr(config.lines, line.name).enabled for line in fields(config.lines)):
        return
    rule = "none is enabled, so no call can come in"
    raise ConfigError([ConfigProblem(key="lines", value="", rule=rule, source="configuration")])


async def _serve(config: AppConfig, config_path: Path | None = None) -> None:
    from ..engine import AIEngine
    from ..observe.call_log import CallLog
    from ..observe.operations import Operations

    engine = AIEngine(config, observers=[CallLog()])
    operations = Operations(engine, config_path=config_path)
    try:
        await _run(engine, operations, _stop_signals())
    finally:
        await operations.stop()


async def _run(engine: AIEngine, operations: Operations, signals: asyncio.Queue[None]) -> None:
    if not await _done_before_signal(_start(operations, engine), signals):
        await engine.stop()
        return
    try:
        with _start_left_alone():
            _show_addresses(engine, operations)
            await signals.get()
            await _done_before_signal(engine.drain(), signals)
    finally:
        await engine.stop()


@contextlib.contextmanager
def _start_left_alone() -> Iterator[None]:
    """Let the garbage collector leave out what the start has made, which stays as long as we do.

    With 50 recorded calls a full collection held the loop for 120 to 280 ms of CPU time, and so for
    30 to 75 (measured; 110,000 objects of modules and models).
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def _start(operations: Operations, engine: AIEngine) -> None:
    """Start what an operator sees, so that it sees the engine's start too, and then the engine."""
    await operations.start()
    await engine.start()


def _show_addresses(engine: AIEngine, operations: Operations) -> None:
    for name, (host, port) in engine.addresses.items():
        click.echo(f"{name} listens on {host}:{port}")
    for notice in operations.notices:
        click.echo(notice)


def _stop_signals() -> asyncio.Queue[None]:
    """Return a queue that gets an entry for each signal to stop."""
    signals: asyncio.Queue[None] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Windows has none of this; Ctrl-C there cancels what runs, which ends the calls at once.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, signals.put_nowait, None)
    return signals


async def _done_before_signal(
    work: Coroutine[None, None, None], signals: asyncio.Queue[None]
) -> bool:
    """Do something, and leave off when a signal comes; return whether none came."""
    working = asyncio.create_task(work, name="until a signal")
    told = asyncio.create_task(signals.get(), name="signal")
    try:
        await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
        return not told.done()
    finally:
        working.cancel()
        told.cancel()
        await asyncio.wait({working, told})
