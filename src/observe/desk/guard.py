"""What stands before every request: who may ask, and what no answer goes without.

Invariant: nothing behind it runs for a host name that is not known, for a page of another origin
(but to show the page itself), or without a login where one is needed; and no peer reads an error of
ours.
"""

from __future__ import annotations

__all__ = ["Guard", "failure", "peer_of", "session_cookie_name", "token_refusal"]

from collections.abc import Collection
from http import HTTPStatus

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .login import Login, LoginOutcome
from .origins import is_known_host, is_own_page
from .peer import peer_name
from .refusal import Refusal

_log = structlog.get_logger(__name__)

_OPEN_PATHS = frozenset({"/", "/api/session", "/api/login", "/healthz", "/readyz"})
_OPEN_FOLDERS = ("/assets/", "/phone/voxgate-")
"""The page, which has the form to log in by, its files, and what monitors ask."""
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_PEER = "voxgate.peer"
"""Where a request has the name of who asks."""
_LOGIN_NEEDED = 4401
_REFUSED = 1008
"""Codes by which a WebSocket is closed."""

_PAGE_POLICY = (
    "default-src 'none'; "
    "script-src 'self'; "
    "worker-src 'self'; "
    "style-src 'self'; "
    "img-src 'self' data:; "
    "media-src 'self' blob:; "
    "font-src 'self'; "
    "manifest-src 'self'; "
    "connect-src 'self'; "
    "frame-src 'self'; "
    "form-action 'self'; "
    "frame-ancestors 'none'; "
    "base-uri 'none'"
)
"""What the page may load and where it may be shown: itself from itself, and nowhere else."""

_HEADERS = {
    "content-security-policy": _PAGE_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
    "cache-control": "no-store",
}
"""On every answer that does not say otherwise."""


def session_cookie_name(port: int) -> str:
    """Return the name of the cookie: browsers share cookies between the ports of a host."""
    return f"voxgate_desk_{port}"


class Guard:
    """Lets through what may pass.

    Args:
        app: What is behind it.
        login: The door.
        allowed_hosts: Names that the desk may be known by, beside addresses and localhost.
        cookie_name: Of the cookie with the session.
    """

    def __init__(
        self, app: ASGIApp, *, login: Login, allowed_hosts: Collection[str], cookie_name: str
    ) -> None:
        self._app = app
        self._login = login
        self._allowed_hosts = frozenset(allowed_hosts)
        self._cookie_name = cookie_name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request or a WebSocket, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        scope[_PEER] = self._peer_of(connection)
        refusal = self._refusal(connection)
        if scope["type"] == "websocket":
            await self._serve_websocket(refusal, scope, receive, send)
            return
        answer = _Answer(send)
        if refusal is not None:
            await refusal.response()(scope, receive, answer)
            return
        await self._serve(answer, scope, receive)

    async def _serve(self, answer: _Answer, scope: Scope, receive: Receive) -> None:
        try:
            await self._app(scope, receive, answer)
        except Exception:  # noqa: BLE001 - the next request is served all the same
            _log.exception("desk.request_failed", path=_route_of(scope))
            if not answer.is_begun:
                await failure().response()(scope, receive, answer)

    async def _serve_websocket(
        self, refusal: Refusal | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if refusal is not None:
            await _refuse_websocket(refusal, receive, send)
            return
        session = HTTPConnection(scope).cookies.get(self._cookie_name)
        if self._login.is_needed and self._login.has_session(session):
            lasting = _WhileLoggedIn(self._login, session, receive, send)
            receive, send = lasting.receive, lasting.send
        try:
            await self._app(scope, receive, send)
        except Exception:  # noqa: BLE001 - others watch on
            _log.exception("desk.request_failed", path=_route_of(scope))

    def _refusal(self, connection: HTTPConnection) -> Refusal | None:
        headers, path = connection.headers, connection.scope["path"]
        host = headers.get("host")
        if not is_known_host(host, self._allowed_hosts):
            return Refusal(
                400, "host_refused", "The desk is not known by this name: see desk.allowed_hosts."
            )
        is_open = path in _OPEN_PATHS or path.startswith(_OPEN_FOLDERS)
        is_read = connection.scope.get("method") in _SAFE_METHODS
        is_own = is_own_page(headers.get("origin"), headers.get("sec-fetch-site"), host)
        if not is_own and not (is_open and is_read):
            return Refusal(403, "origin_refused", "Pages of another origin may not do this.")
        if is_open:
            return None
        return self._login_refusal(connection)

    def _peer_of(self, connection: HTTPConnection) -> str:
        address = "" if connection.client is None else connection.client.host
        forwarded_for = ",".join(connection.headers.getlist("x-forwarded-for"))
        return peer_name(address, forwarded_for, has_proxy=bool(self._allowed_hosts))

    def _login_refusal(self, connection: HTTPConnection) -> Refusal | None:
        """Return why who asks has not logged in, by a session or a token; None if so."""
        if not self._login.is_needed:
            return None
        if self._login.has_session(connection.cookies.get(self._cookie_name)):
            return None
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return Refusal(
                401, "login_needed", "Log in first.", headers={"WWW-Authenticate": "Bearer"}
            )
        return token_refusal(self._login, token.strip(), peer_of(connection))


def failure() -> Refusal:
    """Return what a peer is told of an error of ours."""
    return Refusal(500, "failed", "This could not be done; the log says why.")


def token_refusal(login: Login, token: str, peer: str) -> Refusal | None:
    """Return why a token does not open the door; None if it does."""
    match login.try_token(token, peer):
        case LoginOutcome.DONE:
            return None
        case LoginOutcome.WRONG:
            _log.warning("desk.login_refused", peer=peer)
            return Refusal(401, "wrong_token", "That is not the token.")
    wait_s = login.wait_s(peer)
    return Refusal(
        429,
        "too_many_attempts",
        f"Too many wrong tokens: wait {wait_s} s.",
        headers={"Retry-After": str(wait_s)},
    )


def peer_of(connection: HTTPConnection) -> str:
    """Return who asks, by the name that the guard has given it."""
    return str(connection.scope.get(_PEER, ""))


class _Answer:
    """Passes an answer on, with the headers that none goes without."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.is_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.is_begun = True
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


class _WhileLoggedIn:
    """A WebSocket that is closed with the session by which it was opened.

    It is looked at with each message, of which a watcher is sent twelve a second and a phone sends
    fifty. To what serves the WebSocket the page is gone then.
    """

    def __init__(self, login: Login, session: str | None, receive: Receive, send: Send) -> None:
        self._login = login
        self._session = session
        self._receive = receive
        self._send = send
        self._is_over = False

    async def receive(self) -> Message:
        """Return what the page sends, as long as its session is open."""
        message = await self._receive()
        if message["type"] == "websocket.receive" and await self._has_ended():
            return {"type": "websocket.disconnect", "code": _LOGIN_NEEDED}
        return message

    async def send(self, message: Message) -> None:
        """Send the page something, as long as its session is open.

        Raises:
            OSError: it is not; what a server raises whose peer is gone.
        """
        if message["type"] == "websocket.send" and await self._has_ended():
            raise OSError("the session has ended")
        await self._send(message)

    async def _has_ended(self) -> bool:
        if not self._is_over and not self._login.has_session(self._session):
            self._is_over = True
            close = {"type": "websocket.close", "code": _LOGIN_NEEDED, "reason": "login_needed"}
            await self._send(close)
        return self._is_over


async def _refuse_websocket(refusal: Refusal, receive: Receive, send: Send) -> None:
    """Refuse before the handshake (403); but a missing login after it, as pages read no status."""
    await receive()
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": _LOGIN_NEEDED, "reason": refusal.code})
    else:
        await send({"type": "websocket.close", "code": _REFUSED})


def _route_of(scope: Scope) -> str:
    """Return the route of a request for the log, without what a peer wrote into it."""
    route = scope.get("route")
    return str(getattr(route, "path", "")) or "unknown"
