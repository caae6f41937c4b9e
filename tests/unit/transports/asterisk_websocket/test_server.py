"""The server's life; whom it lets in is told over real sockets, in the integration tests."""

from __future__ import annotations

import pytest
from aiohttp import web

from voxgate.config.asterisk_websocket_model import AsteriskWebSocketConfig
from voxgate.errors import ConfigError, LocalProtocolError
from voxgate.transports.asterisk_websocket import AsteriskWebSocketTransport
from voxgate.transports.base import Line

CONFIG = AsteriskWebSocketConfig(
    enabled=True,
    path="/a/b",
    username_env="WS_USER",
    password_env="WS_PASSWORD",  # noqa: S106 - a variable's name
)


async def nobody(line: Line) -> None:
    raise AssertionError(line)


def test_a_server_that_does_not_listen_has_no_address():
    """Asking for it is a mistake of ours."""
    with pytest.raises(LocalProtocolError, match="not listening"):
        AsteriskWebSocketTransport(CONFIG, {}).address  # noqa: B018 - a property


async def test_a_server_without_its_password_opens_no_socket():
    """It is refused before anything listens, and can be stopped all the same."""
    transport = AsteriskWebSocketTransport(CONFIG, {"WS_USER": "voxgate"})
    with pytest.raises(ConfigError, match="WS_PASSWORD"):
        await transport.start(nobody)
    await transport.stop()
    await transport.wait_closed()


async def test_a_stopped_server_does_not_start():
    """Once is all."""
    transport = AsteriskWebSocketTransport(CONFIG, {})
    await transport.stop()
    with pytest.raises(LocalProtocolError, match="started once"):
        await transport.start(nobody)


def test_the_path_is_that_of_the_section():
    """And nothing else is served."""
    transport = AsteriskWebSocketTransport(CONFIG, {})
    router = web.UrlDispatcher()
    router.add_routes(transport._routes(transport._server.serve))
    paths = {route.resource.canonical for route in router.routes() if route.resource is not None}
    assert paths == {"/a/b"}
