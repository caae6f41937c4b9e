"""What 20 ms of a call cost the engine, sockets left out: `python -m benchmarks.call_slot_time`.

Calls over AudioSocket to a server that speaks the Realtime protocol, through everything that the
engine has of its own: both protocols, gate, playout, observers. In the sockets' place stand
transports that lead nowhere, and the loop's time is simulated, so that what is measured is work and
no waiting: CPU time, as free of the machine's other work as it gets. Many calls take turns, as a
call that runs alone has all caches for itself.
"""

from __future__ import annotations

__all__ = ["N_CALLS", "N_SECONDS", "slot_figures", "slot_times_us"]

import asyncio
import json
import selectors
import socket
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count, cycle, islice
from pathlib import Path
from statistics import median
from typing import cast
from uuid import UUID

from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import Connection
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figure import Figure
from benchmarks.sounds import Sounds, make_sounds
from voxgate import GatingMode
from voxgate.config.models import AppConfig, EngineConfig, GatingSection
from voxgate.config.provider_models import OpenAIRealtimeConfig
from voxgate.core.audio import FRAME_MS, AudioFormat, Encoding
from voxgate.core.g711 import decode, encode
from voxgate.engine import AIEngine
from voxgate.observe.call_log import CallLog
from voxgate.observe.metrics import CallMetrics
from voxgate.providers.openai_realtime import OpenAIRealtimeProvider
from voxgate.providers.registry import ProviderFactory, ProviderRegistry
from voxgate.transports.audiosocket.connection import AudioSocketConnection
from voxgate.transports.audiosocket.line import AudioSocketLine
from voxgate.transports.audiosocket.protocol import serialize_audio, serialize_call_id

N_CALLS = 20
N_SECONDS = 12
_N_ROUNDS = 5
_WARM_UP_S = 2.0
_SLOT_S = FRAME_MS / 1000
_ANSWER_SLOTS = 200
"""Of an answer: 4 s."""
_ROUND_SLOTS = 450
"""Between the beginnings of two answers."""
_TALK_SLOTS = range(230, 380)
"""Of them, those in which the caller speaks."""
_DELTA_SLOTS = 10
_CLOSED_SOCKET = socket.socket()
"""What is tuned in the place of a real one, in vain."""
_CLOSED_SOCKET.close()
_PCM16, _MULAW = AudioFormat(), AudioFormat(Encoding.MULAW)


class _SimulatedLoop(asyncio.SelectorEventLoop):
    """A loop whose time goes on by itself as soon as there is nothing to do."""

    def __init__(self) -> None:
        self.now_s = 0.0
        super().__init__(_NoWait(self))

    def time(self) -> float:
        return self.now_s


class _NoWait(selectors.DefaultSelector):
    def __init__(self, loop: _SimulatedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._loop.now_s += max(0.0, timeout or 0.0)
        return super().select(0)


class _Nowhere(asyncio.Transport):
    """A transport whose peer takes everything at once."""

    def __init__(self, take: Callable[[bytes], None] = lambda _: None) -> None:
        super().__init__({"socket": _CLOSED_SOCKET})
        self._take = take

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._take(bytes(data))

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def can_write_eof(self) -> bool:
        return False

    def write_eof(self) -> None:
        pass

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


class _Server:
    """The far side of one call's WebSocket: answers over and over, from a place of its own on."""

    def __init__(self, number: int, deltas: list[bytes]) -> None:
        self._deltas = deltas
        self._first_slot = number * _ROUND_SLOTS // N_CALLS
        protocol = ClientProtocol(parse_uri("ws://bench/"), state=State.OPEN)
        self.connection = Connection(protocol, ping_interval=None)
        self.connection.connection_made(_Nowhere(self._take))
        self._is_configured = False
        self.appended = 0
        """Messages that came since the session was configured."""
        self.tell({"type": "session.created"})

    def tell(self, event: dict[str, object]) -> None:
        self._send(json.dumps(event).encode())

    def pass_slot(self, slot: int) -> None:
        """Say what is due in a slot."""
        place = (slot - self._first_slot) % _ROUND_SLOTS
        if not self._is_configured or place >= _ANSWER_SLOTS:
            return
        if place == 0:
            self.tell({"type": "response.created", "response": {"id": "answer"}})
        if place < len(self._deltas):
            self._send(self._deltas[place])
        if place == len(self._deltas):
            self.tell({"type": "response.output_audio.done", "item_id": "item"})
            self.tell({"type": "response.done", "response": {"id": "answer"}})

    def _take(self, data: bytes) -> None:
        del data
        if self._is_configured:
            self.appended += 1
        else:
            self._is_configured = True
            self.tell({"type": "session.updated", "session": {}})

    def _send(self, text: bytes) -> None:
        self.connection.data_received(Frame(Opcode.TEXT, text).serialize(mask=False))


class _Phone:
    """The far side of one call's AudioSocket."""

    def __init__(self, number: int, frames: Iterator[bytes]) -> None:
        self._frames = frames
        self._connection = AudioSocketConnection(lambda _: None)
        self._connection.connection_made(_Nowhere())
        call_id = UUID(int=number + 1)
        self._deliver(serialize_call_id(call_id))
        self._connection.call.fix_capture_format()
        self.line = AudioSocketLine(
            str(call_id), self._connection, capture_format=_PCM16, playout_format=_PCM16
        )

    def pass_slot(self) -> None:
        """Send a frame."""
        self._deliver(next(self._frames))

    def hang_up(self) -> None:
        self._connection.connection_lost(None)

    def _deliver(self, data: bytes) -> None:
        self._connection.get_buffer(-1)[: len(data)] = data
        self._connection.buffer_updated(len(data))


def slot_figures() -> list[Figure]:
    """Measure calls without a gate, in mode ``vad`` and with the reference, in turns."""
    sounds = make_sounds(10 * _ROUND_SLOTS)
    modes = (GatingMode.OFF, GatingMode.VAD, GatingMode.ECHO_AWARE)
    rounds = [
        {mode: median(slot_times_us(mode, sounds)) for mode in modes} for _ in range(_N_ROUNDS)
    ]
    return [
        Figure(
            name=f"a slot of a call, {mode}",
            value=median(times[mode] for times in rounds),
            unit="us",
            best=min(times[mode] for times in rounds),
        )
        for mode in modes
    ]


def slot_times_us(mode: GatingMode, sounds: Sounds, n_seconds: float = N_SECONDS) -> list[float]:
    """Return the CPU time of one call in each slot, the mean of many calls, in us."""
    with capture_logs(), asyncio.Runner(loop_factory=_SimulatedLoop) as runner:
        return runner.run(_slot_times_us(mode, sounds, n_seconds))


async def _slot_times_us(mode: GatingMode, sounds: Sounds, n_seconds: float) -> list[float]:
    loop = asyncio.get_running_loop()
    providers = ProviderRegistry()
    servers = [_Server(number, _deltas(sounds)) for number in range(N_CALLS)]
    providers.register("openai_realtime", _provider_factory(servers))
    engine = AIEngine(
        _config(mode),
        observers=[CallLog()],
        clock=lambda: loop.time() * 1000,
        environ={},
        providers=providers,
    )
    await CallMetrics(engine).start()
    await engine.start()
    try:
        phones = [_Phone(number, _frames(number, sounds)) for number in range(N_CALLS)]
        calls = [asyncio.create_task(engine.handle_call(phone.line)) for phone in phones]
        times_s = await _pass_time(phones, servers, n_seconds)
        assert min(server.appended for server in servers) > 0, "the provider was sent nothing"
        for phone in phones:
            phone.hang_up()
        await asyncio.wait(calls)
    finally:
        await engine.stop()
    return [took_s * 1e6 / N_CALLS for took_s in times_s]


def _provider_factory(servers: list[_Server]) -> ProviderFactory:
    """Return what makes providers whose connections lead to the servers, in their order."""
    waiting = list(reversed(servers))

    class Provider(OpenAIRealtimeProvider):
        async def _connect(self) -> ClientConnection:
            return cast("ClientConnection", waiting.pop().connection)

    return Provider.from_setup


async def _pass_time(phones: list[_Phone], servers: list[_Server], n_seconds: float) -> list[float]:
    """Let calls go on, each at its own place within a slot; return the CPU time of each slot in s.

    The first seconds are left out.
    """
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    times_s = []
    for slot in range(round((_WARM_UP_S + n_seconds) / _SLOT_S)):
        start_s = time.process_time()
        for number, (phone, server) in enumerate(zip(phones, servers, strict=True)):
            due_s = began_s + (slot + number / N_CALLS) * _SLOT_S
            await asyncio.sleep(due_s - loop.time())
            phone.pass_slot()
            server.pass_slot(slot)
        times_s.append(time.process_time() - start_s)
    return times_s[round(_WARM_UP_S / _SLOT_S) :]


def _config(mode: GatingMode) -> AppConfig:
    config = AppConfig()
    policies = dict(config.gating.providers)
    policy = replace(
        policies["openai_realtime"], gating_enabled=mode is not GatingMode.OFF, mode=mode
    )
    audiosocket = replace(config.lines.audiosocket, enabled=False)
    return replace(
        config,
        engine=EngineConfig(default_provider="agent"),
        lines=replace(config.lines, audiosocket=audiosocket),
        providers={
            "agent": OpenAIRealtimeConfig(url="ws://bench/", api_key_env=None, greeting=None)
        },
        gating=GatingSection(providers={**policies, "openai_realtime": policy}),
    )


def _frames(number: int, sounds: Sounds) -> Iterator[bytes]:
    """Return what a call's line delivers, on the wire: the caller in turn with the agent's echo."""
    first = number * _ROUND_SLOTS // N_CALLS
    places = ((slot - first) % _ROUND_SLOTS for slot in count())
    both = zip(cycle(sounds.caller), cycle(sounds.echo))
    shifted = islice(both, number * 37, None)
    for place, (caller, echo) in zip(places, shifted, strict=False):
        yield serialize_audio(caller if place in _TALK_SLOTS else echo)


def _deltas(sounds: Sounds) -> list[bytes]:
    """Return the messages of one answer, each of 200 ms."""
    speech = b"".join(encode(decode(frame, _PCM16), _MULAW) for frame in sounds.agent[50:250])
    n_bytes = _DELTA_SLOTS * _MULAW.frame_bytes
    pieces = [speech[at : at + n_bytes] for at in range(0, len(speech), n_bytes)]
    event = {"type": "response.output_audio.delta", "response_id": "answer", "item_id": "item"}
    return [
        json.dumps({**event, "delta": b64encode(piece).decode("ascii")}).encode()
        for piece in pieces
    ]


if __name__ == "__main__":
    for figure in slot_figures():
        print(f"{figure.name:40} {figure.value:8.2f} {figure.unit:3} {figure.verdict}")
