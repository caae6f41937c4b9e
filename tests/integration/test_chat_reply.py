"""A language model behind an OpenAI-compatible address answers, and what it does wrong is named."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from support.chat_server import ChatServer, tool_chunks
from voxgate.config.local_models import ChatReplyConfig
from voxgate.errors import ProviderError
from voxgate.local_agent.chat_reply import ChatReply, make_reply
from voxgate.local_agent.reply import FunctionAsked, ReplyRequest, ReplyUsage, Role, Said
from voxgate.providers.tools import ToolSpec

SECRET = "sk-test-0123456789"  # noqa: S105 - of nobody
QUESTION = "My code word is heliotrope."
REQUEST = ReplyRequest(history=(Said(Role.CALLER, QUESTION),), instructions="Be brief.")


@pytest.fixture
async def server() -> AsyncIterator[ChatServer]:
    async with ChatServer() as server:
        yield server


def config_for(server: ChatServer, **changes: Any) -> ChatReplyConfig:
    return replace(ChatReplyConfig(url=server.url, model="test", timeout_s=20.0), **changes)


async def reply_of(
    server: ChatServer, request: ReplyRequest = REQUEST, *, key: str | None = None, **changes: Any
) -> list[str | FunctionAsked]:
    reply = make_reply(config_for(server, **changes), key)
    try:
        return [piece async for piece in reply.reply(request)]
    finally:
        await reply.stop()


async def error_of(server: ChatServer, **changes: Any) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        await reply_of(server, **changes)
    return raised.value


async def pieces_before_error(reply: ChatReply) -> tuple[list[str | FunctionAsked], ProviderError]:
    pieces: list[str | FunctionAsked] = []
    try:
        async for piece in reply.reply(REQUEST):
            pieces.append(piece)  # noqa: PERF401 - what comes before the error counts
    except ProviderError as error:
        return pieces, error
    raise AssertionError("the answer came to its end")


async def test_an_answer_comes_piece_by_piece(server: ChatServer) -> None:
    """As the model writes it; the request holds what the operator set, and nothing else."""
    server.answer("Helio", "trope", ".")
    assert await reply_of(server, max_tokens=17, temperature=0.5) == ["Helio", "trope", "."]
    (body,) = server.requests
    assert body == {
        "model": "test",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": QUESTION},
        ],
        "max_tokens": 17,
        "temperature": 0.5,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_a_huge_token_comes_in_pieces_that_hold_up_nobody(server: ChatServer) -> None:
    """Whoever cuts it into sentences lets others have a turn between them."""
    text = "This is a sentence. " * 500
    server.answer(text)
    pieces = await reply_of(server)
    assert "".join(map(str, pieces)) == text
    assert max(len(str(piece)) for piece in pieces) <= 500


async def test_an_answer_that_does_not_end_is_left(server: ChatServer) -> None:
    """A server that ignores max_tokens: nobody listens to it for half an hour."""
    server.answer(*["On and on. " * 400] * 100)
    pieces, error = await pieces_before_error(ChatReply(config_for(server)))
    assert len("".join(map(str, pieces))) == 20_000
    assert (error.code, error.retryable) == ("endless_answer", True)


async def test_a_function_in_pieces_comes_last_and_whole(server: ChatServer) -> None:
    """And the model was told of it."""
    server.send(tool_chunks("call-a", "opening_hours", '{"da', 'y":"sunday"}'))
    spec = ToolSpec(name="opening_hours", description="Tells.", parameters={"type": "object"})
    pieces = await reply_of(server, replace(REQUEST, functions=(spec,)))
    asked = FunctionAsked(
        function_call_id="call-a", name="opening_hours", arguments='{"day":"sunday"}'
    )
    assert [piece for piece in pieces if piece] == [asked]
    assert server.requests[0]["tools"][0]["function"]["name"] == "opening_hours"


async def test_what_the_answer_took_is_told(server: ChatServer) -> None:
    """Where the server counts."""
    server.answer("Hi.", usage={"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11})
    usage: list[ReplyUsage] = []
    await reply_of(server, replace(REQUEST, on_usage=usage.append))
    assert usage == [ReplyUsage(input_tokens=9, output_tokens=2)]


async def test_the_key_goes_out_and_nothing_of_the_environment_does(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands there is meant for OpenAI, and a proxy has no business on this machine."""
    for name, value in {
        "OPENAI_API_KEY": "sk-of-somebody-else",
        "OPENAI_ORG_ID": "org",
        "OPENAI_PROJECT_ID": "project",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    server.answer("Hi.")
    await reply_of(server, key=SECRET)
    await reply_of(server)
    with_key, without_key = server.headers
    assert with_key["authorization"] == f"Bearer {SECRET}"
    assert "authorization" not in without_key
    assert not {"openai-organization", "openai-project"} & with_key.keys()


async def test_busy_once_is_tried_again(server: ChatServer) -> None:
    """After the time that the server asks for; nothing had been heard yet."""
    server.refuse(429, {"Retry-After": "0.01"})
    server.answer("Hi.")
    assert await reply_of(server) == ["Hi."]
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(400, False), (401, False), (404, False), (429, True), (500, True), (503, True), (302, True)],
)
async def test_a_refusal_is_named_without_the_server_s_words(
    server: ChatServer, status: int, *, retryable: bool
) -> None:
    """They quote what the caller said. Redirects are not followed: the key would go along."""
    server.refuse(status, {"Retry-After": "0.01", "Location": "http://127.0.0.1:9/"})
    error = await error_of(server, key=SECRET)
    assert (error.code, error.retryable) == (f"http_{status}", retryable)
    assert "heliotrope" not in str(error)
    assert SECRET not in str(error)


async def test_a_server_that_is_not_there_is_named(server: ChatServer) -> None:
    """Another call may find it."""
    error = await error_of(server, url="http://127.0.0.1:9/v1")
    assert (error.code, error.retryable) == ("connection_failed", True)


@pytest.mark.parametrize("texts", [(), ("Hel",)])
async def test_a_server_that_hangs_is_given_up(server: ChatServer, texts: tuple[str, ...]) -> None:
    """Before the first word and after it; what came before was yielded, and the connection ends."""
    server.hang(*texts)
    reply = ChatReply(config_for(server, timeout_s=0.3))
    pieces, error = await pieces_before_error(reply)
    assert tuple(pieces) == texts
    assert (error.code, error.retryable) == ("timeout", True)
    async with asyncio.timeout(20):
        while server.n_open:  # noqa: ASYNC110 - the server notices the hangup when it does
            await asyncio.sleep(0.01)
    await reply.stop()


async def test_a_long_wait_for_a_retry_is_a_timeout(server: ChatServer) -> None:
    """The caller does not wait for as long as a server would like."""
    server.refuse(429, {"Retry-After": "30"})
    error = await error_of(server, timeout_s=0.3)
    assert error.code == "timeout"


async def test_thoughts_do_not_keep_the_caller_waiting_for_ever(server: ChatServer) -> None:
    """A model that thinks aloud says nothing, and its chunks are no words."""
    server.hang("<think>", "Hm.")
    error = await error_of(server, timeout_s=0.3)
    assert error.code == "timeout"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (["{not json"], "malformed_stream"),
        (["[1, 2]"], "malformed_stream"),
        (['{"error": {"message": "My code word is heliotrope."}}'], "server_error"),
        (['{"choices": [{"delta": {"content": 3}}]}'], "incomplete_stream"),
        ([], "incomplete_stream"),
    ],
)
async def test_garbage_is_an_error_of_that_answer(
    server: ChatServer, data: list[str], code: str
) -> None:
    """Never an exception of the SDK, never its words."""
    server.send(data)
    error = await error_of(server)
    assert (error.code, error.retryable) == (code, True)
    assert "heliotrope" not in str(error)


async def test_half_a_stream_is_an_error_after_its_words(server: ChatServer) -> None:
    """The server closes in the middle of the answer, in good order or not."""

    async def script(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b'data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n')
        await response.write(b'data: {"choices":[{"index":0,"del')
        assert request.transport is not None
        request.transport.close()
        return response

    server.scripts.append(script)
    reply = ChatReply(config_for(server))
    pieces, error = await pieces_before_error(reply)
    await reply.stop()
    assert pieces == ["Hel"]
    assert error.retryable


async def test_an_answer_that_is_closed_lets_go_of_its_connection(server: ChatServer) -> None:
    """The caller has interrupted; the model stops writing."""
    server.hang("Hel", "lo")
    reply = ChatReply(config_for(server))
    pieces = reply.reply(REQUEST)
    assert await anext(pieces) == "Hel"
    await pieces.aclose()  # type: ignore[attr-defined]
    async with asyncio.timeout(20):
        while server.n_open:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    await reply.stop()
    await reply.stop()


async def test_nothing_that_was_said_is_logged(
    server: ChatServer, caplog: pytest.LogCaptureFixture
) -> None:
    """At the level at which the engine listens to libraries."""
    caplog.set_level(logging.INFO)
    server.answer("Heliotrope.")
    await reply_of(server, key=SECRET)
    server.scripts.clear()
    server.refuse(500, {"Retry-After": "0.01"})
    await error_of(server)
    assert "eliotrope" not in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("name", ["test", "test:latest"])
async def test_start_finds_the_model(server: ChatServer, name: str) -> None:
    """Ollama names a version where the operator need not."""
    server.models = ["other", name]
    reply = ChatReply(config_for(server), SECRET)
    await reply.start()
    await reply.stop()
    assert server.headers[0]["authorization"] == f"Bearer {SECRET}"


async def test_start_names_the_models_that_there_are(server: ChatServer) -> None:
    """A wrong name fails at start-up, not in every call."""
    server.models = ["beta", "alpha"]
    reply = ChatReply(config_for(server))
    with pytest.raises(ProviderError, match=r"no model test; it has alpha, beta") as raised:
        await reply.start()
    assert not raised.value.retryable
    await reply.stop()


@pytest.mark.parametrize(
    ("models", "is_fine"), [(404, True), (405, True), (401, False), ([], True)]
)
async def test_start_takes_a_server_without_a_list(
    server: ChatServer, models: Any, *, is_fine: bool
) -> None:
    """Only chat completions are needed; a key that is refused is told."""
    server.models = models
    reply = ChatReply(config_for(server))
    if is_fine:
        await reply.start()
    else:
        with pytest.raises(ProviderError, match="refuses the key"):
            await reply.start()
    await reply.stop()


async def test_start_tells_that_nobody_is_there(server: ChatServer) -> None:
    """Before a caller finds out."""
    reply = ChatReply(config_for(server, url="http://127.0.0.1:9/v1", timeout_s=20.0))
    with pytest.raises(ProviderError) as raised:
        await reply.start()
    await reply.stop()
    assert raised.value.code == "connection_failed"
