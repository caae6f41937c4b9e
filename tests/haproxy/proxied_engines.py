"""Real engines behind a real HAProxy, configured by the files that are shipped."""

from __future__ import annotations

__all__ = ["Engine", "Haproxy", "proxy", "two_engines"]

import asyncio
import csv
import json
import os
import re
import socket
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

GUARD_S = 120.0
"""No wait in a passing test comes near it, on however slow a machine."""

_FILES = Path(__file__).resolve().parents[2] / "config" / "haproxy"
_COMMAND = "from voxgate.cli import main; main()"


@contextmanager
def free_ports(count: int) -> Iterator[list[int]]:
    """Yield ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    yield ports


class Engine:
    """``voxgate serve`` at ports of its own, as often as it is started."""

    def __init__(self, name: str, folder: Path, line: str, ports: tuple[int, int]) -> None:
        self.name = name
        self.port, self.desk_port = ports
        self.log: list[dict[str, Any]] = []
        self._path = folder / f"{name}.yaml"
        self._path.write_text(
            "engine: {log_format: json, drain_timeout_s: 3600}\n"
            f"lines: {line.replace('PORT', str(self.port))}\n"
            f"desk: {{port: {self.desk_port}, phone: false}}\n"
            "realtime_server: {answered_by: scripted}\n",
            encoding="utf-8",
        )
        self.process: Process | None = None
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it, and wait until it takes calls."""
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _COMMAND, "serve", str(self._path)),
            stdout=PIPE,
            stderr=PIPE,
        )
        self._following = asyncio.create_task(self._follow(self.process))
        assert self.process.stdout is not None
        async with asyncio.timeout(GUARD_S):
            assert b"listens on" in await self.process.stdout.readline()

    def kill(self) -> None:
        """End it as a crash does."""
        assert self.process is not None
        self.process.kill()

    async def wait(self) -> int:
        """Return its status, once it has ended and its log was read."""
        assert self.process is not None
        assert self._following is not None
        async with asyncio.timeout(GUARD_S):
            await self._following
            return await self.process.wait()

    async def end(self) -> None:
        """Kill it, if it still runs."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.wait()

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return what it has logged of an event, in all its lives."""
        return [line for line in self.log if line["event"] == event]

    async def _follow(self, process: Process) -> None:
        assert process.stderr is not None
        while line := await process.stderr.readline():
            self.log.append(json.loads(line))


@asynccontextmanager
async def two_engines(
    folder: Path, first: str, second: str | None = None
) -> AsyncIterator[tuple[Engine, Engine]]:
    """Run two engines with their lines, or with the same; ``PORT`` in it is each one's own."""
    with free_ports(4) as ports:
        engines = (
            Engine("engine1", folder, first, (ports[0], ports[1])),
            Engine("engine2", folder, second or first, (ports[2], ports[3])),
        )
    try:
        await asyncio.gather(*(engine.start() for engine in engines))
        yield engines
    finally:
        for engine in engines:
            await engine.end()


class Haproxy:
    """A running HAProxy, by its sockets."""

    def __init__(self, port: int, status_port: int, admin: Path) -> None:
        self.address = ("127.0.0.1", port)
        self.status_port = status_port
        self._admin = admin

    async def ask(self, command: str) -> str:
        """Give a command at the operator's socket, and return the answer."""
        reader, writer = await asyncio.open_unix_connection(self._admin)
        writer.write(command.encode() + b"\n")
        answer = (await reader.read()).decode()
        writer.close()
        return answer

    async def servers(self) -> dict[str, tuple[str, int]]:
        """Return state and connections of every engine, by its name."""
        answer = (await self.ask("show stat")).removeprefix("# ")
        rows = csv.DictReader(answer.splitlines())
        return {
            row["svname"]: (row["status"].split()[0], int(row["scur"]))
            for row in rows
            if row["svname"].startswith("engine")
        }

    async def until(self, is_so: Callable[[dict[str, tuple[str, int]]], bool]) -> None:
        """Wait until states and connections of the engines are as wanted."""
        async with asyncio.timeout(GUARD_S):
            while not is_so(await self.servers()):  # noqa: ASYNC110 - HAProxy tells nobody
                await asyncio.sleep(0.05)


@asynccontextmanager
async def proxy(
    folder: Path, file_name: str, engines: tuple[Engine, Engine], certificate: Path | None = None
) -> AsyncIterator[Haproxy]:
    """Run HAProxy with a file that is shipped, in which nothing but addresses is another."""
    admin = folder / "admin.sock"
    with free_ports(2) as (port, status_port):
        text = (_FILES / file_name).read_text(encoding="utf-8")
    changes = [
        (r"bind :(8090|443) ", f"bind 127.0.0.1:{port} "),
        (r"127\.0\.0\.1:8405", f"127.0.0.1:{status_port}"),
        (r"/run/haproxy/admin\.sock", str(admin)),
        *(
            (
                rf"    server {each.name} \S+",
                f"    server {each.name} 127.0.0.1:{each.port} port {each.desk_port}",
            )
            for each in engines
        ),
    ]
    if certificate is not None:
        changes.append((r"/etc/haproxy/\S+\.pem", str(certificate)))
    for pattern, replacement in changes:
        text, count = re.subn(pattern, replacement, text)
        assert count == 1, f"{pattern} stands {count} times in {file_name}"
    path = folder / file_name
    path.write_text(text, encoding="utf-8")
    program = os.environ["HAPROXY_PATH"]
    checked = subprocess.run(  # noqa: ASYNC221 - nothing else is under way
        [program, "-c", "-f", path], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr, checked.stderr
    process = await asyncio.create_subprocess_exec(
        program, "-db", "-f", str(path), stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        running = Haproxy(port, status_port, admin)
        async with asyncio.timeout(GUARD_S):
            while not admin.exists():  # noqa: ASYNC110 - nor that it has started
                await asyncio.sleep(0.02)
        await running.until(lambda now: all(state == "UP" for state, _ in now.values()))
        yield running
    finally:
        process.kill()
        await process.wait()
