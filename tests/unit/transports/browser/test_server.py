"""The server's life; whom it lets in is told over real sockets, in the integration tests."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs

from voxgate.config.browser_line_model import BrowserLineConfig
from voxgate.errors import ConfigError, LocalProtocolError
from voxgate.transports.base import Line
from voxgate.transports.browser import BrowserTransport

DOCUMENT = Path(__file__).resolve().parents[4] / "docs" / "lines" / "browser.md"


async def nobody(line: Line) -> None:
    raise AssertionError(line)


def test_a_server_that_does_not_listen_has_no_address():
    """Asking for it is a mistake of ours."""
    with pytest.raises(LocalProtocolError, match="not listening"):
        BrowserTransport(BrowserLineConfig(), {}).address  # noqa: B018 - a property


async def test_a_server_without_its_token_opens_no_socket():
    """It is refused before anything listens, and can be stopped all the same."""
    transport = BrowserTransport(BrowserLineConfig(token_env="PAGE_TOKEN"), {})  # noqa: S106
    with pytest.raises(ConfigError, match=r"PAGE_TOKEN: is not set; lines\.browser asks"):
        await transport.start(nobody)
    await transport.stop()
    await transport.wait_closed()


async def test_a_stopped_server_does_not_start():
    """Once is all."""
    transport = BrowserTransport(BrowserLineConfig(), {})
    await transport.stop()
    with pytest.raises(LocalProtocolError, match="started once"):
        await transport.start(nobody)


def test_the_scripts_lie_below_the_websocket():
    """And nothing else has a route."""
    transport = BrowserTransport(BrowserLineConfig(path="/a/b"), {})
    paths = {route.path for route in transport._routes(nobody)}  # type: ignore
    names = ("call", "capture", "playout", "resampler")
    assert paths == {"/a/b", *(f"/a/b/voxgate-{name}.js" for name in names)}


def test_a_new_server_has_counted_nothing():
    """Each counter has its place."""
    stats = BrowserTransport(BrowserLineConfig(), {}).stats
    assert (stats.open_connections, stats.accepted_calls, stats.refused_origins) == (0, 0, 0)


def test_the_documentation_has_every_key_with_its_default():
    """What an operator copies changes nothing."""
    blocks = re.findall(
        r"^```yaml\n(.*?)^```", DOCUMENT.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    (section,) = [yaml.safe_load(block)["lines"]["browser"] for block in blocks]
    section["allowed_origins"] = tuple(section["allowed_origins"])
    assert set(section) == {field.name for field in fields(BrowserLineConfig)}
    assert BrowserLineConfig(**section) == BrowserLineConfig()


def asked(path: str, **headers: str) -> web.Request:
    """Return a request of a page, or of none."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return make_mocked_request("GET", path, headers={"Host": "127.0.0.1:8092", **named})


async def test_a_script_is_served_to_a_page_of_this_machine():
    """As a script, for this origin, and never from a cache that was not asked about."""
    transport = BrowserTransport(BrowserLineConfig(), {})
    request = asked("/browser/voxgate-capture.js", Origin="http://localhost:3000")
    response = await transport._serve_script(request)
    assert response.status == 200
    assert response.content_type == "text/javascript"
    assert response.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert (response.headers["Vary"], response.headers["Cache-Control"]) == ("Origin", "no-cache")
    assert response.text is not None
    assert "AudioWorkletProcessor" in response.text


async def test_a_page_of_elsewhere_is_refused_and_counted():
    """Script and call alike; the log says it once, with the path, and no more of what was sent."""
    transport = BrowserTransport(BrowserLineConfig(), {})
    origin = "https://evil.example.com"
    with capture_logs() as logs:
        response = await transport._serve_script(asked("/browser/x.js", Origin=origin))
        refusal = transport._refusal(asked("/browser", Origin=origin))
    assert refusal is not None
    assert (response.status, refusal.status) == (403, 403)
    assert transport.stats.refused_origins == 2
    assert [(entry["event"], entry["path"]) for entry in logs] == [
        ("browser.origin_refused", "/browser/x.js")
    ]
    assert origin not in str(logs)


@pytest.mark.parametrize(
    ("offered", "is_let_in"),
    [("voxgate.browser.v1", True), ("a, voxgate.browser.v1", True), ("voxgate.browser", False)],
)
def test_only_who_speaks_the_protocol_is_let_in(offered: str, *, is_let_in: bool):
    """Among others that it may offer."""
    transport = BrowserTransport(BrowserLineConfig(), {})
    refusal = transport._refusal(asked("/browser", Sec_WebSocket_Protocol=offered))
    assert (refusal is None) == is_let_in
    if refusal is not None:
        assert refusal.status == 400
