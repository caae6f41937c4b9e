"""The server half of a provider's other end: takes connections, refuses some, judges at the end.

What is said on a connection is its session's.
"""

from __future__ import annotations

__all__ = ["PATIENCE_S", "Session", "WebSocketPeer"]

import asyncio
from collections import deque
from collections.abc import Sequence
from http import HTTPStatus
from typing import ClassVar, Generic, Protocol, Self, TypeVar

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

PATIENCE_S = 30.0
"""Only a test that hangs waits so long for a client."""


class Session(Protocol):
    """One connection of a client."""

    @property
    def problems(self) -> Sequence[str]:
        """What was wrong with what came."""

    async def configure(self) -> object:
        """Do what a server does first."""

    async def serve(self) -> None:
        """Take what comes until the connection ends."""


S = TypeVar("S", bound=Session)


class WebSocketPeer(Generic[S]):
    """A server on the loopback; ``async with`` starts it, and at the end judges what came.

    Args:
        refusals: HTTP statuses for the first connections, one each; later ones are taken.
    """

    path: ClassVar[str]
    """Where the service is."""

    def __init__(self, *refusals: int) -> None:
        self._refusals = deque(refusals)
        self._server: Server | None = None
        self._waiting: asyncio.Queue[S] = asyncio.Queue()
        self.sessions: list[S] = []
        self.n_refused = 0
        self.location: str | None = None
        """Where a refusal points to; a client must not go there."""

    def make_session(self, connection: ServerConnection) -> S:
        """Return the session of a new connection."""
        raise NotImplementedError

    @property
    def base_url(self) -> str:
        """Where the server is, without the path of the service."""
        assert self._server is not None
        port = next(iter(self._server.sockets)).getsockname()[1]
        return f"ws://127.0.0.1:{port}"

    @property
    def url(self) -> str:
        """Where a client connects to."""
        return f"{self.base_url}{self.path}"

    def refuse_next(self, *statuses: int) -> None:
        """Answer the next connections with these HTTP statuses."""
        self._refusals.extend(statuses)

    async def accept(self) -> S:
        """Wait for the next connection."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._waiting.get()

    async def accept_configured(self) -> S:
        """Wait for the next connection, and configure its session as the client asks."""
        session = await self.accept()
        await session.configure()
        return session

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            0,
            compression=None,
            max_size=None,
            close_timeout=0.5,
            process_request=self._answer_request,
        )
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()
        if exc_info[0] is None:
            assert [problem for session in self.sessions for problem in session.problems] == []

    async def _serve(self, connection: ServerConnection) -> None:
        session = self.make_session(connection)
        self.sessions.append(session)
        self._waiting.put_nowait(session)
        await session.serve()

    def _answer_request(self, connection: ServerConnection, request: Request) -> Response | None:
        if not self._refusals:
            return None
        self.n_refused += 1
        response = connection.respond(HTTPStatus(self._refusals.popleft()), "sk-SECRET-IN-BODY\n")
        if self.location is not None:
            response.headers["Location"] = self.location
        return response
