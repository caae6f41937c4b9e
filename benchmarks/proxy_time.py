"""What the proxy adds: latency each way, and CPU time, against the same peers without it.

    python -m benchmarks.proxy_time [--sessions 50] [--rounds 3] [--seconds 8] [--relays]

Clients send 20 ms of a caller each 20 ms, each at a phase of its own, and a light server on this
machine sends 20 ms of an agent as often, so that the gate is always at its most expensive work.
Rounds straight and through the proxy take turns. The peers run in this process on one core, the
proxy is ``voxgate proxy`` in a process on another one. ``--relays`` measures bare relays, too, made
with each WebSocket library.
"""

from __future__ import annotations

__all__ = ["main"]

import argparse
import asyncio
import json
import os
import random
import sys
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import uvloop
from aiohttp import ClientSession, WSMsgType, web

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import decode
from voxgate.realtime_server import VoiceLibrary, agent_voices

_MULAW = AudioFormat(Encoding.MULAW)
_FRAME_S = 0.02
_SETTLE_S = 2.0
"""Left out at the start of a round: connections are made."""
_LIMIT_MS = 5.0
_TICKS = os.sysconf("SC_CLK_TCK")
_FORMATS = ("audio/pcmu", "audio/pcm")
"""Telephones' and that of most other clients, half of the sessions each."""
_COMMAND = [sys.executable, "-c", "from voxgate.cli import main; main()", "proxy", "--port", "0"]
_RELAY = [sys.executable, "-m", "benchmarks.proxy_relays"]


@dataclass(slots=True)
class _Latencies:
    """Seconds from one peer's sending to the other's receiving."""

    up: list[float] = field(default_factory=list)
    down: list[float] = field(default_factory=list)
    sent_up: int = 0
    began_s: float = 0.0

    def note(self, into: list[float], message: bytes) -> None:
        """Take a message that says when it was sent, to the nanosecond, in its event_id."""
        at = message.find(b'"event_id":"t') + len(b'"event_id":"t')
        now_ns = time.monotonic_ns()
        if at > 20 and now_ns / 1e9 >= self.began_s:
            into.append((now_ns - int(message[at : message.index(b'"', at)])) / 1e9)


@dataclass(frozen=True, slots=True)
class _Sounds:
    """Frames of 20 ms as base64, by format."""

    caller: dict[str, list[bytes]]
    agent: dict[str, list[bytes]]


def _sounds() -> _Sounds:
    callers = VoiceLibrary.load(files("voxgate.lab") / "voices")
    agent = b"".join(line.audio for line in agent_voices().values())
    caller = b"".join(line.audio for line in callers.values())
    return _Sounds(_frames(caller), _frames(agent))


def _frames(mulaw: bytes) -> dict[str, list[bytes]]:
    frames = [mulaw[at : at + 160] for at in range(0, len(mulaw) - 160, 160)]
    wide = [np.repeat(decode(frame, _MULAW), 3).tobytes() for frame in frames]
    encoded = {"audio/pcmu": frames, "audio/pcm": wide}
    return {name: [b64encode(each) for each in given] for name, given in encoded.items()}


# -- peers -----------------------------------------------------------------------------------------


@asynccontextmanager
async def _light_server(sounds: _Sounds, latencies: _Latencies) -> AsyncIterator[str]:
    """A server that notes when appends come, and sends agent audio."""

    async def handle(request: web.Request) -> web.StreamResponse:
        socket: Any = web.WebSocketResponse(decode_text=False, compress=False)
        await socket.prepare(request)
        talk = asyncio.create_task(_talk(socket, sounds.agent[request.query["format"]]))
        async for message in socket:
            latencies.note(latencies.up, message.data)
        talk.cancel()
        return socket  # type: ignore[no-any-return]

    app = web.Application()
    app.router.add_get("/v1/realtime", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _talk(socket: Any, frames: Sequence[bytes]) -> None:
    text = (
        b'{"type":"response.output_audio.delta","event_id":"t%d","response_id":"r","item_id":"i%d",'
        b'"output_index":0,"content_index":0,"delta":"%s"}'
    )
    number = 0
    async for sent_ns in _paced():
        number += 1
        delta = text % (sent_ns, number // 400, frames[number % len(frames)])
        await socket.send_frame(delta, WSMsgType.TEXT)


async def _paced() -> AsyncIterator[int]:
    """Yield the time each 20 ms, from a phase of one's own."""
    await asyncio.sleep(random.random() * _FRAME_S)  # noqa: S311 - no secret
    due_s = time.monotonic()
    while True:
        yield time.monotonic_ns()
        due_s += _FRAME_S
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))


async def _client(
    http: ClientSession, url: str, number: int, sounds: _Sounds, latencies: _Latencies
) -> None:
    name = _FORMATS[number % 2]
    async with http.ws_connect(
        f"{url}/realtime?model=m&format={name}", decode_text=False, compress=0
    ) as socket:
        shape = {"format": {"type": name}}
        session = {"type": "realtime", "audio": {"input": shape, "output": shape}}
        await socket.send_json({"type": "session.update", "session": session})
        talk = asyncio.create_task(_say(socket, sounds.caller[name], number, latencies))
        try:
            async for message in socket:
                latencies.note(latencies.down, message.data)
        finally:
            talk.cancel()


async def _say(socket: Any, frames: Sequence[bytes], number: int, latencies: _Latencies) -> None:
    text = b'{"type":"input_audio_buffer.append","event_id":"t%d","audio":"%s"}'
    at = number * 37
    async for sent_ns in _paced():
        at += 1
        latencies.sent_up += sent_ns / 1e9 >= latencies.began_s
        data = text % (sent_ns, frames[at % len(frames)])
        await socket.send_frame(data, WSMsgType.TEXT)


# -- what is measured ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    latencies: _Latencies
    cpu_s: float
    """Of the process in between, per session and second; 0 without one."""


async def _round(
    url: str, pid: int | None, n_sessions: int, seconds: float, peers: _Peers
) -> _Round:
    latencies = peers.latencies
    latencies.up, latencies.down, latencies.sent_up = [], [], 0
    latencies.began_s = time.monotonic() + _SETTLE_S
    async with ClientSession() as http:
        clients = [
            asyncio.create_task(_client(http, url, n, peers.sounds, latencies))
            for n in range(n_sessions)
        ]
        await asyncio.sleep(_SETTLE_S)
        before_s = 0.0 if pid is None else _cpu_s(pid)
        await asyncio.sleep(seconds)
        after_s = 0.0 if pid is None else _cpu_s(pid)
        latencies.began_s = float("inf")
        for client in clients:
            client.cancel()
        await asyncio.wait(clients)
    kept = _Latencies(latencies.up, latencies.down, latencies.sent_up)
    return _Round(latencies=kept, cpu_s=(after_s - before_s) / seconds / n_sessions)


@dataclass(frozen=True, slots=True)
class _Peers:
    sounds: _Sounds
    latencies: _Latencies


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@asynccontextmanager
async def _between(
    command: Sequence[str] | None, upstream_url: str
) -> AsyncIterator[tuple[str, int | None]]:
    """Run a proxy or relay on a core of its own; yield its base URL and process id."""
    if command is None:
        yield upstream_url, None
        return
    quiet = {"VOXGATE__ENGINE__LOG_LEVEL": "error", "OPENBLAS_NUM_THREADS": "1"}
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, env={**os.environ, **quiet}
    )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        cores = sorted(os.sched_getaffinity(process.pid))
        os.sched_setaffinity(process.pid, {cores[-1]})
        yield line.split()[-1], process.pid
    finally:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _measure(options: argparse.Namespace) -> dict[str, Any]:
    cores = sorted(os.sched_getaffinity(0))
    peers = _Peers(_sounds(), _Latencies())
    async with _light_server(peers.sounds, peers.latencies) as upstream_url:
        commands = {"proxy": [*_COMMAND, "--upstream", upstream_url]}
        if options.relays:
            commands |= {f"relay {name}": [*_RELAY, name, upstream_url] for name in _LIBRARIES}
        rounds: dict[str, list[_Round]] = {"straight": [], **{name: [] for name in commands}}
        for number in range(options.rounds):
            for name, given in rounds.items():
                print(f"round {number + 1}: {name}", file=sys.stderr)
                os.sched_setaffinity(0, set(cores))
                async with _between(commands.get(name), f"{upstream_url}/v1") as (url, pid):
                    os.sched_setaffinity(0, {cores[0]})
                    given.append(await _round(url, pid, options.sessions, options.seconds, peers))
    return {name: _figures(given) for name, given in rounds.items()}


_LIBRARIES = ("aiohttp", "websockets")


def _figures(rounds: Sequence[_Round]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for way in ("up", "down"):
        all_ms = [np.array(getattr(each.latencies, way)) * 1000 for each in rounds]
        figures[f"{way}_ms_p50"] = round(float(np.percentile(np.concatenate(all_ms), 50)), 2)
        figures[f"{way}_ms_p99"] = [round(float(np.percentile(each, 99)), 2) for each in all_ms]
    figures["cpu_ms_per_session_s"] = [round(each.cpu_s * 1000, 2) for each in rounds]
    figures["appends"] = [f"{len(r.latencies.up)}/{r.latencies.sent_up}" for r in rounds]
    return figures


def main() -> int:
    """Print the figures; return 1 if the proxy adds more than 5 ms (p99) in every round."""
    parser = argparse.ArgumentParser(description=__doc__, prog="benchmarks.proxy_time")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--relays", action="store_true", help="measure bare relays, too")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    figures = uvloop.run(_measure(options))
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    for name, each in figures.items():
        print(name, json.dumps(each))
    added = {
        way: [
            round(through - straight, 2)
            for through, straight in zip(
                figures["proxy"][f"{way}_ms_p99"], figures["straight"][f"{way}_ms_p99"], strict=True
            )
        ]
        for way in ("up", "down")
    }
    print(f"added, p99 of each round in ms: {added}; limit {_LIMIT_MS}")
    return int(any(min(each) > _LIMIT_MS for each in added.values()))


if __name__ == "__main__":
    sys.exit(main())
