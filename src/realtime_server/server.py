"""The server: listens, admits clients, and gives each a session with a shell around it.

Invariant: a connection that fails ends nothing but itself.
"""

from __future__ import annotations

__all__ = ["MAX_MESSAGE_BYTES", "RealtimeServer"]

import asyncio
import http
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Self, cast
from urllib.parse import urlsplit

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from ..clock import Clock, monotonic_ms
from ..local_agent.recogniser import Recogniser
from .admission import PATH, Refused, admit
from .answerer import Answerer, ScriptedAnswerer
from .response import Pace
from .session import RealtimeSession, SessionOptions
from .session_log import SessionLog
from .session_shell import SessionShell, event_text

MAX_MESSAGE_BYTES = 15 * 2**20
"""Largest message that the API takes; a larger one closes the connection with 1009."""

_MAX_RECORDS = 256
"""Sessions whose records are kept, ended ones included; the oldest goes."""
_MAX_HANDSHAKES = 100
"""Connections beside the sessions: those whose request is on its way, or that are told that there
is no room. Who asks for nothing is closed after the library's 10 s."""
_MAX_UNREAD_MESSAGES = 2
"""Of a connection, before its socket is read no further; each may be as long as any."""
_CLOSE_TIMEOUT_S = 5.0

_log = structlog.get_logger(__name__)


class RealtimeServer:
    """An OpenAI Realtime server on this machine that answers with rendered sentences.

    Args:
        host: Address to listen on. There is no TLS: keep it on loopback.
        port: TCP port; 0: any free one, which :attr:`url` names.
        replies: Ids of the sentences that turns are answered with, in order and from the start
            again; None for the default. See ``voices/index.json``.
        answerer_factory: Makes the answerer of each session, in place of ``replies``.
        recogniser: Hears the words of the caller's turns, for the answerer and for clients that
            want transcripts; started and stopped by whoever made it. None: nobody does.
        expected_api_key: The Bearer key to ask for; None: any will do, or none.
        speed_ratio: Speed of audio delivery against real time.
        max_session_ms: Wall time after which a session is ended, in ms.
        max_sessions: Sessions at a time; one more is answered with 503.
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
        recogniser: Recogniser | None = None,
        expected_api_key: str | None = None,
        speed_ratio: float | None = None,
        max_session_ms: float | None = None,
        max_sessions: int = 200,
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
        self._recogniser = recogniser
        chosen = _options(options, speed_ratio, max_session_ms, keeps_input_audio)
        self._options = replace(chosen, has_recogniser=recogniser is not None)
        self._clock = clock
        if max_sessions < 1:
            raise ValueError(f"max_sessions: {max_sessions} is below 1")
        self._max_sessions = max_sessions
        self._open_sessions = 0
        self._sockets = _Sockets(max_sessions + _MAX_HANDSHAKES, self._count_refused)
        self.refused_sessions = 0
        """Connections that were answered with 503, or closed at once, as there were too many."""
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
            process_request=self._check_request,
            create_connection=cast(
                "type[ServerConnection]", partial(_BoundedConnection, self._sockets)
            ),
            max_queue=_MAX_UNREAD_MESSAGES,
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
        self._open_sessions += 1
        try:
            await self._serve(connection, self._new_session(admission.model))
        finally:
            self._open_sessions -= 1

    async def _serve(self, connection: ServerConnection, session: RealtimeSession) -> None:
        self._records.append(session.record)
        _log.info("realtime_server.session_started", session_id=session.record.session_id)
        try:
            shell = SessionShell(
                connection,
                session,
                answerer=self._new_answerer(),
                recogniser=self._recogniser,
                clock=self._clock,
            )
            await shell.run()
        finally:
            session.record.close_reason = _close_reason(connection)
            if session.dropped_items:
                _log.warning(
                    "realtime_server.items_dropped",
                    session_id=session.record.session_id,
                    dropped=session.dropped_items,
                )
            _log.info(
                "realtime_server.session_ended",
                session_id=session.record.session_id,
                reason=session.record.close_reason,
            )

    def _check_request(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer any path but the one that is served with 404, a session too many with 503."""
        if urlsplit(request.path).path != PATH:
            return connection.respond(http.HTTPStatus.NOT_FOUND, f"Only {PATH} is served.\n")
        if self._open_sessions < self._max_sessions:
            return None
        self._count_refused()
        return connection.respond(
            http.HTTPStatus.SERVICE_UNAVAILABLE, "No more sessions at the moment.\n"
        )

    def _count_refused(self) -> None:
        self.refused_sessions += 1
        if self.refused_sessions & (self.refused_sessions - 1) == 0:  # 1, 2, 4, 8: a flood is few
            _log.warning(
                "realtime_server.sessions_refused",
                refused=self.refused_sessions,
                max_sessions=self._max_sessions,
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


class _Sockets:
    """The sockets that are open, those that are no sessions yet included.

    Args:
        limit: How many there may be.
        refuse: Told of each that is too many.
    """

    def __init__(self, limit: int, refuse: Callable[[], None]) -> None:
        self._limit = limit
        self._refuse = refuse
        self._count = 0

    def open(self) -> bool:
        """Count one more; False if it is too many."""
        self._count += 1
        if self._count <= self._limit:
            return True
        self._refuse()
        return False

    def close(self) -> None:
        """Count one less."""
        self._count -= 1


class _BoundedConnection(ServerConnection):
    """Closes a socket that is one too many as soon as it stands.

    Args:
        sockets: All there are.
    """

    def __init__(self, sockets: _Sockets, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sockets = sockets

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        super().connection_made(transport)
        if not self._sockets.open():
            cast("asyncio.Transport", transport).abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the socket go."""
        self._sockets.close()
        super().connection_lost(exc)


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


async def _refuse(connection: ServerConnection, refused: Refused) -> None:
    try:
        await connection.send(event_text(refused.event))
        await connection.close(refused.close_code, refused.close_reason)
    except ConnectionClosed:
        pass


def _lower_case(request: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.raw_items()}


def _close_reason(connection: ServerConnection) -> str:
    """Return ``code reason`` of the close, for the record."""
    return f"{connection.close_code or ''} {connection.close_reason or ''}".strip() or "lost"
