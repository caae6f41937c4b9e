"""The TCP connections of an HTTP server: how many there are, and how long one may say nothing.

aiohttp bounds neither. Who connects and asks for nothing would stay for ever, and a thousand such
connections leave the process no file descriptor for anybody's call, on whatever line.

Invariant: a connection that has not asked for anything in time is closed, no connection outlives
the answer to what it asked for, and no peer reads an error of ours.
"""

from __future__ import annotations

__all__ = ["BoundedRunner"]

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import cast

import structlog
from aiohttp import http_exceptions, web

_MAX_OTHER_CONNECTIONS = 100
"""Connections beside the WebSockets that are allowed: those whose request is on its way, or that
are told that there is no room."""

_REPORT_INTERVAL_S = 60.0
"""Shortest time in s between two reports of connections over the bound."""

log = structlog.get_logger(__name__)

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _serve_all(_request: web.Request) -> web.Response | None:
    return None


class BoundedRunner(web.AppRunner):
    """Runs an application for which sites listen; see aiohttp's own.

    Args:
        routes: Of the application.
        name: Of the kind of line, for the log.
        max_websockets: WebSockets that the application allows.
        max_body_bytes: Longest body of a request.
        request_timeout_s: Time in s within which a connection must ask for something.
        refusal: Returns what a request is answered with instead of being served, whatever it asks
            for; None to serve it.
    """

    def __init__(
        self,
        routes: Iterable[web.AbstractRouteDef],
        *,
        name: str,
        max_websockets: int,
        max_body_bytes: int,
        request_timeout_s: float,
        refusal: Callable[[web.Request], web.Response | None] = _serve_all,
    ) -> None:
        application = web.Application(client_max_size=max_body_bytes, middlewares=[self._serve])
        application.router.add_routes(routes)
        super().__init__(
            application, handle_signals=False, access_log=None, logger=_peer_errors_logger()
        )
        self._name = name
        self._max_connections = max_websockets + _MAX_OTHER_CONNECTIONS
        self._request_timeout_s = request_timeout_s
        self._silent: dict[object, asyncio.TimerHandle] = {}
        self._refusal = refusal
        self._silent_connections = 0
        self._refused_connections = 0
        self._reported_connections = 0
        self._reported_s: float | None = None

    @property
    def refused_connections(self) -> int:
        """Connections over the bound so far, which were closed at once."""
        return self._refused_connections

    @property
    def silent_connections(self) -> int:
        """Connections so far that were closed as they asked for nothing in time."""
        return self._silent_connections

    @property
    def server(self) -> web.Server | None:
        """What makes the protocol of a connection, for a site; None before the set-up."""
        return None if super().server is None else cast("web.Server", self._protocol)

    def _protocol(self) -> asyncio.Protocol:
        """Return the protocol of the next connection: aiohttp's, or one that closes it."""
        server = super().server
        assert server is not None, "a site listens after the set-up"  # noqa: S101
        loop = asyncio.get_running_loop()
        if len(server.connections) >= self._max_connections:
            self._refused_connections += 1
            self._report_refused(loop.time())
            return _RefusedConnection()
        protocol = server()
        protocol.__class__ = _TersePeer  # aiohttp has no other way to choose it
        self._silent[protocol] = loop.call_later(
            self._request_timeout_s, self._close_silent, protocol
        )
        return protocol

    def _close_silent(self, protocol: web.RequestHandler) -> None:
        del self._silent[protocol]
        self._silent_connections += protocol.transport is not None
        protocol.force_close()

    @web.middleware
    async def _serve(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Answer a request, and close the connection behind the answer."""
        timer = self._silent.pop(request.protocol, None)
        if timer is not None:
            timer.cancel()
        response = await self._answer(request, handler)
        response.force_close()
        return response

    async def _answer(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            refusal = self._refusal(request)
            return await handler(request) if refusal is None else refusal
        except web.HTTPException as refusal:
            return web.Response(
                status=refusal.status, text=f"{refusal.reason}\n", headers=_allowed(refusal)
            )
        except ConnectionError:
            return web.Response(status=400)  # nobody is there to read it
        except Exception:
            # The next request is served all the same.
            log.exception("http.request_failed", line=self._name, peer=request.remote)
            return web.Response(status=500, text="This could not be served.\n")

    def _report_refused(self, now_s: float) -> None:
        if self._reported_s is not None and now_s - self._reported_s < _REPORT_INTERVAL_S:
            return
        refused = self._refused_connections - self._reported_connections
        self._reported_s, self._reported_connections = now_s, self._refused_connections
        log.warning(
            "http.connections_refused",
            line=self._name,
            refused=refused,
            max_connections=self._max_connections,
            hint="they are all open at a time; a firewall or proxy can hold back who opens them",
        )


class _TersePeer(web.RequestHandler):
    """Tells who sends what is no HTTP no more than that: aiohttp shows it what it sent."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the answer to a request that did not come as far as the application."""
        del message
        return super().handle_error(request, status, exc, "This is no request.\n")


class _RefusedConnection(asyncio.Protocol):
    """Closes a connection as soon as it stands."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it."""
        cast("asyncio.Transport", transport).abort()


def _allowed(refusal: web.HTTPException) -> dict[str, str]:
    """Return the header that says what a resource can do, where a refusal has it."""
    return {name: value for name, value in refusal.headers.items() if name == "Allow"}


def _peer_errors_logger() -> logging.Logger:
    """Return a logger for aiohttp, which shows how it failed, but not what a stranger sent."""
    logger = logging.getLogger(__name__)
    logger.addFilter(_without_garbage)
    return logger


def _without_garbage(record: logging.LogRecord) -> bool:
    """Say whether a record is worth its line: not for what is no HTTP; any scanner sends it."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, http_exceptions.HttpProcessingError | web.RequestPayloadError)
