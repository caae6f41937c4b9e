"""What clients send is not logged, and what is ours is."""

from __future__ import annotations

import logging

import pytest
from aiohttp import http_exceptions
from aiohttp.test_utils import make_mocked_request

from voxgate.integrations.realtime_proxy.quiet_http import library_log, offering


@pytest.mark.parametrize("taken", [None, "realtime"])
def test_a_request_offers_what_is_taken_and_no_key(taken: str | None) -> None:
    """Everything else of it stays."""
    headers = {"sec-websocket-protocol": "realtime, openai-insecure-api-key.sk-x", "X-Other": "y"}
    request = offering(make_mocked_request("GET", "/v1/realtime", headers=headers), taken)
    assert request.headers.getall("Sec-WebSocket-Protocol", []) == ([taken] if taken else [])
    assert request.headers["x-other"] == "y"
    assert "sk-x" not in repr(request.headers)


@pytest.mark.parametrize(
    ("error", "is_logged"),
    [(http_exceptions.BadHttpMessage("Authorization: sk-x"), False), (ValueError("ours"), True)],
)
def test_errors_are_logged_but_for_those_that_quote_a_client(
    caplog: pytest.LogCaptureFixture, error: Exception, is_logged: bool
) -> None:
    """A bug shows; a line with a key in it does not, and other loggers are left alone."""
    for _ in range(2):
        library_log().error("failed", exc_info=error)
    logging.getLogger("aiohttp.server").error("of another user", exc_info=error)
    assert [record.message for record in caplog.records] == ["failed"] * 2 * is_logged + [
        "of another user"
    ]
