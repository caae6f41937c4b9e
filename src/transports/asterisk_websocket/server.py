"""The server that Asterisk's ``chan_websocket`` connects to as a client.

Who may connect is here; how WebSockets become calls, and whom they can't disturb, is
:mod:`~voxgate.transports.websocket_server`'s to say. Invariant: who is not in ``allowed_peers``, or
shows no password where one is asked for, gets no WebSocket; nor does any web page.
"""

from __future__ import annotations

__all__ = ["AsteriskWebSocketServerStats", "AsteriskWebSocketTransport"]

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

import structlog
from aiohttp import hdrs, web

from ...config.asterisk_websocket_model import AsteriskWebSocketConfig
from ..base import CallHandler
from ..limited_log import LimitedLog
from ..websocket_line import WebSocketLine
from ..websocket_server import WebSocketLineKind, WebSocketServerStats
from ..websocket_transport import WebSocketTransport
from .call import AsteriskWebSocketCall
from .credentials import CHALLENGE, BasicCredentials, make_credentials
from .line import make_asterisk_websocket_line
from .protocol import MAX_MESSAGE_BYTES, SUBPROTOCOL

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsteriskWebSocketServerStats(WebSocketServerStats):
    """What happened on a server so far, and what is open now."""

    unauthorized_requests: int
    """Requests without the password, or with a wrong one."""
    foreign_requests: int
    """Requests that Asterisk does not make: without the subprotocol ``media``, or of a web page."""


class AsteriskWebSocketTransport(WebSocketTransport[AsteriskWebSocketCall]):
    """Serves the WebSocket that ``Dial(WebSocket/...)`` leads to.

    Args:
        config: The section ``lines.asterisk_websocket``.
        environ: Where user and password are, by the names that the section gives.

    Raises:
        ValueError: if ``allowed_peers`` names what is no network.
    """

    def __init__(
        self, config: AsteriskWebSocketConfig, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._config = config
        self._environ = environ
        self._credentials: BasicCredentials | None = None
        self._unauthorized_requests = 0
        self._log = LimitedLog(log)
        self._foreign_requests = 0
        super().__init__(
            config,
            WebSocketLineKind(
                name="asterisk_websocket",
                routes=self._routes,
                make_call=AsteriskWebSocketCall,
                make_line=make_asterisk_websocket_line,
                refusal=self._refusal,
                subprotocols=(SUBPROTOCOL,),
                max_message_bytes=MAX_MESSAGE_BYTES,
            ),
        )

    @property
    def stats(self) -> AsteriskWebSocketServerStats:
        """What happened so far."""
        return AsteriskWebSocketServerStats(
            **asdict(self._server.stats),
            unauthorized_requests=self._unauthorized_requests,
            foreign_requests=self._foreign_requests,
        )

    async def start(self, handler: CallHandler) -> None:
        """Listen; each call is answered, and handed to ``handler`` in a task of its own.

        The call is hung up when the handler is done. What the handler raises is logged.

        Raises:
            ConfigError: if a password is to be asked for, and is not in the environment.
            TransportError: if the address can't be bound.
            LocalProtocolError: if the server is running or was stopped.
        """
        self._server.check_startable()
        self._credentials = make_credentials(self._config, self._environ)

        async def serve(line: WebSocketLine[AsteriskWebSocketCall]) -> None:
            line.connection.write(*line.call.answer())
            await handler(line)

        await self._server.start(serve)

    def _routes(
        self, serve: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Iterable[web.AbstractRouteDef]:
        return (web.get(self._config.path, serve),)

    def _refusal(self, request: web.Request) -> web.Response | None:
        """Return what a request is answered with that is not let in; None lets it in."""
        if hdrs.ORIGIN in request.headers:
            return self._refuse_page(request)
        authorization = request.headers.get(hdrs.AUTHORIZATION)
        if self._credentials is not None and not self._credentials.admit(authorization):
            return self._refuse_unauthorized(request, has_password=authorization is not None)
        if SUBPROTOCOL not in _subprotocols(request):
            return self._refuse_foreign(request)
        return None

    def _refuse_unauthorized(self, request: web.Request, *, has_password: bool) -> web.Response:
        self._unauthorized_requests += 1
        self._log.warning(
            "asterisk_websocket.password_refused",
            peer=request.remote,
            has_password=has_password,
            hint="username and password in websocket_client.conf must be those of the environment",
        )
        return web.Response(
            status=401,
            text="The password is missing or wrong.\n",
            headers={hdrs.WWW_AUTHENTICATE: CHALLENGE},
        )

    def _refuse_page(self, request: web.Request) -> web.Response:
        """Refuse a browser: any page may ask it for a WebSocket to this machine."""
        self._foreign_requests += 1
        self._log.warning(
            "asterisk_websocket.page_refused",
            peer=request.remote,
            hint="a web page asked for the WebSocket; Asterisk sends no Origin",
        )
        return web.Response(status=403, text="Web pages may not connect.\n")

    def _refuse_foreign(self, request: web.Request) -> web.Response:
        self._foreign_requests += 1
        self._log.warning(
            "asterisk_websocket.subprotocol_refused",
            peer=request.remote,
            hint="protocols = media must stand in websocket_client.conf",
        )
        return web.Response(status=400, text="The subprotocol must be media.\n")


def _subprotocols(request: web.Request) -> set[str]:
    header = request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "")
    return {name.strip() for name in header.split(",")}
