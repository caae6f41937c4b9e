"""``voxgate proxy``: gate what clients of a Realtime API send to the provider, until stopped."""

from __future__ import annotations

__all__ = ["command"]

import asyncio
import contextlib
import errno
import gc
import os
import signal
import socket
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..blas_threads import use_one_blas_thread
from ..config.load import load_config
from ..config.models import AppConfig
from ..config.realtime_proxy_model import RealtimeProxyConfig
from ..errors import ConfigError, ConfigProblem

if TYPE_CHECKING:
    from ..integrations.realtime_proxy import RealtimeProxy


@click.command(name="proxy")
@click.argument("config_path", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--upstream", metavar="URL", help="In place of realtime_proxy.upstream_url.")
@click.option("--host", help="In place of realtime_proxy.host.")
@click.option("--port", type=int, help="In place of realtime_proxy.port.")
def command(
    config_path: Path | None, upstream: str | None, host: str | None, port: int | None
) -> None:
    """Stand between clients of a Realtime API and the provider, with the gate.

    What is listened on, the provider's address and limits are in the section realtime_proxy of
    CONFIG_PATH (the packaged default if left out), the gate's thresholds in gating, vad,
    audio_guard and barge_in. Clients change nothing but the host in their URL: ws://127.0.0.1:8190
    in place of wss://api.openai.com.

    SIGTERM and SIGINT stop it: nobody new is served, and running sessions get
    engine.drain_timeout_s to end by themselves; a second signal ends them at once.
    """
    config = load_config(config_path)
    given = {"upstream_url": upstream, "host": host, "port": port}
    proxy = _with_options(config.realtime_proxy, given)
    from ..observe.logging_setup import set_up_logging

    set_up_logging(config.engine.log_level, config.engine.log_format)
    use_one_blas_thread()
    _runner()(_serve(replace(config, realtime_proxy=proxy)))


def _with_options(config: RealtimeProxyConfig, given: dict[str, Any]) -> RealtimeProxyConfig:
    """Return the section with what the command line says instead, checked as the file's keys are.

    Raises:
        ConfigError: an option is not what its key may be.
    """
    for name, value in given.items():
        if value is None:
            continue
        try:
            config = replace(config, **{name: value})
        except ValueError as error:
            rule = str(error).partition(": ")[2]
            option = "--upstream" if name == "upstream_url" else f"--{name}"
            problem = ConfigProblem(
                key=f"realtime_proxy.{name}", value="", rule=rule, source=option
            )
            raise ConfigError([problem]) from error
    return config


def _runner() -> Callable[[Coroutine[Any, Any, None]], None]:
    """Return what runs the loop: uvloop's, which takes less time a message, where there is one."""
    try:
        import uvloop
    except ModuleNotFoundError:
        return asyncio.run
    return uvloop.run


async def _serve(config: AppConfig) -> None:
    from ..core.audio_gating_manager import AudioGatingManager
    from ..integrations.realtime_proxy import RealtimeProxy

    manager = AudioGatingManager(config=config.gating_config)
    proxy = RealtimeProxy(config.realtime_proxy, manager)
    signals = _stop_signals()
    try:
        await _start(proxy, config.realtime_proxy)
        gc.collect()
        gc.freeze()  # what the start has made stays as long as we do
        click.echo(_listening(config.realtime_proxy.upstream_url, proxy.base_url))
        await signals.get()
        await _drain(proxy, config.engine.drain_timeout_s, signals)
    finally:
        gc.unfreeze()
        await proxy.stop()


def _listening(upstream_url: str, base_url: str) -> str:
    """Return what both kinds of client need."""
    return (
        f"proxy for {upstream_url} listens; SDKs: {base_url} as the base of their WebSockets; "
        f"other clients: {base_url}/realtime?model=..."
    )


async def _start(proxy: RealtimeProxy, config: RealtimeProxyConfig) -> None:
    """Start, and name the key where what it says is not there to be used."""
    try:
        await proxy.start()
    except OSError as error:
        raise ConfigError([_problem_of_start(error, config)]) from error


def _problem_of_start(error: OSError, config: RealtimeProxyConfig) -> ConfigProblem:
    for key in ("certificate_file", "key_file"):
        path = getattr(config, key)
        if path is not None and not (Path(path).is_file() and os.access(path, os.R_OK)):
            return _problem(key, "is not a file that can be read", value=path)
    if isinstance(error, ssl.SSLError):
        return _problem("certificate_file", "holds no certificate for the key in key_file")
    where = f"{config.host}:{config.port}"
    rule = f"can't listen on {where}: {error.strerror or error}"
    if isinstance(error, socket.gaierror) or error.errno in (None, errno.EADDRNOTAVAIL):
        return _problem("host", rule, source="configuration or --host")
    return _problem("port", rule, source="configuration or --port")


def _problem(
    key: str, rule: str, *, value: str = "", source: str = "configuration"
) -> ConfigProblem:
    return ConfigProblem(key=f"realtime_proxy.{key}", value=value, rule=rule, source=source)


async def _drain(proxy: RealtimeProxy, timeout_s: float, signals: asyncio.Queue[None]) -> None:
    """Wait for the sessions that run, or for a second signal."""
    draining = asyncio.create_task(proxy.drain(timeout_s), name="drain")
    told = asyncio.create_task(signals.get(), name="second signal")
    await asyncio.wait({draining, told}, return_when=asyncio.FIRST_COMPLETED)
    for task in (draining, told):
        task.cancel()
    await asyncio.wait({draining, told})


def _stop_signals() -> asyncio.Queue[None]:
    """Return a queue that gets an entry for each signal to stop."""
    signals: asyncio.Queue[None] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C cancels what runs
            loop.add_signal_handler(number, signals.put_nowait, None)
    return signals
