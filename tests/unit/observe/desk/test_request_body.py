"""What a page sends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Message

from support.asgi_client import Answer, application, ask
from support.virtual_time import in_virtual_time
from voxgate.observe.desk.refusal import Refusal
from voxgate.observe.desk.request_body import MAX_BODY_BYTES, parse_object, read_object


async def posted(chunks: list[bytes], media_type: str = "application/json") -> Answer:
    async def echo(request: Request) -> Response:
        return JSONResponse(await read_object(request))

    app = application([Route("/", echo, methods=["POST"])])
    return await ask(app, "/", method="POST", headers={"content-type": media_type}, chunks=chunks)


async def test_an_object_comes_through_in_whatever_pieces() -> None:
    """The media type may say more."""
    answer = await posted([b'{"a"', b": [1, ", b"2]}"], "application/json; charset=utf-8")
    assert (answer.status, answer.json) == (200, {"a": [1, 2]})


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"{}", "application/x-www-form-urlencoded", 415),
        (b"[]", "application/json", 400),
        (b"", "application/json", 400),
        (b'{"a": NaN}', "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 50_000, "application/json", 400),
        (rb'{"a": "\ud800"}', "application/json", 400),
        (rb'{"\ud800": 1}', "application/json", 400),
        (b" " * (MAX_BODY_BYTES + 1), "application/json", 413),
    ],
)
async def test_anything_else_is_refused(body: bytes, media_type: str, status: int) -> None:
    """A form of another page can only be sent as what is not JSON."""
    answer = await posted([body], media_type)
    assert (answer.status, answer.error) == (status, "bad_request")


@in_virtual_time
async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    """Ten seconds; nobody holds the desk up by sending slowly."""

    async def receive() -> Message:
        await asyncio.sleep(3600)
        raise AssertionError

    headers = [(b"content-type", b"application/json")]
    request = Request({"type": "http", "headers": headers}, receive)
    with pytest.raises(Refusal) as refused:
        await read_object(request)
    assert refused.value.status == 408


async def test_a_page_that_is_gone_sends_nothing_more() -> None:
    """That is no error of ours."""

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    headers = [(b"content-type", b"application/json")]
    request = Request({"type": "http", "headers": headers}, receive)
    with pytest.raises(Refusal) as refused:
        await read_object(request)
    assert refused.value.status == 400


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60)))
def test_whatever_is_sent_is_an_object_or_refused(body: Any) -> None:
    """Nothing else comes of it."""
    try:
        JSONResponse(parse_object(body))  # it can be said again
    except Refusal as refusal:
        assert refusal.code == "bad_request"  # noqa: PT017 - either is right
