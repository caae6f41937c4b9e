"""``voxgate load``: many callers at once against an engine, and what that costs it."""

from __future__ import annotations

__all__ = ["command"]

import asyncio
import json
from pathlib import Path

import click

from ..lab.load.engine_process import EngineSettings, ServedEngine
from ..lab.load.load_plan import LoadPlan
from ..lab.load.load_run import figures_as_json, run_load
from ..lab.load.load_text import load_text


@click.command(name="load")
@click.option(
    "--calls",
    default="10",
    show_default=True,
    metavar="N[,N...]",
    help="Calls at a time; several numbers are steps, one after the other.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(5),
    default=20.0,
    show_default=True,
    help="Measured at each step.",
)
@click.option(
    "--mode",
    type=click.Choice(["off", "half_duplex", "vad", "echo_aware"]),
    help="Of the gate; as configured if left out.",
)
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Of the engine that is started; the packaged default if left out.",
)
@click.option(
    "--server",
    type=click.Choice(["light", "embedded"]),
    default="light",
    show_default=True,
    help="Realtime server behind the engine.",
)
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of sound files with what callers say.",
)
@click.option(
    "--erl-db",
    type=float,
    default=20.0,
    show_default=True,
    help="Echo return loss of the callers' telephones.",
)
@click.option("--no-echo", is_flag=True, help="Telephones without echo.")
@click.option(
    "--engine-core", type=click.IntRange(0), help="The only core that the engine runs on."
)
@click.option(
    "--load-core", type=click.IntRange(0), help="The only core that callers and server run on."
)
@click.option("--address", help="HOST:PORT of the AudioSocket line of an engine that runs.")
@click.option("--engine-pid", type=click.IntRange(1), help="Process of that engine.")
@click.option("--server-port", type=click.IntRange(0), default=0, help="TCP port of the server.")
@click.option(
    "--json",
    "json_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for the figures.",
)
def command(
    calls: str,
    seconds: float,
    mode: str | None,
    config_path: Path | None,
    server: str,
    corpus: Path | None,
    erl_db: float,
    no_echo: bool,
    engine_core: int | None,
    load_core: int | None,
    address: str | None,
    engine_pid: int | None,
    server_port: int,
    json_path: Path | None,
) -> None:
    """Place calls and measure."""
    steps = tuple(int(part) for part in calls.split(","))
    plan = LoadPlan(
        steps=steps,
        seconds=seconds,
        corpus=corpus,
        server=server,
        server_port=server_port,
        erl_db=None if no_echo else erl_db,
        load_core=load_core,
    )
    engine: EngineSettings | ServedEngine = EngineSettings(
        config=config_path, mode=mode, core=engine_core, max_calls=max(steps) + 10
    )
    if address:
        host, _, port = address.rpartition(":")
        engine = ServedEngine(engine_pid or 0, (host, int(port)))
    figures = asyncio.run(run_load(plan, engine, show=lambda text: click.echo(text, err=True)))
    click.echo(load_text(figures))
    if json_path is not None:
        json_path.write_text(
            json.dumps([figures_as_json(step) for step in figures], indent=1) + "\n",
            encoding="utf-8",
        )
