"""The scripted line is held to what lines with a socket are held to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest

from integration.line_conformance import LineConformance, until
from voxgate.transports.base import Line, LineAudio, LineDtmf, LineHangup
from voxgate.transports.scripted import ScriptedLine, ScriptedTransport


class ScriptedCaller:
    """Plays the caller of a scripted line."""

    def __init__(self, line: ScriptedLine) -> None:
        self.line = line
        self._n_heard = 0

    async def speak(self, audio: bytes) -> None:
        self.line.receive(LineAudio(audio))

    async def press(self, digit: str) -> None:
        self.line.receive(LineDtmf(digit))

    async def hear(self, n_frames: int) -> list[bytes]:
        start, self._n_heard = self._n_heard, self._n_heard + n_frames
        return list(self.line.heard[start : self._n_heard])

    async def stop_reading(self) -> None:
        self.line.stop_reading()

    async def misbehave(self) -> None:
        self.line.receive(LineHangup("protocol_error", "as scripted"))

    async def hang_up(self) -> None:
        self.line.receive(LineHangup("caller_hangup"))

    async def finish_sending(self) -> None:
        await self.hang_up()

    async def vanish(self) -> None:
        self.line.receive(LineHangup("transport_error", "as scripted"))

    async def is_over(self) -> None:
        assert self.line.hangup_event is not None

    async def is_told_to_hang_up(self) -> bool:
        await until(lambda: self.line.hangup_event is not None)
        return self.line.hangup_event == LineHangup("local_hangup")


class ScriptedExchange:
    """Places scripted calls through a scripted transport."""

    def __init__(self) -> None:
        self.transport = ScriptedTransport()
        self.may_end = asyncio.Event()
        self._calls: set[asyncio.Task[None]] = set()
        self._numbers = count(1)
        self._served: asyncio.Queue[Line] = asyncio.Queue()

    async def serve(self, line: Line) -> None:
        self._served.put_nowait(line)
        await self.may_end.wait()

    async def place_call(self) -> ScriptedCaller:
        line = ScriptedLine(f"scripted-{next(self._numbers)}")
        self._calls.add(asyncio.create_task(self.transport.place_call(line)))
        assert await self._served.get() is line
        return ScriptedCaller(line)

    async def end(self) -> None:
        await self.transport.stop()
        self.may_end.set()
        await asyncio.gather(*self._calls)


@pytest.fixture
async def exchange() -> AsyncIterator[ScriptedExchange]:
    exchange = ScriptedExchange()
    await exchange.transport.start(exchange.serve)
    yield exchange
    await exchange.end()


class TestScriptedLine(LineConformance):
    """The fake behaves as the real ones do."""
