"""``voxgate load``: many callers at once against an engine, and what that costs it."""

from __future__ import annotations

__all__ = ["command"]

import asyncio
import json
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import click

from ..config import read_config
from ..config.environment import PREFIX
from ..errors import VoxgateError
from ..lab.load import (
    CorpusError,
    EngineSettings,
    LoadFigures,
    LoadPlan,
    ServedEngine,
    draw_load,
    load_sounds,
    load_text,
    report_as_json,
    run_load,
    verdict,
)

_MODES = ("off", "half_duplex", "vad", "echo_aware")
_SPARE_CALLS = 10
"""Calls that the engine may take above those of the run: one that ends is replaced."""

_FILE = click.Path(path_type=Path, dir_okay=False)


class _Calls(click.ParamType[tuple[int, ...]]):
    """Numbers of calls, upwards: ``50`` or ``10,50,100``."""

    name = "calls"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Return the steps."""
        text = str(value)
        steps = _numbers(text.split(","))
        if not steps or steps[0] < 1 or list(steps) != sorted(set(steps)):
            self.fail(f"{text!r} is not like 50 or 10,50,100, upwards", param, ctx)
        return steps


class _Ramp(click.ParamType[tuple[int, ...]]):
    """``FIRST:LAST:BY``."""

    name = "ramp"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Return the steps."""
        numbers = _numbers(str(value).split(":"))
        if len(numbers) != len(("first", "last", "by")) or min(numbers) < 1:
            self.fail(f"{value!r} is not FIRST:LAST:BY, such as 20:200:20", param, ctx)
        first, last, by = numbers
        if first > last:
            self.fail(f"{value!r}: {first} is above {last}", param, ctx)
        return tuple(range(first, last + 1, by))


def _numbers(texts: list[str]) -> tuple[int, ...]:
    return tuple(map(int, texts)) if all(text.isdecimal() for text in texts) else ()


class _Address(click.ParamType[tuple[str, int]]):
    """``HOST:PORT``."""

    name = "address"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Return host and port."""
        host, _, port = str(value).rpartition(":")
        if not host or not port.isdigit():
            self.fail(f"{value!r} is not HOST:PORT", param, ctx)
        return host.strip("[]"), int(port)


@click.command(name="load")
@click.option(
    "--calls",
    type=_Calls(),
    default="10",
    show_default=True,
    metavar="N[,N...]",
    help="Calls at a time; of several numbers each is a step of its own, upwards.",
)
@click.option(
    "--ramp",
    type=_Ramp(),
    metavar="FIRST:LAST:BY",
    help="Steps until the engine does not hold the calls, in place of --calls; such as 20:200:20.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(5),
    default=20.0,
    show_default=True,
    help="Measured at each step, once its calls are placed.",
)
@click.option(
    "--line",
    type=click.Choice(["audiosocket", "twilio"]),
    default="audiosocket",
    show_default=True,
    help="Kind of line that the calls come over.",
)
@click.option(
    "--mode",
    type=click.Choice(_MODES),
    help="Of the gate of the engine that is started; as configured if left out.",
)
@click.option(
    "--config",
    "config_path",
    type=_FILE,
    help="Configuration of the engine that is started; the packaged default if left out.",
)
@click.option(
    "--provider",
    default="embedded",
    show_default=True,
    help="Name of the provider in it that is pointed at the server of this run; of the kind "
    "openai_realtime.",
)
@click.option(
    "--address",
    type=_Address(),
    metavar="HOST:PORT",
    help="Line of an engine that runs already, in place of one that is started.",
)
@click.option(
    "--path", default="/twilio", show_default=True, help="Of its WebSocket, for --line twilio."
)
@click.option(
    "--engine-pid",
    type=click.IntRange(1),
    help="Process of that engine, on this machine; without it, its CPU and memory are not told.",
)
@click.option(
    "--server",
    type=click.Choice(["light", "embedded"]),
    default="light",
    show_default=True,
    help="Realtime server behind the engine: light costs next to nothing, so that callers and it "
    "fit on a core; embedded is the one of voxgate serve.",
)
@click.option(
    "--server-port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="TCP port of that server; 0: any free one.",
)
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of sound files with what callers say, such as voxgate corpus fetches.",
)
@click.option(
    "--erl-db",
    type=float,
    default=20.0,
    show_default=True,
    help="Echo return loss of the callers' telephones, in dB.",
)
@click.option("--no-echo", is_flag=True, help="Telephones without echo.")
@click.option(
    "--interrupt",
    "interrupting_percent",
    type=click.FloatRange(0, 100),
    default=40.0,
    show_default=True,
    help="Answers in a hundred that callers break into.",
)
@click.option("--engine-core", type=click.IntRange(0), help="The only core of the engine.")
@click.option("--load-core", type=click.IntRange(0), help="The only core of callers and server.")
@click.option("--json", "json_path", type=_FILE, help="File for the figures of all steps.")
@click.option("--plot", "plot_path", type=_FILE, help="Picture of the steps (PNG).")
def command(
    calls: tuple[int, ...],
    ramp: tuple[int, ...] | None,
    seconds: float,
    line: str,
    mode: str | None,
    config_path: Path | None,
    provider: str,
    address: tuple[str, int] | None,
    path: str,
    engine_pid: int | None,
    server: str,
    server_port: int,
    corpus: Path | None,
    erl_db: float,
    *,
    no_echo: bool,
    interrupting_percent: float,
    engine_core: int | None,
    load_core: int | None,
    json_path: Path | None,
    plot_path: Path | None,
) -> None:
    """Place many calls at once against an engine, and show what they cost it and how late it gets.

    Callers with real sockets ask, listen, echo what they hear and break in. By default an engine
    is started for them, as voxgate serve does, with a Realtime server behind it; all are processes
    of their own. Status 0 also where the engine does not hold the calls.
    """
    _check_cores(engine_core, load_core)
    _check_outputs(json_path, plot_path)
    _check_corpus(corpus)
    if address is None:
        _check_provider(provider, config_path)
    steps = calls if ramp is None else ramp
    plan = LoadPlan(
        steps=steps,
        seconds=seconds,
        stops_at_limit=ramp is not None,
        line=line,
        path=path,
        corpus=corpus,
        erl_db=None if no_echo else erl_db,
        interrupting_ratio=interrupting_percent / 100,
        server=server,
        server_port=server_port,
        load_core=load_core,
    )
    started = EngineSettings(
        config=config_path,
        provider=provider,
        line=line,
        mode=mode,
        max_calls=max(steps) + _SPARE_CALLS,
        core=engine_core,
    )
    engine = started if address is None else ServedEngine(engine_pid, address)
    figures = asyncio.run(run_load(plan, engine, show=_show))
    _tell(figures, json_path, plot_path)


def _tell(figures: list[LoadFigures], json_path: Path | None, plot_path: Path | None) -> None:
    click.echo(f"{load_text(figures)}\n\n{verdict(figures)}")
    if json_path is not None:
        _write(json_path, lambda at: at.write_text(_json(report_as_json(figures)), "utf-8"))
    if plot_path is not None:
        _write(plot_path, lambda at: draw_load(figures, at))


def _check_cores(*cores: int | None) -> None:
    n_cores = os.cpu_count() or 1
    for core in cores:
        if core is not None and core >= n_cores:
            raise click.UsageError(f"there is no core {core}: this machine has 0 to {n_cores - 1}")


def _check_outputs(json_path: Path | None, plot_path: Path | None) -> None:
    """Refuse before the run what would lose its figures after it.

    Raises:
        ModuleNotFoundError: matplotlib is not installed (extra ``bench``).
    """
    if plot_path is not None:
        import_module("matplotlib")
    for path in (json_path, plot_path):
        if path is not None:
            _write(path, _touch)


def _touch(path: Path) -> None:
    """Open a file for writing; one that was not there is not there afterwards either.

    Raises:
        OSError: it can't be written.
    """
    is_new = not path.exists()
    with path.open("ab"):
        pass
    if is_new:
        path.unlink()


def _check_corpus(folder: Path | None) -> None:
    if folder is None:
        return
    try:
        load_sounds(folder)
    except CorpusError as error:
        raise CorpusError(f"--corpus {error}") from error


def _check_provider(name: str, config_path: Path | None) -> None:
    """Refuse a provider that the engine's configuration does not have."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
    providers = read_config(config_path, environ).config.providers
    if name not in providers:
        rule = f"no provider {name!r}; there are {', '.join(sorted(providers))}"
        raise VoxgateError(f"--provider: {rule}")


def _show(text: str) -> None:
    click.echo(text, err=True)


def _json(report: object) -> str:
    return json.dumps(report, indent=1) + "\n"


def _write(path: Path, write: Callable[[Path], object]) -> None:
    try:
        write(path)
    except OSError as error:
        reason = error.strerror or error
        raise click.ClickException(f"{path} can't be written: {reason}") from error
