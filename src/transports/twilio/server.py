"""The server that Twilio asks for TwiML and connects to: one WebSocket, one call, one task.

Invariant: whatever a peer does, and whatever serving its call raises, no other call notices.
"""

from __future__ import annotations

__all__ = ["TwilioServerStats", "TwilioTransport"]

import asyncio
import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import WSCloseCode, web

from ...config.line_models import TWIML_PATH, TwilioConfig
from ...errors import LocalProtocolError, TransportError
from ..base import CallHandler
from .connection import TwilioConnection
from .line import TwilioLine
from .protocol import MAX_MESSAGE_CHARS
from .signature import SIGNATURE_HEADER, SignatureCheck, make_signature_check
from .twiml import connect_twiml

_HEARTBEAT_S = 20.0
"""How often the peer is pinged; half of it without an answer is the end of the connection."""

_CLOSE_TIMEOUT_S = 1.0

_MAX_FORM_BYTES = 65_536
"""Of a request for TwiML; Twilio's have about a thousand."""

_RETRYABLE_ERRNOS = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL})

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class TwilioServerStats:
    """What happened on a server so far, and what is open now."""

    open_connections: int = 0
    """WebSockets that are not closed, whether they are calls yet or not."""
    accepted_calls: int = 0
    """Calls handed to the engine."""
    refused_connections: int = 0
    """WebSockets over ``max_connections``, or while stopping."""
    unsigned_requests: int = 0
    """Requests that are not Twilio's, by their signature."""
    unidentified_connections: int = 0
    """WebSockets that ended without a start, or did not send it in time."""
    duplicate_streams: int = 0
    """WebSockets with the SID of a stream that was still alive."""
    served_twiml: int = 0
    """Requests that were answered with TwiML."""


class TwilioTransport:
    """Serves TwiML and the WebSocket that it leads to.

    Args:
        config: The section ``lines.twilio``.
        environ: Where the auth token is, by the name that the section gives.
    """

    def __init__(self, config: TwilioConfig, environ: Mapping[str, str] = os.environ) -> None:
        self.stats = TwilioServerStats()
        self._config = config
        self._environ = environ
        self._check: SignatureCheck | None = None
        self._handler: CallHandler | None = None
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._closer: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._live_call_ids: set[str] = set()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the server listens on.

        Raises:
            LocalProtocolError: if the server is not listening.
        """
        if self._runner is None or not self._runner.addresses:
            raise LocalProtocolError("the Twilio server is not listening")
        host, port = self._runner.addresses[0][:2]
        return host, port

    async def start(self, handler: CallHandler) -> None:
        """Listen; each call is handed to ``handler`` in a task of its own.

        The call is hung up when the handler is done. What the handler raises is logged.

        Raises:
            ConfigError: if signatures are to be checked and can't be.
            TransportError: if the address can't be bound.
            LocalProtocolError: if the server is running or was stopped.
        """
        if self._runner is not None or self._is_stopping:
            raise LocalProtocolError("a Twilio server can be started once")
        self._check = make_signature_check(self._config, self._environ)
        self._handler = handler
        runner = web.AppRunner(self._application(), handle_signals=False, access_log=None)
        await runner.setup()
        self._site = web.TCPSite(runner, self._config.host, self._config.port)
        try:
            await self._site.start()
        except OSError as exc:
            await runner.cleanup()
            raise TransportError(
                f"twilio {self._config.host}:{self._config.port}",
                f"can't listen: {exc.strerror or exc}",
                code=errno.errorcode.get(exc.errno or 0, type(exc).__name__),
                retryable=exc.errno in _RETRYABLE_ERRNOS,
            ) from exc
        self._runner = runner
        self._log_start()

    async def stop(self) -> None:
        """Stop to accept calls; running ones are the engine's to end. Idempotent."""
        self._is_stopping = True
        if self._site is not None and self._closer is None:
            await self._site.stop()
            self._closer = asyncio.create_task(self._close(), name="twilio-server")

    async def wait_closed(self) -> None:
        """Wait, after :meth:`stop`, until the last call has ended."""
        if self._closer is not None:
            await asyncio.wait({self._closer})

    async def _close(self) -> None:
        await self._is_idle.wait()
        if self._runner is not None:
            await self._runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=_MAX_FORM_BYTES)
        application.router.add_get(self._config.path, self._serve_stream)
        application.router.add_get(TWIML_PATH, self._serve_twiml, allow_head=False)
        application.router.add_post(TWIML_PATH, self._serve_twiml)
        return application

    def _log_start(self) -> None:
        log.info(
            "twilio.started",
            stream_url=self._config.public_url,
            twiml_url=self._config.public_twiml_url,
        )
        if self._check is None:
            log.warning(
                "twilio.signatures_unchecked",
                hint="whoever reaches the server can talk to the agent, at your cost",
            )

    # -- TwiML -------------------------------------------------------------------------------------

    async def _serve_twiml(self, request: web.Request) -> web.Response:
        form: Mapping[str, Any] = await request.post() if request.method == "POST" else {}
        signature = request.headers.get(SIGNATURE_HEADER)
        query = request.rel_url.raw_query_string
        if self._check is not None and not self._check.is_twiml_signed(
            signature, query=query, form=form
        ):
            return self._refuse_unsigned(request)
        self.stats.served_twiml += 1
        text = connect_twiml(self._config.public_url or "", self._config.parameters)
        return web.Response(text=text, content_type="text/xml")

    # -- streams -----------------------------------------------------------------------------------

    async def _serve_stream(self, request: web.Request) -> web.StreamResponse:
        signature = request.headers.get(SIGNATURE_HEADER)
        if self._check is not None and not self._check.is_stream_signed(signature):
            return self._refuse_unsigned(request)
        if (reason := self._refusal()) is not None:
            return self._refuse(request, reason)
        websocket = web.WebSocketResponse(
            timeout=_CLOSE_TIMEOUT_S,
            heartbeat=_HEARTBEAT_S,
            compress=False,
            max_msg_size=MAX_MESSAGE_CHARS,
        )
        self.stats.open_connections += 1
        self._is_idle.clear()
        try:
            await websocket.prepare(request)
            await self._serve(TwilioConnection(websocket, request.transport), request)
        except (web.HTTPException, ConnectionError):
            raise  # it asked for no WebSocket, or is gone again
        except Exception:
            # What goes wrong with one call is nobody else's trouble, nor the peer's to read.
            log.exception("twilio.call_failed", peer=request.remote)
        finally:
            self.stats.open_connections -= 1
            if self.stats.open_connections == 0:
                self._is_idle.set()
        return websocket

    async def _serve(self, connection: TwilioConnection, request: web.Request) -> None:
        async with connection.open():
            if (line := await self._line(connection, request)) is None:
                return
            self._live_call_ids.add(line.call_id)
            try:
                self.stats.accepted_calls += 1
                log.info("twilio.stream_started", call_id=line.call_id, call_sid=line.call_sid)
                assert self._handler is not None, "a server that listens has one"  # noqa: S101
                await self._handler(line)
            finally:
                self._live_call_ids.discard(line.call_id)

    async def _line(self, connection: TwilioConnection, request: web.Request) -> TwilioLine | None:
        """Return the line of a connection, or None if it is not to become one."""
        timeout_s = self._config.start_timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                await connection.wait_started()
        except TimeoutError:
            await connection.hang_up(f"no start in {timeout_s:g} s", WSCloseCode.POLICY_VIOLATION)
        started = connection.call.started
        if started is None or connection.events.is_closed:
            self.stats.unidentified_connections += 1
            self._log_unidentified(connection, request)
            return None
        if started.stream_sid in self._live_call_ids:
            self.stats.duplicate_streams += 1
            log.warning(
                "twilio.duplicate_stream_refused", call_id=started.stream_sid, peer=request.remote
            )
            await connection.hang_up("the stream is alive", WSCloseCode.POLICY_VIOLATION)
            return None
        return TwilioLine(connection, started)

    def _log_unidentified(self, connection: TwilioConnection, request: web.Request) -> None:
        ended = connection.events.hangup
        log.warning(
            "twilio.stream_unidentified",
            peer=request.remote,
            reason=ended.reason if ended else "",
            detail=ended.detail if ended else "",
        )

    # -- refusals ----------------------------------------------------------------------------------

    def _refusal(self) -> str | None:
        if self._is_stopping:
            return "stopping"
        if self.stats.open_connections >= self._config.max_connections:
            return "max_connections"
        return None

    def _refuse(self, request: web.Request, reason: str) -> web.Response:
        self.stats.refused_connections += 1
        log.warning("twilio.connection_refused", peer=request.remote, reason=reason)
        return web.Response(status=503, text="No more calls at the moment.\n")

    def _refuse_unsigned(self, request: web.Request) -> web.Response:
        self.stats.unsigned_requests += 1
        log.warning(
            "twilio.signature_refused",
            peer=request.remote,
            path=request.path,
            has_signature=SIGNATURE_HEADER in request.headers,
            hint="the auth token and the public addresses must be those that Twilio has",
        )
        return web.Response(status=403, text="The signature is missing or wrong.\n")
