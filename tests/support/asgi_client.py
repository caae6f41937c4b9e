"""Asks an ASGI application without a socket: one request, or a WebSocket's handshake."""

from __future__ import annotations

__all__ = ["Answer", "application", "ask", "ask_websocket"]

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message

from voxgate.observe.desk.desk import make_application

HOST = "127.0.0.1:8094"


@dataclass
class Answer:
    """What came back."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The code of a refusal."""
        return str(self.json["error"]["code"])


def application(routes: Sequence[BaseRoute]) -> Starlette:
    """Return the desk's application with some routes only."""
    return make_application(list(routes))


async def ask(
    app: ASGIApp,
    path: str,
    *,
    method: str = "GET",
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    chunks: Sequence[bytes] | None = None,
) -> Answer:
    """Send a request; ``body`` is sent as JSON, as the page does."""
    sent = {"host": HOST, **(headers or {})}
    if body is not None:
        sent.setdefault("content-type", "application/json")
        chunks = [json.dumps(body).encode()]
    waiting = list(chunks or [b""])
    answer = Answer()

    async def receive() -> Message:
        if not waiting:
            return {"type": "http.disconnect"}
        chunk = waiting.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            answer.body += message.get("body", b"")

    await app({**_scope("http", path, sent), "method": method}, receive, send)
    return answer


async def ask_websocket(
    app: ASGIApp, path: str, headers: Mapping[str, str], messages: Sequence[Message] = ()
) -> list[Message]:
    """Ask for a WebSocket that says these messages and goes; return what the application sends."""
    sent: list[Message] = []
    waiting: list[Message] = [{"type": "websocket.connect"}, *messages]

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "websocket.disconnect", "code": 1005}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {**_scope("websocket", path, {"host": HOST, **headers}), "subprotocols": []}
    await app(scope, receive, send)
    return sent


def _scope(kind: str, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8094),
        "state": {},
    }
