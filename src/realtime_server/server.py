"""The server's shell: sockets, tasks and clocks around :class:`RealtimeSession`.

Each connection has one task that owns its session: it alone feeds it, drains it and writes. A
reader task and the answerers' tasks only fill its bounded inbox; when that is full they wait, and
so, by TCP, does the client.

Invariant: a connection that fails, or an answerer that raises, ends nothing but itself.
"""

from __future__ import annotations

__all__ = ["MAX_MESSAGE_BYTES", "RealtimeServer"]

import asyncio
import http
import json
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, assert_never
from urllib.parse import urlsplit

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from ..clock import Clock, monotonic_ms
from .admission import PATH, Refused, admit
from .answerer import Answerer, AnswerRequest, FunctionCall, ScriptedAnswerer, Speech
from .outbox import AskAnswer, CloseSession, DropAnswer, SendEvent, SessionOutput
from .response import Pace
from .server_events import Event
from .session import RealtimeSession, SessionOptions
from .session_log import SessionLog

MAX_MESSAGE_BYTES = 15 * 2**20
"""Largest message that the API takes; a larger one closes the connection with 1009."""

_MAX_INBOX = 64
"""Inputs that may wait for a session's task; beyond it the reader and the answerers wait."""
_MAX_RECORDS = 256
"""Sessions whose records are kept, ended ones included; the oldest goes."""
_CLOSE_TIMEOUT_S = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Message:
    data: str | bytes


@dataclass(frozen=True, slots=True)
class _Piece:
    response_id: str
    piece: Speech | FunctionCall


@dataclass(frozen=True, slots=True)
class _AnswerEnd:
    response_id: str
    is_failed: bool


@dataclass(frozen=True, slots=True)
class _Gone:
    """The client is gone."""


_Input = _Message | _Piece | _AnswerEnd | _Gone


class RealtimeServer:
    """An OpenAI Realtime server on this machine that answers with rendered sentences.

    Args:
        host: Address to listen on. There is no TLS: keep it on loopback.
        port: TCP port; 0: any free one, which :attr:`url` names.
        replies: Ids of the sentences that turns are answered with, in order and from the start
            again; None for the default. See ``voices/index.json``.
        answerer_factory: Makes the answerer of each session, in place of ``replies``.
        expected_api_key: The Bearer key to ask for; None: any will do, or none.
        speed_ratio: Speed of audio delivery against real time.
        max_session_ms: Wall time after which a session is ended, in ms.
        keeps_input_audio: Whether the records in :attr:`sessions` keep the audio received.
        options: Pace and limits in one, in place of the three above.
        clock: Monotonic clock in ms.

    Raises:
        ValueError: if ``replies`` names no sentence that exists, or a number is out of range.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        replies: Sequence[str] | None = None,
        answerer_factory: Callable[[], Answerer] | None = None,
        expected_api_key: str | None = None,
        speed_ratio: float | None = None,
        max_session_ms: float | None = None,
        keeps_input_audio: bool | None = None,
        options: SessionOptions | None = None,
        clock: Clock = monotonic_ms,
    ) -> None:
        if answerer_factory is None:
            ScriptedAnswerer(replies)  # a wrong id is an error here, not in the first session
        elif replies is not None:
            raise ValueError("replies: can't be given together with answerer_factory")
        self._host = host
        self._port = port
        self._new_answerer = answerer_factory or (lambda: ScriptedAnswerer(replies))
        self._expected_api_key = expected_api_key
        self._options = _options(options, speed_ratio, max_session_ms, keeps_input_audio)
        self._clock = clock
        self._records: deque[SessionLog] = deque(maxlen=_MAX_RECORDS)
        self._server: Server | None = None

    @property
    def sessions(self) -> Sequence[SessionLog]:
        """The records of the newest sessions, oldest first, the ended ones included."""
        return tuple(self._records)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the server listens on.

        Raises:
            RuntimeError: if it is not started.
        """
        if self._server is None:
            raise RuntimeError("the server is not started")
        host, port = next(iter(self._server.sockets)).getsockname()[:2]
        return str(host), int(port)

    @property
    def url(self) -> str:
        """The WebSocket URL to connect to, without the model: ``ws://127.0.0.1:1234/v1/realtime``.

        Raises:
            RuntimeError: if the server is not started.
        """
        return f"{self.base_url}/realtime"

    @property
    def base_url(self) -> str:
        """What SDKs take as their base, ``ws://127.0.0.1:1234/v1``.

        Raises:
            RuntimeError: if the server is not started.
        """
        host, port = self.address
        name = f"[{host}]" if ":" in host else host
        return f"ws://{name}:{port}{PATH.removesuffix('/realtime')}"

    async def start(self) -> None:
        """Listen; idempotent.

        Raises:
            OSError: if the address can't be bound.
        """
        if self._server is not None:
            return
        self._server = await serve(
            self._handle,
            self._host,
            self._port,
            process_request=_check_path,
            compression=None,  # coded voice does not compress
            max_size=MAX_MESSAGE_BYTES,
            close_timeout=_CLOSE_TIMEOUT_S,
            server_header=None,
        )
        host, port = self.address
        _log.info("realtime_server.started", host=host, port=port)

    async def stop(self) -> None:
        """Close every session with 1001 and stop to listen; idempotent."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            await server.wait_closed()
            _log.info("realtime_server.stopped", sessions=len(self._records))

    async def __aenter__(self) -> Self:
        """Start the server."""
        await self.start()
        return self

    async def __aexit__(self, *_exc_info: object) -> None:
        """Stop the server."""
        await self.stop()

    async def _handle(self, connection: ServerConnection) -> None:
        """Serve one connection from start to end."""
        request = connection.request
        headers = {} if request is None else _lower_case(request)
        target = "" if request is None else request.path
        admission = admit(target, headers, expected_api_key=self._expected_api_key)
        if isinstance(admission, Refused):
            _log.warning("realtime_server.session_refused", reason=admission.close_reason)
            await _refuse(connection, admission)
            return
        session = self._new_session(admission.model)
        self._records.append(session.record)
        _log.info("realtime_server.session_started", session_id=session.record.session_id)
        try:
            await _SessionShell(connection, session, self._new_answerer(), self._clock).run()
        finally:
            session.record.close_reason = _close_reason(connection)
            _log.info(
                "realtime_server.session_ended",
                session_id=session.record.session_id,
                reason=session.record.close_reason,
            )

    def _new_session(self, model: str) -> RealtimeSession:
        lasts_s = self._options.max_session_ms / 1000
        return RealtimeSession(
            session_id=secrets.token_hex(8),
            model=model,
            expires_at_s=int(time.time() + lasts_s),
            now_ms=self._clock(),
            options=self._options,
        )


class _SessionShell:
    """One connection: its inbox, its tasks, and the loop that owns the session."""

    def __init__(
        self,
        connection: ServerConnection,
        session: RealtimeSession,
        answerer: Answerer,
        clock: Clock,
    ) -> None:
        self._connection = connection
        self._session = session
        self._answerer = answerer
        self._clock = clock
        self._inbox: asyncio.Queue[_Input] = asyncio.Queue(_MAX_INBOX)
        self._answers: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Serve until the client is gone or the session is over."""
        async with asyncio.TaskGroup() as tasks:
            reader = tasks.create_task(self._read(), name="realtime session reader")
            try:
                await self._loop(tasks)
            except ConnectionClosed:
                pass
            finally:
                reader.cancel()
                for answer in self._answers.values():
                    answer.cancel()

    async def _loop(self, tasks: asyncio.TaskGroup) -> None:
        """Drain, wait for an input or the deadline, feed; over and over."""
        while await self._drain(tasks):
            received = await self._next_input()
            if isinstance(received, _Gone):
                return
            now_ms = self._clock()
            if received is not None:
                self._feed(received, now_ms)
            self._session.handle_deadline(now_ms)
            await asyncio.sleep(0)  # a burst of messages is one session's, not everybody's

    async def _next_input(self) -> _Input | None:
        """Return the next input, or None when the session's deadline is reached."""
        deadline_ms = self._session.next_deadline_ms()
        wait_ms = None if deadline_ms is None else max(0.0, deadline_ms - self._clock())
        try:
            async with asyncio.timeout(None if wait_ms is None else wait_ms / 1000):
                return await self._inbox.get()
        except TimeoutError:
            return None

    def _feed(self, received: _Message | _Piece | _AnswerEnd, now_ms: float) -> None:
        match received:
            case _Message(data):
                self._session.receive_message(data, now_ms)
            case _Piece(response_id, piece):
                if isinstance(piece, FunctionCall):
                    self._session.receive_function_call(response_id, piece, now_ms)
                else:
                    self._session.receive_speech(response_id, piece, now_ms)
            case _AnswerEnd(response_id, is_failed=True):
                self._session.receive_answer_failure(response_id, now_ms)
            case _AnswerEnd(response_id):
                self._session.receive_answer_end(response_id, now_ms)
            case _:
                assert_never(received)

    async def _drain(self, tasks: asyncio.TaskGroup) -> bool:
        """Do what the session wants done; return whether it goes on."""
        while (output := self._session.next_output()) is not None:
            await self._carry_out(output, tasks)
        return not self._session.is_closed

    async def _carry_out(self, output: SessionOutput, tasks: asyncio.TaskGroup) -> None:
        match output:
            case SendEvent(event):
                await self._connection.send(_text(event))
            case AskAnswer(response_id, request):
                self._answers[response_id] = tasks.create_task(
                    self._answer(response_id, request), name="realtime answer"
                )
            case DropAnswer(response_id):
                if (answer := self._answers.pop(response_id, None)) is not None:
                    answer.cancel()
            case CloseSession(code, reason):
                await self._connection.close(code, reason)
            case _:
                assert_never(output)

    async def _read(self) -> None:
        try:
            async for data in self._connection:
                await self._inbox.put(_Message(data))
        except ConnectionClosed:
            pass
        await self._inbox.put(_Gone())

    async def _answer(self, response_id: str, request: AnswerRequest) -> None:
        """Let the answerer speak; cancelled when nobody waits for it any more."""
        is_failed = False
        try:
            async for piece in self._answerer.answer(request):
                await self._inbox.put(_Piece(response_id, piece))
        except Exception as exc:  # noqa: BLE001 - an answerer's fault ends its response alone
            _log.warning("realtime_server.answer_failed", error=type(exc).__name__)
            is_failed = True
        await self._inbox.put(_AnswerEnd(response_id, is_failed))
        self._answers.pop(response_id, None)


def _options(
    options: SessionOptions | None,
    speed_ratio: float | None,
    max_session_ms: float | None,
    keeps_input_audio: bool | None,  # noqa: FBT001 - the constructor's, by position
) -> SessionOptions:
    given: dict[str, Any] = {
        "max_session_ms": max_session_ms,
        "keeps_input_audio": keeps_input_audio,
    }
    if speed_ratio is not None:
        given["pace"] = Pace(speed_ratio=speed_ratio)
    changes = {name: value for name, value in given.items() if value is not None}
    if options is None:
        return replace(SessionOptions(), **changes)
    if changes:
        raise ValueError(f"options: can't be given together with {', '.join(changes)}")
    return options


def _check_path(connection: ServerConnection, request: Request) -> Response | None:
    """Answer any path but the one that is served with 404."""
    if urlsplit(request.path).path == PATH:
        return None
    return connection.respond(http.HTTPStatus.NOT_FOUND, f"Only {PATH} is served.\n")


async def _refuse(connection: ServerConnection, refused: Refused) -> None:
    try:
        await connection.send(_text(refused.event))
        await connection.close(refused.close_code, refused.close_reason)
    except ConnectionClosed:
        pass


def _lower_case(request: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.raw_items()}


def _close_reason(connection: ServerConnection) -> str:
    """Return ``code reason`` of the close, for the record."""
    return f"{connection.close_code or ''} {connection.close_reason or ''}".strip() or "lost"


def _text(event: Event) -> str:
    return json.dumps(event, separators=(",", ":"))
