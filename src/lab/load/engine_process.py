"""The engine that a load run starts: ``voxgate serve`` as an operator starts it, or another's."""

from __future__ import annotations

__all__ = [
    "EngineProgram",
    "EngineSettings",
    "ServedEngine",
    "engine_environment",
    "parse_addresses",
    "serve_engine",
]

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from .child_process import ChildError

_COMMAND = "from voxgate.cli import main; main()"
_PINNED = "import os, sys; os.sched_setaffinity(0, {%d}); os.execvp(sys.argv[1], sys.argv[1:])"
"""Becomes the program that it is given, on one core: the process stays the same."""
_START_TIMEOUT_S = 120.0
_END_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """The engine that is measured."""

    config: Path | None = None
    """Its configuration; None: the packaged default."""
    provider: str = "embedded"
    """Name of the provider there that is pointed at the server of the run."""
    line: str = "audiosocket"
    mode: str | None = None
    """Of the gate: ``off``, ``half_duplex``, ``vad`` or ``echo_aware``; None: as configured."""
    max_calls: int = 200
    log_level: str = "warning"
    core: int | None = None
    """The only core that it runs on, where the system can do that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineProgram:
    """An engine of another make.

    It says ``NAME listens on HOST:PORT`` on its stdout once calls may come, and ends at SIGTERM.
    """

    words: tuple[str, ...]
    """What starts it; ``{url}`` in a word stands for the server that its provider is to use."""
    core: int | None = None
    """The only core that it runs on, where the system can do that."""


@dataclass(frozen=True, slots=True)
class ServedEngine:
    """The engine that runs."""

    pid: int | None
    """None: not known, or on another machine."""
    address: tuple[str, int]
    """Of the line."""
    core: int | None = None
    """The only core that it runs on; None: not known."""


def engine_environment(settings: EngineSettings, server_url: str) -> Mapping[str, str]:
    """Return the variables that make a configuration that of the run."""
    provider = f"VOXGATE__PROVIDERS__{settings.provider.upper()}"
    line = f"VOXGATE__LINES__{settings.line.upper()}"
    values = {
        "VOXGATE__ENGINE__DEFAULT_PROVIDER": settings.provider,
        "VOXGATE__ENGINE__MAX_CALLS": str(settings.max_calls),
        "VOXGATE__ENGINE__DRAIN_TIMEOUT_S": "1",
        "VOXGATE__ENGINE__LOG_LEVEL": settings.log_level,
        f"{provider}__URL": server_url,
        f"{provider}__API_KEY_ENV": "null",
        "VOXGATE__LINES__AUDIOSOCKET__ENABLED": "false",
        f"{line}__ENABLED": "true",
        f"{line}__PORT": "0",
        f"{line}__MAX_CONNECTIONS": str(2 * settings.max_calls),
        "VOXGATE__DESK__PORT": "0",
    }
    if settings.line == "twilio":
        values[f"{line}__PUBLIC_URL"] = "wss://load.example/twilio"
        values[f"{line}__VALIDATE_SIGNATURE"] = "false"
    if settings.mode is not None:
        policy = "VOXGATE__GATING__PROVIDERS__OPENAI_REALTIME"
        values[f"{policy}__GATING_ENABLED"] = str(settings.mode != "off").lower()
        values[f"{policy}__MODE"] = settings.mode
    return values


def parse_addresses(lines: Iterable[str]) -> Mapping[str, tuple[str, int]]:
    """Return the addresses that ``voxgate serve`` says that its lines listen on."""
    addresses = {}
    for line in lines:
        name, found, address = line.strip().partition(" listens on ")
        host, _, port = address.rpartition(":")
        if found and port.isdigit():
            addresses[name] = (host, int(port))
    return addresses


@asynccontextmanager
async def serve_engine(
    settings: EngineSettings | EngineProgram, server_url: str, log_path: Path
) -> AsyncIterator[ServedEngine]:
    """Serve until the end of the block.

    Args:
        settings: Which engine.
        server_url: Of the server of the run.
        log_path: Gets what the engine writes to stderr.

    Raises:
        ChildError: it does not start.
    """
    line = settings.line if isinstance(settings, EngineSettings) else None
    try:
        process = await _start(settings, server_url, log_path)
    except OSError as error:
        raise ChildError(f"the engine does not start: {error}") from error
    try:
        address = await _address(process, line, log_path)
        yield ServedEngine(process.pid, address, settings.core)
    finally:
        await _stop(process)


async def _start(
    settings: EngineSettings | EngineProgram, server_url: str, log_path: Path
) -> Process:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("VOXGATE__")}
    if isinstance(settings, EngineSettings):
        config = () if settings.config is None else (str(settings.config),)
        words: tuple[str, ...] = (sys.executable, "-c", _COMMAND, "serve", *config)
        inherited |= engine_environment(settings, server_url)
    else:
        words = tuple(word.replace("{url}", server_url) for word in settings.words)
    if settings.core is not None and hasattr(os, "sched_setaffinity"):
        words = (sys.executable, "-c", _PINNED % settings.core, *words)
    with log_path.open("wb") as sink:
        return await asyncio.create_subprocess_exec(*words, stdout=PIPE, stderr=sink, env=inherited)


async def _address(process: Process, line: str | None, log_path: Path) -> tuple[str, int]:
    """Return where a line listens; None: the first that is said."""
    assert process.stdout is not None, "it was started with a pipe"  # noqa: S101
    try:
        async with asyncio.timeout(_START_TIMEOUT_S):
            while text := await process.stdout.readline():
                for name, address in parse_addresses([text.decode()]).items():
                    if line in (None, name):
                        return address
    except TimeoutError:
        pass
    raise ChildError(f"the engine does not start: {_last_line(log_path)}")


def _last_line(log_path: Path) -> str:
    said = log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return said[-1].removeprefix("voxgate: ") if said else "it says nothing"


async def _stop(process: Process) -> None:
    """End the engine as an operator does: the calls are over."""
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(_END_TIMEOUT_S):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()
