"""A chat endpoint on the loopback that answers as a test says, in chunks of the SDK's own types."""

from __future__ import annotations

__all__ = ["ChatServer", "Script", "text_chunks", "tool_chunks"]

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

from aiohttp import web
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam
from pydantic import TypeAdapter

_MESSAGES = TypeAdapter(list[ChatCompletionMessageParam])

Script = Callable[[web.Request], Awaitable[web.StreamResponse]]
"""Answers one request."""


def _chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "test",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    }


def text_chunks(*texts: str, usage: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return the chunks of an answer, the last with its usage."""
    chunks = [_chunk({"role": "assistant", "content": ""})]
    chunks += [_chunk({"content": text}) for text in texts]
    chunks.append(_chunk({}, "stop"))
    if usage is not None:
        chunks.append({**_chunk({}), "choices": [], "usage": usage})
    return chunks


def tool_chunks(call_id: str, name: str, *arguments: str) -> list[dict[str, Any]]:
    """Return the chunks of an answer that asks for a function, its arguments in pieces."""
    first = {"id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
    calls = [first, *({"function": {"arguments": piece}} for piece in arguments)]
    return [
        *(_chunk({"tool_calls": [{"index": 0, **call}]}) for call in calls),
        _chunk({}, "tool_calls"),
    ]


class ChatServer:
    """Serves ``/v1/chat/completions`` and ``/v1/models``; ``async with`` starts it."""

    def __init__(self, models: Sequence[str] = ("test",)) -> None:
        self.models: Sequence[str] | int = models
        """What it has, or the HTTP status with which it refuses to tell."""
        self.scripts: deque[Script] = deque()
        """How the next requests are answered; the last one for all that follow."""
        self.requests: list[dict[str, Any]] = []
        """The body of every request, checked against the SDK's types."""
        self.headers: list[dict[str, str]] = []
        self.n_open = 0
        """Answers that are being written now."""
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._list)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def answer(self, *texts: str, usage: dict[str, Any] | None = None) -> None:
        """Answer the next request with these pieces of text."""
        self.send(text_chunks(*texts, usage=usage))

    def send(self, chunks: Sequence[dict[str, Any] | str], *, end: str = "[DONE]") -> None:
        """Answer the next request with these chunks; texts are sent as they are."""
        for chunk in chunks:
            if isinstance(chunk, dict):
                ChatCompletionChunk.model_validate(chunk)

        async def script(request: web.Request) -> web.StreamResponse:
            response = await _begin(request)
            for chunk in chunks:
                data = chunk if isinstance(chunk, str) else json.dumps(chunk)
                await response.write(f"data: {data}\n\n".encode())
            if end:
                await response.write(f"data: {end}\n\n".encode())
            await response.write_eof()
            return response

        self.scripts.append(script)

    def refuse(self, status: int, headers: dict[str, str] | None = None) -> None:
        """Answer the next request with an error that quotes it."""

        async def script(request: web.Request) -> web.StreamResponse:
            said = (await request.text())[-200:]
            body = {"error": {"message": f"refused: {said}", "type": "x", "code": "y"}}
            return web.json_response(body, status=status, headers=headers)

        self.scripts.append(script)

    def hang(self, *texts: str) -> None:
        """Begin to answer the next request, and never go on."""

        async def script(request: web.Request) -> web.StreamResponse:
            response = await _begin(request)
            for chunk in text_chunks(*texts)[:-1] if texts else ():
                await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.n_open += 1
            try:
                await asyncio.sleep(3600)
            finally:
                self.n_open -= 1
            return response

        self.scripts.append(script)

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        _MESSAGES.validate_python(body["messages"])
        self.requests.append(body)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        script = self.scripts.popleft() if len(self.scripts) > 1 else self.scripts[0]
        return await script(request)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        if isinstance(self.models, int):
            return web.json_response({"error": {"message": "no"}}, status=self.models)
        models = [{"id": n, "object": "model", "created": 1, "owned_by": "x"} for n in self.models]
        return web.json_response({"object": "list", "data": models})


async def _begin(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    return response
