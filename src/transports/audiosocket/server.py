"""The server that Asterisk connects to: one connection, one call, one task.

Invariant: whatever a peer does, and whatever serving its call raises, no other call notices.
"""

from __future__ import annotations

__all__ = ["AudioSocketServerStats", "AudioSocketTransport"]

import asyncio
import errno
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import structlog

from ...errors import LocalProtocolError, TransportError
from ..base import CallHandler
from ..call_hooks import CallHooks
from ..connection_limits import ConnectionLimits, ConnectionPlace
from ..limited_log import LimitedLog
from ..listening import Listen, Listening, listen_on_socket
from ..peer_allow_list import PeerAllowList
from .connection import HANGUP_GRACE_S, AudioSocketConnection
from .intake import AudioSocketIntake
from .line import AudioSocketLine
from .protocol import AUDIO_RATES_HZ

_RETRYABLE_ERRNOS = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL})
"""The address may become free, or come up with its network interface."""

_MAX_GOODBYES = 100
"""Connections that were refused and are told so; a further one is closed without a word. Each takes
1 s at most, in which a flood of them would take every file descriptor."""

_NO_CALLS: Mapping[str, Mapping[str, str]] = MappingProxyType({})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSocketServerStats:
    """What happened on a server so far, and what is open now."""

    open_connections: int
    """Connections that are not closed, whether they are calls yet or not."""
    accepted_calls: int
    """Calls handed to the engine."""
    refused_connections: int
    """Connections over ``max_connections`` or ``max_connections_per_peer``, or while stopping."""
    unidentified_connections: int
    """Connections that ended without a UUID, or did not say it in time."""
    duplicate_calls: int
    """Connections with the UUID of a call that was still alive."""
    refused_peers: int
    """Connections of hosts that are not in ``allowed_peers``."""
    evicted_connections: int
    """Connections that had not said which call they are, and made room for others; counted as
    unidentified too."""
    metadata_failures: int
    """Calls that go on without what the operator's own system knows of them."""


class AudioSocketTransport:
    """Listens for AudioSocket connections.

    Args:
        host: Address to listen on. Anyone who reaches it can talk to the agent: AudioSocket knows
            neither passwords nor encryption.
        port: TCP port; 0 lets the system choose one, see :attr:`address`.
        max_connections: Connections held at a time; one more is told to hang up.
        max_connections_per_peer: Of one address (IPv6: one /64 network); None: all of them.
        max_unidentified: Connections that have not said which call they are; one more costs the
            oldest of them its place.
        uuid_timeout_s: Time in which a connection must say which call it is.
        playout_rate_hz: Rate of the audio sent, in Hz; None: that of the call's first audio, which
            is what Asterisk's channel plays.
        allowed_peers: Addresses and networks of the hosts that may connect; None: all.
        known_calls: Metadata that is known beforehand; see
            :class:`~voxgate.transports.call_metadata.KnownCallTable`.
        hooks: The operator's own systems; None if there are none.

    Raises:
        ValueError: if a number is out of range.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 8090,
        *,
        max_connections: int = 200,
        max_connections_per_peer: int | None = None,
        max_unidentified: int = 50,
        uuid_timeout_s: float = 5.0,
        playout_rate_hz: int | None = None,
        allowed_peers: Iterable[str] | None = None,
        known_calls: Mapping[str, Mapping[str, str]] = _NO_CALLS,
        hooks: CallHooks | None = None,
    ) -> None:
        _check_arguments(port, uuid_timeout_s, playout_rate_hz)
        self._host = host
        self._port = port
        self._max_connections = max_connections
        self._uuid_timeout_s = uuid_timeout_s
        self._allowed_peers = PeerAllowList(allowed_peers)
        self._limits = ConnectionLimits(
            max_connections=max_connections,
            max_per_peer=max_connections_per_peer,
            max_unidentified=max_unidentified,
        )
        self._goodbyes = 0
        self._intake = AudioSocketIntake(
            playout_rate_hz=playout_rate_hz, known_calls=known_calls, hooks=hooks
        )
        self.listen: Listen = listen_on_socket
        """How connections come; to be changed before the start, if at all."""
        self._server: Listening | None = None
        self._owner: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._waiting: set[AudioSocketConnection] = set()
        self._live_call_ids: set[str] = set()
        self._accepted_calls = 0
        self._refused_connections = 0
        self._log = LimitedLog(log)
        self._unidentified_connections = 0
        self._duplicate_calls = 0

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the server listens on.

        Raises:
            LocalProtocolError: if the server is not listening.
        """
        if self._server is None or self._stopping.is_set():
            raise LocalProtocolError("the AudioSocket server is not listening")
        return self._server.address

    @property
    def stats(self) -> AudioSocketServerStats:
        """What happened so far."""
        return AudioSocketServerStats(
            open_connections=self._limits.n_open,
            accepted_calls=self._accepted_calls,
            refused_connections=self._refused_connections,
            unidentified_connections=self._unidentified_connections,
            duplicate_calls=self._duplicate_calls,
            refused_peers=self._allowed_peers.refused_peers,
            evicted_connections=self._limits.evicted,
            metadata_failures=self._intake.metadata_failures,
        )

    async def start(self, handler: CallHandler) -> None:
        """Listen; each call is handed to ``handler`` in a task of its own.

        The call is hung up when the handler is done. What the handler raises is logged.

        Raises:
            TransportError: if the address can't be bound.
            LocalProtocolError: if the server is running or was stopped.
        """
        if self._owner is not None or self._stopping.is_set():
            raise LocalProtocolError("an AudioSocket server can be started once")
        accepting: asyncio.Future[Listening] = asyncio.get_running_loop().create_future()
        self._owner = asyncio.create_task(
            self._own_calls(handler, accepting), name="audiosocket-server"
        )
        try:
            self._server = await accepting
        except OSError as exc:
            self._owner = None
            raise TransportError(
                f"audiosocket {self._host}:{self._port}",
                f"can't listen: {exc.strerror or exc}",
                code=errno.errorcode.get(exc.errno or 0, type(exc).__name__),
                retryable=exc.errno in _RETRYABLE_ERRNOS,
            ) from exc
        except asyncio.CancelledError:
            self._owner.cancel()
            raise

    async def stop(self) -> None:
        """Stop to accept calls; running ones are the engine's to end. Idempotent."""
        self._stopping.set()
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._waiting):
            connection.say_goodbye()

    async def wait_closed(self) -> None:
        """Wait, after :meth:`stop`, until the last call has ended."""
        if self._owner is not None:
            await asyncio.wait({self._owner})

    async def _own_calls(self, handler: CallHandler, accepting: asyncio.Future[Listening]) -> None:
        """Listen until stopped; ends when the last call has ended. Cancelling ends all calls."""
        try:
            await self._listen(handler, accepting)
        finally:
            await self._intake.close()

    async def _listen(self, handler: CallHandler, accepting: asyncio.Future[Listening]) -> None:
        async with asyncio.TaskGroup() as calls:

            def accept(connection: AudioSocketConnection) -> None:
                if self._refuses(connection):
                    return
                place = self._limits.take(connection.peer_host, connection.abort)
                calls.create_task(
                    self._serve(connection, place, handler),
                    name=f"audiosocket-{connection.peer_name}",
                )

            try:
                server = await self.listen(
                    lambda: AudioSocketConnection(accept), self._host, self._port
                )
            except OSError as exc:
                accepting.set_exception(exc)
                return
            if not accepting.cancelled():
                accepting.set_result(server)
            try:
                await self._stopping.wait()
            finally:
                self._stopping.set()
                server.close()

    def _refuses(self, connection: AudioSocketConnection) -> bool:
        if not self._allowed_peers.admits(connection.peer_host):
            connection.abort()
            self._report_refused_peers(connection)
            return True
        if self._stopping.is_set():
            reason = "stopping"
        elif limit := self._limits.refusal(connection.peer_host):
            reason = limit.value
        else:
            return False
        self._refuse(connection, reason)
        return True

    def _refuse(self, connection: AudioSocketConnection, reason: str) -> None:
        self._refused_connections += 1
        self._log.warning(
            "audiosocket.connection_refused",
            peer=connection.peer_name,
            reason=reason,
            max_connections=self._max_connections,
        )
        if self._goodbyes >= _MAX_GOODBYES:
            connection.abort()
            return
        self._goodbyes += 1
        connection.say_goodbye()
        asyncio.get_running_loop().call_later(HANGUP_GRACE_S, self._end_goodbye)

    def _end_goodbye(self) -> None:
        self._goodbyes -= 1

    def _report_refused_peers(self, connection: AudioSocketConnection) -> None:
        refused = self._allowed_peers.take_report(asyncio.get_running_loop().time() * 1000)
        if refused:
            log.warning("audiosocket.peer_refused", peer=connection.peer_host, refused=refused)

    async def _serve(
        self, connection: AudioSocketConnection, place: ConnectionPlace, handler: CallHandler
    ) -> None:
        try:
            await self._serve_to_its_end(connection, place, handler)
        except Exception:
            # Serving one call must not end the group that all calls are in.
            log.exception("audiosocket.call_failed", peer=connection.peer_name)
        finally:
            place.close()

    async def _serve_to_its_end(
        self, connection: AudioSocketConnection, place: ConnectionPlace, handler: CallHandler
    ) -> None:
        try:
            if call_id := await self._identified(connection):
                place.identify()
                await self._serve_call(call_id, connection, handler)
        finally:
            await connection.hang_up()

    async def _identified(self, connection: AudioSocketConnection) -> str | None:
        """Return the id of the call, or None if the connection is not to become one."""
        self._waiting.add(connection)
        try:
            async with asyncio.timeout(self._uuid_timeout_s):
                is_identified = await connection.wait_identified()
        except TimeoutError:
            is_identified = False
        finally:
            self._waiting.discard(connection)
        if not is_identified:
            self._unidentified_connections += 1
            self._log_unidentified(connection)
            return None
        return self._unless_live(str(connection.call.call_id), connection)

    def _log_unidentified(self, connection: AudioSocketConnection) -> None:
        ended = connection.events.hangup
        if ended and ended.reason == "caller_hangup":
            return  # connected and closed, as health checks do every few seconds
        self._log.warning(
            "audiosocket.connection_unidentified",
            peer=connection.peer_name,
            reason=ended.reason if ended else "timeout",
            detail=ended.detail if ended else f"no UUID in {self._uuid_timeout_s:g} s",
        )

    def _unless_live(self, call_id: str, connection: AudioSocketConnection) -> str | None:
        if call_id not in self._live_call_ids:
            return call_id
        self._duplicate_calls += 1
        log.warning(
            "audiosocket.duplicate_call_refused",
            call_id=call_id,
            peer=connection.peer_name,
            hint="a call with this UUID is alive; use ${UUID()} in the dialplan, not a fixed one",
        )
        return None

    async def _serve_call(
        self, call_id: str, connection: AudioSocketConnection, handler: CallHandler
    ) -> None:
        self._live_call_ids.add(call_id)
        try:
            if line := await self._line(call_id, connection):
                self._accepted_calls += 1
                await handler(line)
        finally:
            self._live_call_ids.discard(call_id)

    async def _line(
        self, call_id: str, connection: AudioSocketConnection
    ) -> AudioSocketLine | None:
        """Return the line of a call; None if the server stopped before there was one."""
        self._waiting.add(connection)
        try:
            line = await self._intake.line_of(call_id, connection)
        finally:
            self._waiting.discard(connection)
        if self._stopping.is_set():
            self._refuse(connection, "stopping")
            return None
        return line


def _check_arguments(port: int, uuid_timeout_s: float, playout_rate_hz: int | None) -> None:
    if not 0 <= port <= 65_535:
        raise ValueError(f"port: {port} is not in 0..65535")
    if not uuid_timeout_s > 0:
        raise ValueError(f"uuid_timeout_s: {uuid_timeout_s} is not above 0")
    if playout_rate_hz is not None and playout_rate_hz not in AUDIO_RATES_HZ:
        raise ValueError(f"playout_rate_hz: {playout_rate_hz} is not one of {AUDIO_RATES_HZ}")
