"""How many connections an HTTP server has, and for how long, without a socket."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiohttp import http_exceptions, web
from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs

from support.virtual_time import in_virtual_time
from voxgate.transports.http_connections import BoundedRunner


class FakeTransport:
    """The socket of a connection that somebody opened."""

    def __init__(self) -> None:
        self.is_closed = False

    def get_extra_info(self, _name: str, default: object = None) -> object:
        return default

    def abort(self) -> None:
        self.is_closed = True

    close = abort

    def is_closing(self) -> bool:
        return self.is_closed


async def runner(*routes: web.RouteDef, max_websockets: int = 1) -> BoundedRunner:
    made = BoundedRunner(
        routes,
        name="test",
        max_websockets=max_websockets,
        max_body_bytes=1000,
        request_timeout_s=5.0,
    )
    assert made.server is None
    await made.setup()
    return made


def connected(made: BoundedRunner) -> FakeTransport:
    """Open a connection, and ask for nothing."""
    assert made.server is not None
    transport = FakeTransport()
    made.server().connection_made(transport)  # type: ignore[arg-type]
    return transport


@in_virtual_time
async def test_a_connection_that_asks_for_nothing_is_closed_in_time():
    """Neither before nor much later than the time that it has."""
    made = await runner()
    transport = connected(made)
    await asyncio.sleep(4.9)
    assert not transport.is_closed
    await asyncio.sleep(0.2)
    assert transport.is_closed
    await made.cleanup()


@in_virtual_time
async def test_connections_are_bounded_and_reported_once_a_minute():
    """100 besides the WebSockets; whoever comes then is closed at once, and the others stay."""
    made = await runner(max_websockets=2)
    with capture_logs() as logs:
        within = [connected(made) for _ in range(102)]
        over = [connected(made) for _ in range(50)]
    assert not any(transport.is_closed for transport in within)
    assert all(transport.is_closed for transport in over)
    assert made.refused_connections == 50
    (entry,) = logs
    assert (entry["event"], entry["line"], entry["max_connections"]) == (
        "http.connections_refused",
        "test",
        102,
    )
    await made.cleanup()


async def answer(handler: object) -> web.StreamResponse:
    made = await runner()
    request = make_mocked_request("GET", "/")
    return await made._serve(request, handler)  # type: ignore[arg-type, no-any-return, call-arg]


async def test_an_answered_connection_is_closed():
    """Nobody holds it open for another request."""

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(text="well")

    response = await answer(handler)
    assert (response.status, response.keep_alive) == (200, False)


async def test_a_refusal_keeps_its_status_and_what_is_allowed():
    """And is closed as well."""

    async def handler(_request: web.Request) -> web.Response:
        raise web.HTTPMethodNotAllowed("PUT", ["GET", "POST"])

    response = await answer(handler)
    assert (response.status, response.headers["Allow"]) == (405, "GET,POST")
    assert response.keep_alive is False


async def test_an_error_of_ours_is_logged_and_not_shown():
    """The peer learns that there was one."""

    async def handler(_request: web.Request) -> web.Response:
        raise RuntimeError("secret")

    with capture_logs() as logs:
        response = await answer(handler)
    assert isinstance(response, web.Response)
    assert (response.status, response.text) == (500, "This could not be served.\n")
    assert [entry["event"] for entry in logs] == ["http.request_failed"]


@pytest.mark.parametrize("error", [ConnectionResetError(), ConnectionAbortedError()])
async def test_a_peer_that_is_gone_is_no_error(error: Exception):
    """Nothing is logged of it."""

    async def handler(_request: web.Request) -> web.Response:
        raise error

    with capture_logs() as logs:
        response = await answer(handler)
    assert (response.status, logs) == (400, [])


@pytest.mark.parametrize(
    ("error", "is_logged"),
    [
        (http_exceptions.BadHttpMessage("no HTTP"), False),
        (web.RequestPayloadError("no gzip"), False),
        (RuntimeError("a bug"), True),
    ],
)
async def test_garbage_is_not_logged(
    error: Exception, caplog: pytest.LogCaptureFixture, *, is_logged: bool
):
    """Any scanner sends it, and its first line may hold what a log must not have."""
    await runner()
    logger = logging.getLogger("voxgate.transports.http_connections")
    logger.error("aiohttp failed", exc_info=error)
    assert bool(caplog.records) is is_logged
