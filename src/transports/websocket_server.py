"""A server of calls over WebSockets: what every line has that peers connect to by one.

A kind of line gives what is its own (:class:`WebSocketLineKind`): its routes, whom it lets in, the
call that its messages make, and the line that comes of it. The server gives the rest, and promises:

- Each WebSocket has a task of its own. Whatever its peer does, and whatever serving its call
  raises, no other call notices, and no peer reads an error of ours.
- Who is not in ``allowed_peers`` gets 403, whatever it asks for.
- No more than ``max_connections`` WebSockets are open, calls or not, and of one peer no more than
  ``max_connections_per_peer``; one more is answered with 503, as is every one once the server
  stops. A WebSocket that does not say in ``start_timeout_s`` which call it is loses its place, and
  so does one that names a call that is alive, and the oldest that has said nothing where more of
  them than ``max_unidentified`` are open.
- A line is handed to the engine once it has started, and is hung up when the engine is done.
- After :meth:`WebSocketServer.stop` no new call comes in and the others go on;
  :meth:`WebSocketServer.wait_closed` waits for the last of them. A kind of line whose peers ask for
  more than WebSockets is listened for until then.
"""

from __future__ import annotations

__all__ = [
    "WebSocketLineKind",
    "WebSocketServer",
    "WebSocketServerConfig",
    "WebSocketServerStats",
]

import asyncio
import errno
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, Protocol, TypeVar

import structlog
from aiohttp import WSCloseCode, web

from ..errors import LocalProtocolError, TransportError
from .connection_limits import ConnectionLimits, ConnectionPlace
from .http_connections import BoundedRunner
from .limited_log import LimitedLog
from .listening import Listen, Listening, listen_on_socket
from .peer_allow_list import PeerAllowList
from .websocket_connection import WebSocketCall, WebSocketConnection
from .websocket_line import WebSocketLine

_HEARTBEAT_S = 20.0
"""How often the peer is pinged; half of it without an answer is the end of the connection."""

_CLOSE_TIMEOUT_S = 1.0

_MAX_BODY_BYTES = 65_536
"""Of a request; a form with what is known of a call has about a thousand."""

_STOPPING = ("the server stops", WSCloseCode.GOING_AWAY)
"""What a WebSocket is closed with that was let in before the server stopped, and is no call yet."""

_RETRYABLE_ERRNOS = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL})

log = structlog.get_logger(__name__)

CallT = TypeVar("CallT", bound=WebSocketCall)

_Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebSocketServerConfig(Protocol):
    """What the section of every such line has."""

    @property
    def host(self) -> str:
        """Address to listen on."""

    @property
    def port(self) -> int:
        """TCP port to listen on; 0: any free one."""

    @property
    def max_connections(self) -> int:
        """Open WebSockets, calls or not."""

    @property
    def max_connections_per_peer(self) -> int | None:
        """Of one address; None: no limit of its own."""

    @property
    def max_unidentified(self) -> int:
        """WebSockets that have not said which call they are."""

    @property
    def allowed_peers(self) -> tuple[str, ...] | None:
        """Addresses and networks that may connect; None: all."""

    @property
    def start_timeout_s(self) -> float:
        """Time in s within which a WebSocket must say which call it is."""


def _admit(_request: web.Request) -> web.Response | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketLineKind(Generic[CallT]):
    """What a kind of line does in its own way."""

    name: str
    """Its name in the section ``lines``."""
    routes: Callable[[_Serve], Iterable[web.AbstractRouteDef]]
    """Returns the routes of the server; whoever asks at the WebSocket's is given to the argument,
    :meth:`WebSocketServer.serve`."""
    make_call: Callable[[], CallT]
    """Returns a call that nothing was received of yet."""
    make_line: Callable[[WebSocketConnection[CallT]], WebSocketLine[CallT]]
    """Returns the line of a call that has started."""
    refusal: Callable[[web.Request], web.Response | None] = _admit
    """Returns what a request for a WebSocket is answered with instead, None to let it in. Who is
    refused is counted and logged by the kind of line."""
    subprotocols: tuple[str, ...] = ()
    """Subprotocols of the WebSocket that are accepted."""
    max_message_bytes: int = 65_536
    """Longest message that is taken; a longer one ends the call."""
    listens_to_the_end: bool = False
    """Whether a server that stops goes on listening until its last call has ended, because peers
    ask at its other routes about calls that run; else its address is free at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketServerStats:
    """What happened on a server so far, and what is open now."""

    open_connections: int = 0
    """WebSockets that are not closed, whether they are calls yet or not."""
    accepted_calls: int = 0
    """Calls handed to the engine."""
    refused_connections: int = 0
    """WebSockets over ``max_connections`` or ``max_connections_per_peer``, or while stopping."""
    refused_peers: int = 0
    """Requests of hosts that are not in ``allowed_peers``."""
    refused_sockets: int = 0
    """TCP connections closed at once, as a hundred that ask for nothing are open beside the
    WebSockets."""
    silent_sockets: int = 0
    """TCP connections closed as they asked for nothing in ``start_timeout_s``."""
    evicted_connections: int = 0
    """WebSockets that had not said which call they are, and made room for others; counted as
    unidentified too."""
    unidentified_connections: int = 0
    """WebSockets that ended without a start, or did not send it in time."""
    duplicate_calls: int = 0
    """WebSockets that named a call that was still alive."""


class WebSocketServer(Generic[CallT]):
    """Serves one kind of line.

    Args:
        config: Where it listens, and its limits.
        kind: What is the line's own.
    """

    def __init__(self, config: WebSocketServerConfig, kind: WebSocketLineKind[CallT]) -> None:
        self._config = config
        self._kind = kind
        self._stats = WebSocketServerStats()
        self._allowed_peers = PeerAllowList(config.allowed_peers)
        self._limits = ConnectionLimits(
            max_connections=config.max_connections,
            max_per_peer=config.max_connections_per_peer,
            max_unidentified=config.max_unidentified,
        )
        self._log = LimitedLog(log)
        self._handler: Callable[[WebSocketLine[CallT]], Awaitable[None]] | None = None
        self._runner: BoundedRunner | None = None
        self.listen: Listen = listen_on_socket
        """How connections come; to be changed before the start, if at all."""
        self._listening: Listening | None = None
        self._closer: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._live_call_ids: set[str] = set()
        self._starting: set[asyncio.Timeout] = set()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the server listens on.

        Raises:
            LocalProtocolError: if the server is not listening.
        """
        if self._listening is None:
            raise LocalProtocolError(f"the server of {self._kind.name} is not listening")
        return self._listening.address

    @property
    def stats(self) -> WebSocketServerStats:
        """What happened so far."""
        runner = self._runner
        return replace(
            self._stats,
            open_connections=self._limits.n_open,
            evicted_connections=self._limits.evicted,
            refused_peers=self._allowed_peers.refused_peers,
            refused_sockets=0 if runner is None else runner.refused_connections,
            silent_sockets=0 if runner is None else runner.silent_connections,
        )

    @property
    def live_call_ids(self) -> frozenset[str]:
        """The calls that the engine has."""
        return frozenset(self._live_call_ids)

    @property
    def is_stopping(self) -> bool:
        """Whether no more calls are taken."""
        return self._is_stopping

    def check_startable(self) -> None:
        """Raise LocalProtocolError if the server is running or was stopped."""
        if self._runner is not None or self._is_stopping:
            raise LocalProtocolError(f"a server of {self._kind.name} can be started once")

    async def start(self, handler: Callable[[WebSocketLine[CallT]], Awaitable[None]]) -> None:
        """Listen; each call is handed to ``handler`` in a task of its own.

        The call is hung up when the handler is done. What the handler raises is logged.

        Raises:
            TransportError: if the address can't be bound.
            LocalProtocolError: if the server is running or was stopped.
        """
        self.check_startable()
        self._handler = handler
        runner = BoundedRunner(
            self._kind.routes(self.serve),
            name=self._kind.name,
            max_websockets=self._config.max_connections,
            max_body_bytes=_MAX_BODY_BYTES,
            request_timeout_s=self._config.start_timeout_s,
            refusal=self._refuse_peer,
        )
        await runner.setup()
        assert runner.server is not None, "it was set up"  # noqa: S101
        try:
            self._listening = await self.listen(runner.server, self._config.host, self._config.port)
        except OSError as exc:
            await runner.cleanup()
            raise TransportError(
                f"{self._kind.name} {self._config.host}:{self._config.port}",
                f"can't listen: {exc.strerror or exc}",
                code=errno.errorcode.get(exc.errno or 0, type(exc).__name__),
                retryable=exc.errno in _RETRYABLE_ERRNOS,
            ) from exc
        self._runner = runner

    async def stop(self) -> None:
        """Stop to accept calls; running ones are the engine's to end. Idempotent."""
        self._is_stopping = True
        for waiting in self._starting:
            if not waiting.expired():
                waiting.reschedule(0.0)
        if self._runner is not None and self._closer is None:
            if not self._kind.listens_to_the_end:
                self._stop_listening()
            self._closer = asyncio.create_task(self._close(), name=f"{self._kind.name} server")

    async def wait_closed(self) -> None:
        """Wait, after :meth:`stop`, until the last call has ended."""
        if self._closer is not None:
            await asyncio.wait({self._closer})

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve a request at the WebSocket's route: to the end of its call, or refuse it."""
        if (refusal := self._kind.refusal(request)) is not None:
            return refusal
        if (reason := self._reason_to_refuse(request)) is not None:
            return self._refuse(request, reason)
        websocket = web.WebSocketResponse(
            timeout=_CLOSE_TIMEOUT_S,
            heartbeat=_HEARTBEAT_S,
            protocols=self._kind.subprotocols,
            compress=False,
            max_msg_size=self._kind.max_message_bytes + 1,  # aiohttp's own is the first too long
        )
        place = self._limits.take(request.remote, partial(_abort, request.transport))
        self._is_idle.clear()
        try:
            await websocket.prepare(request)
            connection = WebSocketConnection(
                websocket,
                request.transport,
                self._kind.make_call(),
                name=self._kind.name,
                query=request.query,
            )
            await self._serve(connection, request, place)
        except (web.HTTPException, ConnectionError):
            raise  # it asked for no WebSocket, or is gone again
        except Exception:
            # What goes wrong with one call is nobody else's trouble, nor the peer's to read.
            log.exception("websocket.call_failed", line=self._kind.name, peer=request.remote)
        finally:
            place.close()
            if self._limits.n_open == 0:
                self._is_idle.set()
        return websocket

    async def _close(self) -> None:
        await self._is_idle.wait()
        self._stop_listening()
        if self._runner is not None:
            await self._runner.cleanup()

    def _stop_listening(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.close()

    async def _serve(
        self, connection: WebSocketConnection[CallT], request: web.Request, place: ConnectionPlace
    ) -> None:
        async with connection.open():
            if (line := await self._line(connection, request)) is None:
                return
            place.identify()
            self._live_call_ids.add(line.call_id)
            try:
                self._count(accepted_calls=1)
                assert self._handler is not None, "a server that listens has one"  # noqa: S101
                await self._handler(line)
            finally:
                self._live_call_ids.discard(line.call_id)

    async def _line(
        self, connection: WebSocketConnection[CallT], request: web.Request
    ) -> WebSocketLine[CallT] | None:
        """Return the line of a connection, or None if it is not to become one."""
        if not self._is_stopping:
            await self._wait_started(connection)
        if self._is_stopping and connection.call.is_started:
            self._count(refused_connections=1)
            self._log_refused(request, "stopping")
            await connection.hang_up(*_STOPPING)
            return None
        if self._is_stopping:
            await connection.hang_up(*_STOPPING)
        if not connection.call.is_started or connection.events.is_closed:
            self._count(unidentified_connections=1)
            self._log_unidentified(connection, request)
            return None
        line = self._kind.make_line(connection)
        if line.call_id not in self._live_call_ids:
            return line
        self._count(duplicate_calls=1)
        log.warning(
            "websocket.duplicate_call_refused",
            line=self._kind.name,
            call_id=line.call_id,
            peer=request.remote,
        )
        await connection.hang_up("the call is alive", WSCloseCode.POLICY_VIOLATION)
        return None

    async def _wait_started(self, connection: WebSocketConnection[CallT]) -> None:
        """Wait until a connection has said which call it is; hang up if it does not in time."""
        timeout_s = self._config.start_timeout_s
        try:
            async with asyncio.timeout(timeout_s) as waiting:
                self._starting.add(waiting)
                try:
                    await connection.wait_started()
                finally:
                    self._starting.discard(waiting)
        except TimeoutError:
            if not self._is_stopping:
                reason = f"no start in {timeout_s:g} s"
                await connection.hang_up(reason, WSCloseCode.POLICY_VIOLATION)

    def _log_unidentified(
        self, connection: WebSocketConnection[CallT], request: web.Request
    ) -> None:
        ended = connection.events.hangup
        self._log.warning(
            "websocket.call_unidentified",
            line=self._kind.name,
            peer=request.remote,
            reason=ended.reason if ended else "",
            detail=ended.detail if ended else "",
        )

    def _refuse_peer(self, request: web.Request) -> web.Response | None:
        """Return what a host is answered with that may not connect; None for any other."""
        if self._allowed_peers.admits(request.remote):
            return None
        refused = self._allowed_peers.take_report(asyncio.get_running_loop().time() * 1000)
        if refused:
            log.warning(
                "websocket.peer_refused",
                line=self._kind.name,
                peer=request.remote,
                refused=refused,
            )
        return web.Response(status=403, text="This address may not connect.\n")

    def _reason_to_refuse(self, request: web.Request) -> str | None:
        if self._is_stopping:
            return "stopping"
        limit = self._limits.refusal(request.remote)
        return None if limit is None else limit.value

    def _refuse(self, request: web.Request, reason: str) -> web.Response:
        self._count(refused_connections=1)
        self._log_refused(request, reason)
        return web.Response(status=503, text="No more calls at the moment.\n")

    def _log_refused(self, request: web.Request, reason: str) -> None:
        self._log.warning(
            "websocket.connection_refused",
            line=self._kind.name,
            peer=request.remote,
            reason=reason,
        )

    def _count(self, **more: int) -> None:
        """Add to counters, by their names."""
        stats = self._stats
        self._stats = replace(
            stats, **{name: getattr(stats, name) + number for name, number in more.items()}
        )


def _abort(transport: asyncio.Transport | None) -> None:
    if transport is not None:
        transport.abort()
