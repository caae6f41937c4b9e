"""``voxgate serve``: run the engine for real lines until it is told to stop.

The engine is imported once it is said that it starts, and once what it listens on is known to be
free: that takes seconds.
"""

from __future__ import annotations

__all__ = ["command"]

import asyncio
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import __version__
from ..blas_threads import use_one_blas_thread
from ..config.load import load_config
from ..config.models import AppConfig, LogFormat
from ..errors import ConfigError, ConfigProblem
from ..event_loop import run_serving
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
    still starting it leaves off. With engine.workers above 1 a parent listens on the ports, and
    hands every connection to one of as many processes.
    """
    config = load_config(config_path)
    _require_line(config)
    _say_start(config)
    require_free(config)
    from ..observe.logging_setup import set_up_logging

    set_up_logging(config.engine.log_level, config.engine.log_format)
    if config.engine.workers > 1:
        from .serve_workers import serve_workers

        asyncio.run(serve_workers(config_path))
        return
    use_one_blas_thread()
    run_serving(_serve(config, config_path))


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
    from ..workers.engine_run import run_engine, stop_signals

    engine = AIEngine(config, observers=[CallLog()])
    operations = Operations(engine, config_path=config_path)
    await run_engine(
        engine, operations, stop_signals(), lambda: _show_addresses(engine, operations)
    )


def _show_addresses(engine: AIEngine, operations: Operations) -> None:
    for name, (host, port) in engine.addresses.items():
        click.echo(f"{name} listens on {host}:{port}")
    for notice in operations.notices:
        click.echo(notice)
