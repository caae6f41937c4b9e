"""``voxgate serve`` with several workers: the parent's part.

Invariant: what is wrong with the configuration is told once, before any worker starts.
"""

from __future__ import annotations

__all__ = ["serve_workers"]

import os
import socket
from pathlib import Path

import click
import structlog

from ..config.models import AppConfig
from ..errors import ConfigError, ConfigProblem, TransportError
from ..observe.desk.service import desk_token
from ..workers.held_config import HeldConfig
from ..workers.shareable import sharing_problems
from ..workers.supervisor import Supervisor

_log = structlog.get_logger(__name__)


async def serve_workers(config_path: Path | None) -> None:
    """Run a parent and its workers until it is told to stop.

    Raises:
        ConfigError: something is wrong that shows before a worker starts.
        TransportError: a line's address can't be bound.
        WorkersFailedError: workers could not start, or died time and again.
    """
    held = HeldConfig(config_path)
    _require_shareable(held.config)
    supervisor = Supervisor(held)
    server = None
    if held.config.desk.enabled:
        token = desk_token(held.config.desk.token_env, os.environ)
        try:
            from ..workers.status_server import StatusServer
        except ModuleNotFoundError as error:
            hint = "pip install 'voxgate[desk]'"
            _log.warning("desk.packages_missing", package=error.name, hint=hint)
        else:
            server = StatusServer(supervisor, token)
            try:
                await server.start()
            except TransportError as error:
                _log.error("desk.not_started", error=str(error), hint="set another desk.port")
                server = None
    try:
        at = None if server is None else server.address
        await supervisor.run(lambda: _show_addresses(supervisor, at))
    finally:
        if server is not None:
            await server.stop()


def _require_shareable(config: AppConfig) -> None:
    """Refuse what several workers can't have.

    Raises:
        ConfigError: with what that is.
    """
    rules = list(sharing_problems(config))
    if not hasattr(socket, "send_fds"):
        rules = ["needs a system that hands connections from process to process: Linux or macOS"]
    value = str(config.engine.workers)
    if rules:
        raise ConfigError(
            [
                ConfigProblem(key="engine.workers", value=value, rule=rule, source="configuration")
                for rule in rules
            ]
        )


def _show_addresses(supervisor: Supervisor, status: tuple[str, int] | None) -> None:
    for name, (host, port) in supervisor.addresses.items():
        click.echo(f"{name} listens on {host}:{port}")
    if status is not None:
        click.echo(f"metrics and health of all workers on http://{status[0]}:{status[1]}/")
    for notice in supervisor.notices():
        click.echo(notice)
