"""The server's life without a socket; whom it serves, every line's integration tests tell."""

from __future__ import annotations

from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs

from voxgate.config.line_models import TwilioConfig
from voxgate.errors import LocalProtocolError
from voxgate.transports.websocket_server import (
    WebSocketLineKind,
    WebSocketServer,
    WebSocketServerStats,
)


async def nobody(line: Any) -> None:
    raise AssertionError(line)


def server(**fields: Any) -> WebSocketServer[Any]:
    kind: WebSocketLineKind[Any] = WebSocketLineKind(
        name="test",
        routes=lambda serve: [web.get("/", serve)],
        make_call=lambda: pytest.fail("there is no call"),
        make_line=lambda _: pytest.fail("there is no line"),
        **fields,
    )
    return WebSocketServer(TwilioConfig(), kind)


def test_a_server_that_does_not_listen_has_no_address():
    """Asking for it is a mistake of ours; the error names the line."""
    with pytest.raises(LocalProtocolError, match="the server of test is not listening"):
        server().address  # noqa: B018 - a property


async def test_a_stopped_server_does_not_start():
    """Once is all; and one that never listened has nothing to wait for."""
    stopped = server()
    stopped.check_startable()
    await stopped.stop()
    await stopped.wait_closed()
    with pytest.raises(LocalProtocolError, match="a server of test can be started once"):
        await stopped.start(nobody)


async def test_the_line_may_refuse_before_anything_is_counted():
    """It says with what, and keeps its own count."""
    refusing = server(refusal=lambda _: web.Response(status=403))
    answer = await refusing.serve(cast("web.Request", make_mocked_request("GET", "/")))
    assert answer.status == 403
    assert refusing.stats == WebSocketServerStats()


async def test_a_server_that_stops_refuses_the_next():
    """By a status, counted and logged with the line's name."""
    stopped = server()
    await stopped.stop()
    with capture_logs() as logs:
        answer = await stopped.serve(cast("web.Request", make_mocked_request("GET", "/")))
    assert answer.status == 503
    assert stopped.stats == WebSocketServerStats(refused_connections=1)
    assert stopped.live_call_ids == frozenset()
    (entry,) = logs
    assert (entry["event"], entry["line"], entry["reason"]) == (
        "websocket.connection_refused",
        "test",
        "stopping",
    )
