"""What an operator's system is asked by HTTP, over real loopback connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from voxgate.config.hook_models import CallHooksConfig
from voxgate.errors import TransportError
from voxgate.transports.call_hooks import CallHooks

pytestmark = pytest.mark.timeout(30)

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Pbx:
    """An operator's system: notes what it is asked, and answers as it is told."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[tuple[str, str, str | None, Any]] = []
        self.answer: Answer = self.says({})

    @staticmethod
    def says(payload: object, status: int = 200) -> Answer:
        async def answer(_: web.Request) -> web.StreamResponse:
            return web.json_response(payload, status=status)

        return answer

    async def serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        token = request.headers.get("Authorization")
        self.asked.append((request.method, request.raw_path, token, body))
        return await self.answer(request)

    def hooks(self, **fields: Any) -> CallHooks:
        url = f"http://127.0.0.1:{self.port}"
        config = CallHooksConfig(
            metadata_url=f"{url}/calls/{{call_id}}?full=1",
            transfer_url=f"{url}/transfer",
            **fields,
        )
        return CallHooks(config, {"PBX_TOKEN": " sesame "}, section="hooks")


@pytest.fixture
async def pbx() -> AsyncIterator[Pbx]:
    pbx = Pbx()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", pbx.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    pbx.port = runner.addresses[0][1]
    yield pbx
    await runner.cleanup()


async def failure_of(asking: Awaitable[object]) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await asking
    return caught.value


async def test_a_call_is_asked_about_by_its_id(pbx: Pbx) -> None:
    """With the token; an id that is no UUID can't lead to another path."""
    pbx.answer = pbx.says({"called_number": "700"})
    hooks = pbx.hooks(token_env="PBX_TOKEN")  # noqa: S106 - a variable's name
    assert await hooks.fetch_metadata("../a/b?c") == {"called_number": "700"}
    assert pbx.asked == [("GET", "/calls/..%2Fa%2Fb%3Fc?full=1", "Bearer sesame", None)]
    await hooks.close()


async def test_a_transfer_is_asked_for_with_call_and_target(pbx: Pbx) -> None:
    """Any success will do, whatever it says."""
    pbx.answer = pbx.says("on its way", status=202)
    hooks = pbx.hooks()
    transfer = hooks.transfer_of("c0ffee")
    assert transfer is not None
    await transfer("+15550100")
    body = {"call_id": "c0ffee", "target": "+15550100"}
    assert pbx.asked == [("POST", "/transfer", None, body)]
    await hooks.close()


async def test_nothing_known_is_no_failure(pbx: Pbx) -> None:
    """204, or an answer without a byte."""
    hooks = pbx.hooks()

    async def nothing(_: web.Request) -> web.StreamResponse:
        return web.Response(status=204 if len(pbx.asked) == 1 else 200)

    pbx.answer = nothing
    assert await hooks.fetch_metadata("a") == await hooks.fetch_metadata("a") == {}
    await hooks.close()


@pytest.mark.parametrize("status", [304, 400, 401, 404, 500, 503])
async def test_what_is_no_success_is_a_failure_with_its_status(pbx: Pbx, status: int) -> None:
    """For a question and for a transfer."""
    pbx.answer = pbx.says({"called_number": "700"}, status=status)
    hooks = pbx.hooks()
    transfer = hooks.transfer_of("a")
    assert transfer is not None
    for asking in (hooks.fetch_metadata("a"), transfer("+15550100")):
        error = await failure_of(asking)
        assert error.code == f"http_{status}"
        assert (
            str(error) == f"hook at 127.0.0.1:{pbx.port}: the answer is no success [{error.code}]"
        )
    await hooks.close()


async def test_a_token_does_not_follow_to_another_address(pbx: Pbx) -> None:
    """A redirect is a failure."""

    async def elsewhere(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/elsewhere")

    pbx.answer = elsewhere
    hooks = pbx.hooks()
    assert (await failure_of(hooks.fetch_metadata("a"))).code == "http_302"
    assert len(pbx.asked) == 1
    await hooks.close()


async def test_an_answer_that_is_late_is_not_waited_for(pbx: Pbx) -> None:
    """The caller hears nothing meanwhile."""
    is_over = asyncio.Event()

    async def late(_: web.Request) -> web.StreamResponse:
        await is_over.wait()
        return web.json_response({})

    pbx.answer = late
    hooks = pbx.hooks(metadata_timeout_s=0.1)
    error = await failure_of(hooks.fetch_metadata("a"))
    assert (error.code, error.reason) == ("timeout", "no answer in 0.1 s")
    is_over.set()
    await hooks.close()


async def test_an_answer_without_end_is_not_read_to_its_end(pbx: Pbx) -> None:
    """A kind of answer that would fill the memory."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" " * 10_000)

    pbx.answer = endless
    hooks = pbx.hooks()
    error = await failure_of(hooks.fetch_metadata("a"))
    assert (error.code, error.reason) == ("bad_answer", "the answer is longer than 16384 bytes")
    await hooks.close()


async def test_an_answer_that_breaks_off_is_a_failure(pbx: Pbx) -> None:
    """As is a server that is not there; what it said is in no message."""

    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 100
        await response.prepare(request)
        await response.write(b'{"caller_number": "+1555')
        assert request.transport is not None
        request.transport.close()
        return response

    pbx.answer = broken
    hooks = pbx.hooks()
    error = await failure_of(hooks.fetch_metadata("a"))
    assert error.code == "unreachable"
    assert "1555" not in str(error)
    await hooks.close()


async def test_nobody_there_is_a_failure(unused_tcp_port: int) -> None:
    """The error says which host, and no more."""
    config = CallHooksConfig(metadata_url=f"http://127.0.0.1:{unused_tcp_port}/{{call_id}}")
    hooks = CallHooks(config, {}, section="hooks")
    error = await failure_of(hooks.fetch_metadata("secret"))
    assert (error.code, error.peer) == ("unreachable", f"hook at 127.0.0.1:{unused_tcp_port}")
    assert "secret" not in str(error)
    await hooks.close()


async def test_closed_hooks_can_be_asked_again(pbx: Pbx) -> None:
    """Closing frees what is open, and is no end."""
    hooks = pbx.hooks()
    assert await hooks.fetch_metadata("a") == {}
    await hooks.close()
    await hooks.close()
    assert await hooks.fetch_metadata("a") == {}
    await hooks.close()
