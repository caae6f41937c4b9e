"""The server that web pages get their JavaScript from and call by a WebSocket.

Who may call is here; how WebSockets become calls, and whom they can't disturb, is
:mod:`~voxgate.transports.websocket_server`'s to say. Invariant: a page of an origin that is not
allowed gets no call, and what is not one of the scripts is not served.
"""

from __future__ import annotations

__all__ = ["BrowserServerStats", "BrowserTransport"]

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

import structlog
from aiohttp import hdrs, web

from ...config.browser_line_model import BrowserLineConfig
from ...config.listen_address import is_loopback
from ...errors import ConfigError, ConfigProblem
from ..base import CallHandler
from ..limited_log import LimitedLog
from ..websocket_line import WebSocketLine
from ..websocket_server import WebSocketLineKind, WebSocketServerStats
from ..websocket_transport import WebSocketTransport
from .call import BrowserCall
from .line import make_browser_line
from .origins import is_allowed_origin
from .protocol import MAX_MESSAGE_BYTES, SUBPROTOCOL
from .script_files import SCRIPT_NAMES, load_script

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserServerStats(WebSocketServerStats):
    """What happened on a server so far, and what is open now."""

    refused_origins: int
    """WebSockets and scripts that pages of other origins asked for."""


class BrowserTransport(WebSocketTransport[BrowserCall]):
    """Serves the scripts and the WebSocket.

    Args:
        config: The section ``lines.browser``.
        environ: Where the token is, by the name that the section gives.
    """

    def __init__(self, config: BrowserLineConfig, environ: Mapping[str, str] = os.environ) -> None:
        self._config = config
        self._environ = environ
        self._token: str | None = None
        self._refused_origins = 0
        self._log = LimitedLog(log)
        super().__init__(
            config,
            WebSocketLineKind(
                name="browser",
                routes=self._routes,
                make_call=lambda: BrowserCall(self._token),
                make_line=make_browser_line,
                refusal=self._refusal,
                subprotocols=(SUBPROTOCOL,),
                max_message_bytes=MAX_MESSAGE_BYTES,
            ),
        )

    @property
    def stats(self) -> BrowserServerStats:
        """What happened so far."""
        return BrowserServerStats(
            **asdict(self._server.stats), refused_origins=self._refused_origins
        )

    async def start(self, handler: CallHandler) -> None:
        """Listen; each call is handed to ``handler`` in a task of its own.

        The call is hung up when the handler is done. What the handler raises is logged.

        Raises:
            ConfigError: if a token is to be asked for, and its variable is not set.
            TransportError: if the address can't be bound.
            LocalProtocolError: if the server is running or was stopped.
        """
        self._server.check_startable()
        self._token = _token(self._config, self._environ)

        async def serve(line: WebSocketLine[BrowserCall]) -> None:
            log.info("browser.call_started", call_id=line.call_id)
            await handler(line)

        await self._server.start(serve)
        self._log_start()

    def _routes(
        self, serve: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Iterable[web.AbstractRouteDef]:
        path = self._config.path
        scripts = [web.get(f"{path}/{name}", self._serve_script) for name in SCRIPT_NAMES]
        return (web.get(path, serve, allow_head=False), *scripts)

    def _log_start(self) -> None:
        host, port = self.address
        shown_host = f"[{host}]" if ":" in host else host
        script = f"{self._config.path}/{SCRIPT_NAMES[0]}"
        log.info(
            "browser.started",
            url=f"ws://{shown_host}:{port}{self._config.path}",
            script_url=f"http://{shown_host}:{port}{script}",
            asks_for_token=self._token is not None,
        )
        if self._token is None and not is_loopback(self._config.host):
            log.warning(
                "browser.token_not_asked_for",
                hint="whoever reaches the server can talk to the agent, at your cost",
            )

    async def _serve_script(self, request: web.Request) -> web.Response:
        if not self._is_origin_allowed(request):
            return self._refuse_origin(request)
        headers = {
            hdrs.CACHE_CONTROL: "no-cache",
            hdrs.VARY: hdrs.ORIGIN,
            "X-Content-Type-Options": "nosniff",
        }
        if (origin := request.headers.get(hdrs.ORIGIN)) is not None:
            headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        text = load_script(request.path.rpartition("/")[2])
        return web.Response(
            text=text, content_type="text/javascript", charset="utf-8", headers=headers
        )

    def _refusal(self, request: web.Request) -> web.Response | None:
        """Return what a request for the WebSocket is answered with instead; None to let it in."""
        if not self._is_origin_allowed(request):
            return self._refuse_origin(request)
        offered = request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "").split(",")
        if SUBPROTOCOL not in (each.strip() for each in offered):
            return web.Response(
                status=400, text=f"Ask for a WebSocket with the subprotocol {SUBPROTOCOL}.\n"
            )
        return None

    def _is_origin_allowed(self, request: web.Request) -> bool:
        origin, host = request.headers.get(hdrs.ORIGIN), request.headers.get(hdrs.HOST)
        return is_allowed_origin(origin, host, self._config.allowed_origins)

    def _refuse_origin(self, request: web.Request) -> web.Response:
        self._refused_origins += 1
        self._log.warning(
            "browser.origin_refused",
            peer=request.remote,
            path=request.path,
            hint="lines.browser.allowed_origins must have the origin of the page",
        )
        return web.Response(status=403, text="Pages of this origin may not call.\n")


def _token(config: BrowserLineConfig, environ: Mapping[str, str]) -> str | None:
    """Return the token that calls must give; None where they need not."""
    if config.token_env is None:
        return None
    token = environ.get(config.token_env, "").strip()
    if not token:
        problem = ConfigProblem(
            key=config.token_env,
            value="",
            rule="is not set; lines.browser asks calls for the token in it",
            source="environment",
        )
        raise ConfigError([problem])
    return token
