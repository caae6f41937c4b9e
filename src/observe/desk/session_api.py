"""How an operator logs in at the desk, and out.

Invariant: a page never sees the token again once it was shown, nor the name of its session.
"""

from __future__ import annotations

__all__ = ["SessionApi"]

from importlib.metadata import version

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .guard import peer_of, token_refusal
from .login import Login
from .refusal import Refusal
from .request_body import read_object

_log = structlog.get_logger(__name__)


class SessionApi:
    """Serves the login.

    Args:
        login: The door.
        cookie_name: Of the cookie with the session.
        session_s: How long a session lasts, in s.
    """

    def __init__(self, login: Login, *, cookie_name: str, session_s: float) -> None:
        self._login = login
        self._cookie_name = cookie_name
        self._session_s = session_s

    def routes(self) -> list[Route]:
        """Return what is served."""
        return [
            Route("/api/session", self._session),
            Route("/api/login", self._log_in, methods=["POST"]),
            Route("/api/logout", self._log_out, methods=["POST"]),
        ]

    async def _session(self, request: Request) -> Response:
        if not self._login.is_needed:
            login = "none"
        else:
            is_open = self._login.has_session(request.cookies.get(self._cookie_name))
            login = "done" if is_open else "needed"
        return JSONResponse({"login": login, "version": version("voxgate")})

    async def _log_in(self, request: Request) -> Response:
        token = (await read_object(request)).get("token")
        if not isinstance(token, str):
            raise Refusal(400, "bad_request", "token: is missing.")
        peer = peer_of(request)
        if (refusal := token_refusal(self._login, token, peer)) is not None:
            raise refusal
        _log.info("desk.logged_in", peer=peer)
        response = Response(status_code=204)
        response.set_cookie(
            self._cookie_name,
            self._login.open_session(),
            max_age=round(self._session_s),
            httponly=True,
            samesite="strict",
            # A proxy in front may speak https where the desk itself does not.
            secure=request.headers.get("origin", "").startswith("https://"),
        )
        return response

    async def _log_out(self, request: Request) -> Response:
        self._login.close_session(request.cookies.get(self._cookie_name))
        response = Response(status_code=204)
        response.delete_cookie(self._cookie_name, httponly=True, samesite="strict")
        return response
