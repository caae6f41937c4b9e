"""The light server's sockets: one WebSocket a session, and a timer for its answer."""

from __future__ import annotations

__all__ = ["LightServer"]

import asyncio
import contextlib

import numpy as np
import numpy.typing as npt
from aiohttp import WSMsgType, web

from ...clock import monotonic_ms
from ...realtime_server import Pace
from .answers import spoken_answers
from .frame_log import EventRow, FrameLog, MeasuredSide
from .light_session import LightSession

_PATH = "/v1/realtime"
_MAX_MESSAGE_BYTES = 2**20


class LightServer:
    """Serves :class:`.light_session.LightSession` on the loopback.

    Args:
        port: TCP port; 0: any free one.
        speed_ratio: Of answers against real time.
    """

    def __init__(self, *, port: int, speed_ratio: float) -> None:
        self._port = port
        self._pace = Pace(speed_ratio=speed_ratio)
        self._answers = spoken_answers(self._pace.delta_ms)
        self._received, self._lengths = FrameLog(), FrameLog()
        self._events: list[EventRow] = []
        self.n_sessions = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The address that an engine's provider is given."""
        assert self._runner is not None, "the server is not started"  # noqa: S101
        host, port = self._runner.addresses[0][:2]
        return f"ws://{host}:{port}{_PATH}"

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        app = web.Application()
        app.router.add_get(_PATH, self._serve)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, shutdown_timeout=1.0).start()

    async def stop(self) -> None:
        """Close every session."""
        if self._runner is not None:
            await self._runner.cleanup()

    def take(self, lags_ms: npt.NDArray[np.float64]) -> MeasuredSide:
        """Return what was measured since this was last asked."""
        events, self._events[:] = tuple(self._events), ()
        return MeasuredSide(
            frames=self._received.take(),
            others=self._lengths.take(),
            events=events,
            lags_ms=lags_ms,
        )

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False, max_msg_size=_MAX_MESSAGE_BYTES, timeout=1.0)
        await socket.prepare(request)
        self.n_sessions += 1
        number = self.n_sessions
        self._events.append(EventRow(monotonic_ms(), number, "session"))
        session = LightSession(
            number,
            self._answers,
            pace=self._pace,
            received=self._received,
            lengths=self._lengths,
            events=self._events,
        )
        await _Connection(socket, session).run()
        self._events.append(EventRow(monotonic_ms(), number, "session_ended"))
        return socket


class _Connection:
    """One session with its socket."""

    def __init__(self, socket: web.WebSocketResponse, session: LightSession) -> None:
        self._socket = socket
        self._session = session
        self._has_deadline = asyncio.Event()

    async def run(self) -> None:
        """Serve until the client is gone."""
        answering = asyncio.create_task(self._answer())
        try:
            with contextlib.suppress(ConnectionError):
                await self._drain()
                async for message in self._socket:
                    if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                        self._session.receive_message(message.data, monotonic_ms())
                        await self._drain()
        finally:
            answering.cancel()

    async def _drain(self) -> None:
        while (text := self._session.next_output()) is not None:
            await self._socket.send_str(text)
        if self._session.next_deadline_ms() is not None:
            self._has_deadline.set()

    async def _answer(self) -> None:
        """Send what is due of answers, as long as there is one."""
        with contextlib.suppress(ConnectionError):
            while True:
                due_ms = self._session.next_deadline_ms()
                if due_ms is None:
                    self._has_deadline.clear()
                    await self._has_deadline.wait()
                    continue
                await asyncio.sleep(max(0.0, due_ms - monotonic_ms()) / 1000)
                self._session.handle_deadline(monotonic_ms())
                await self._drain()
