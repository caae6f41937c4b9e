"""The server's life; whom it lets in is told over real sockets, in the integration tests."""

from __future__ import annotations

import pytest
from aiohttp import web

from voxgate.config.line_models import TwilioConfig
from voxgate.errors import ConfigError, LocalProtocolError
from voxgate.transports.base import Line
from voxgate.transports.twilio import TwilioTransport

CONFIG = TwilioConfig(enabled=True, public_url="wss://voice.example.com/twilio")


async def nobody(line: Line) -> None:
    raise AssertionError(line)


def test_a_server_that_does_not_listen_has_no_address():
    """Asking for it is a mistake of ours."""
    with pytest.raises(LocalProtocolError, match="not listening"):
        TwilioTransport(CONFIG, {}).address  # noqa: B018 - a property


async def test_a_server_without_its_token_opens_no_socket():
    """It is refused before anything listens, and can be stopped all the same."""
    transport = TwilioTransport(CONFIG, {})
    with pytest.raises(ConfigError, match="TWILIO_AUTH_TOKEN"):
        await transport.start(nobody)
    await transport.stop()
    await transport.wait_closed()


async def test_a_stopped_server_does_not_start():
    """Once is all."""
    transport = TwilioTransport(CONFIG, {})
    await transport.stop()
    with pytest.raises(LocalProtocolError, match="started once"):
        await transport.start(nobody)


def test_the_limits_are_those_of_the_section():
    """The router knows the stream's path, and the TwiML by GET and POST."""
    transport = TwilioTransport(TwilioConfig(path="/a/b"), {})
    router = web.UrlDispatcher()
    router.add_routes(transport._routes(transport._server.serve))
    routes = {
        (route.method, route.resource.canonical)
        for route in router.routes()
        if route.resource is not None
    }
    assert routes == {("GET", "/a/b"), ("HEAD", "/a/b"), ("GET", "/twiml"), ("POST", "/twiml")}
