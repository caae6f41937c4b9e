"""``voxgate serve``: run the engine for real lines until it is told to stop."""

from __future__ import annotations

__all__ = ["command"]

import asyncio
import signal
import sys
from pathlib import Path

import click

from ..config.load import load_config
from ..config.models import AppConfig
from ..engine import AIEngine
from ..errors import VoxgateError
from ..observe.call_log import CallLog
from ..observe.logging_setup import set_up_logging


@click.command(name="serve")
@click.argument("config_path", required=False, type=click.Path(path_type=Path, dir_okay=False))
def command(config_path: Path | None) -> None:
    """Run the engine with CONFIG_PATH (the packaged default if left out).

    SIGTERM and SIGINT stop it: no more calls are taken, and the running ones get
    engine.drain_timeout_s to end by themselves; a second signal ends them at once.
    """
    try:
        config = load_config(config_path)
        set_up_logging(config.engine.log_level, config.engine.log_format)
        asyncio.run(_serve(config))
    except VoxgateError as error:
        click.echo(error, err=True)
        sys.exit(1)


async def _serve(config: AppConfig) -> None:
    engine = AIEngine(config, observers=[CallLog()])
    signals: asyncio.Queue[None] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.put_nowait, None)
    await engine.start()
    try:
        for name, (host, port) in engine.addresses.items():
            click.echo(f"{name} listens on {host}:{port}", err=True)
        await signals.get()
        drained = asyncio.create_task(engine.drain(), name="drain")
        again = asyncio.create_task(signals.get(), name="second signal")
        await asyncio.wait({drained, again}, return_when=asyncio.FIRST_COMPLETED)
        for task in (drained, again):
            task.cancel()
    finally:
        await engine.stop()
