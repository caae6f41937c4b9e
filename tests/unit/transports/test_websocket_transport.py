"""A transport over WebSockets without a socket; the rest is told by each line's own tests."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from voxgate.config.line_models import TwilioConfig
from voxgate.errors import LocalProtocolError
from voxgate.transports.websocket_server import WebSocketLineKind
from voxgate.transports.websocket_transport import WebSocketTransport


async def test_it_is_its_server_s_face() -> None:
    """Address and end are the server's, with the line's name in its errors."""
    kind: WebSocketLineKind[Any] = WebSocketLineKind(
        name="test",
        routes=lambda serve: [web.get("/", serve)],
        make_call=lambda: pytest.fail("there is no call"),
        make_line=lambda _: pytest.fail("there is no line"),
    )
    transport = WebSocketTransport(TwilioConfig(), kind)
    with pytest.raises(LocalProtocolError, match="the server of test is not listening"):
        transport.address  # noqa: B018 - a property
    await transport.stop()
    await transport.wait_closed()
    with pytest.raises(LocalProtocolError, match="started once"):
        transport._server.check_startable()
