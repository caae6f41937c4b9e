"""Replies by a language model behind an OpenAI-compatible address: Ollama, vLLM, llama.cpp.

The shell around the SDK's client; what goes out and comes in is :mod:`.chat_messages`. Invariant:
nothing that anybody said is in an error or a log, and one answer that fails costs no other.
"""

from __future__ import annotations

__all__ = ["PEER", "ChatReply", "make_reply"]

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..config.listen_address import is_loopback
from ..config.local_models import ChatReplyConfig
from ..errors import ProviderError
from .chat_messages import ChunkReader, chat_messages, chat_tools
from .reply import FunctionAsked, ReplyRequest

if TYPE_CHECKING:
    from openai import AsyncOpenAI

PEER = "chat"
"""How errors name what answers."""

_CONNECT_ATTEMPTS = 2
"""Attempts to get an answer begun; one that has begun is not tried again, as half of it was
heard."""
_MAX_CHARACTERS = 20_000
"""Of an answer: the most tokens that may be asked for have fewer. A server that goes on is left."""
_PIECE_CHARACTERS = 500
"""Text that is given at one go. Some servers send all of an answer at once, and whoever cuts that
into sentences would hold up all calls."""
_FINAL_STATUSES = frozenset({400, 401, 402, 403, 404, 405, 413, 422})
"""HTTP statuses that would come again."""
_MEANINGS = {
    400: "refuses the request",
    401: "refuses the key",
    403: "refuses the key",
    404: "knows no such model or address",
    429: "is busy",
}


class ChatReply:
    """Answers by chat completions, for all calls.

    Args:
        config: Address, model and times.
        api_key: The key, or None for a server that wants none. Never logged.

    Raises:
        ProviderError: the package openai is not installed.
    """

    def __init__(self, config: ChatReplyConfig, api_key: str | None = None) -> None:
        self._config = config
        key = (api_key or "").strip()
        self._client = _make_client(config, key)
        self._headers = _headers(key)

    async def start(self) -> None:
        """See that the server is there and has the model, as far as it says so.

        Raises:
            ProviderError: it can't be reached, refuses the key, or has other models only.
        """
        with _mapped_errors():
            async with asyncio.timeout(self._config.timeout_s):
                models = await self._list_models()
        wanted = self._config.model
        if models and not any(name in (wanted, f"{wanted}:latest") for name in models):
            raise ProviderError(
                PEER,
                f"the server has no model {wanted}; it has {', '.join(sorted(models)[:8])}",
                code="model_not_found",
                retryable=False,
            )

    async def reply(self, request: ReplyRequest) -> AsyncIterator[str | FunctionAsked]:
        """Yield the model's text as it comes, and then the functions that it asks for.

        Raises:
            ProviderError: the server failed, took too long or sent something else.
        """
        reader = ChunkReader()
        chunks = self._chunks(request)
        n_left = _MAX_CHARACTERS
        async with contextlib.aclosing(chunks):
            while (text := await self._next_text(chunks, reader)) is not None:
                for piece in _pieces(text[:n_left]):
                    yield piece
                n_left -= len(text)
                if n_left < 0:
                    raise _error("does not end its answer", "endless_answer", retryable=True)
        if rest := reader.finish():
            yield rest
        if not reader.has_ended:
            raise _error("ended in the middle of an answer", "incomplete_stream", retryable=True)
        if request.on_usage is not None and reader.usage is not None:
            request.on_usage(reader.usage)
        for function in reader.functions:
            yield function

    async def stop(self) -> None:
        """Close all connections; idempotent."""
        await self._client.close()

    async def _list_models(self) -> list[str]:
        """Return the server's models; none where it keeps no list."""
        from openai import APIStatusError

        try:
            page = await self._client.models.list(extra_headers=self._headers)
        except APIStatusError as exc:
            if exc.status_code in (404, 405, 501):
                return []
            raise
        models = getattr(page, "data", None)
        names = [getattr(model, "id", None) for model in models or []]
        return [name for name in names if isinstance(name, str)]

    async def _next_text(self, chunks: AsyncIterator[object], reader: ChunkReader) -> str | None:
        """Return the next text, ``""`` where something else came, or None at the end.

        What a model thinks, and keeps to itself, is no word: it has the time that a word has.
        """
        with _mapped_errors():
            async with asyncio.timeout(self._config.timeout_s):
                async for chunk in chunks:
                    text = reader.read(chunk)
                    if text is not None:
                        return text
        return None

    async def _chunks(self, request: ReplyRequest) -> AsyncGenerator[object]:
        """Yield the chunks of one answer as parsed JSON; closes the connection behind itself."""
        create: Any = self._client.chat.completions.create
        stream = await create(**_arguments(self._config, request), extra_headers=self._headers)
        async with stream:
            async for chunk in stream:
                yield chunk.model_dump(warnings=False)


def make_reply(config: ChatReplyConfig, api_key: str | None = None) -> ChatReply:
    """Return a reply by this server, not started.

    Raises:
        ProviderError: the package openai is not installed.
    """
    return ChatReply(config, api_key)


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), _PIECE_CHARACTERS):
        yield text[start : start + _PIECE_CHARACTERS]


def _arguments(config: ChatReplyConfig, request: ReplyRequest) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "model": config.model,
        "messages": chat_messages(request),
        "max_tokens": config.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if config.temperature is not None:
        arguments["temperature"] = config.temperature
    if tools := chat_tools(request.functions):
        arguments["tools"] = tools
    return arguments


def _headers(api_key: str) -> dict[str, Any] | None:
    """Return what keeps the SDK from sending a key where there is none."""
    if api_key:
        return None
    from openai import Omit

    return {"Authorization": Omit()}


def _make_client(config: ChatReplyConfig, api_key: str) -> AsyncOpenAI:
    try:
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient
    except ImportError as exc:
        raise ProviderError(
            PEER,
            "openai is not installed; it comes with: pip install 'voxgate[local]'",
            code="not_installed",
            retryable=False,
        ) from exc
    client = AsyncOpenAI(
        base_url=config.url,
        api_key=api_key or "none",
        max_retries=_CONNECT_ATTEMPTS - 1,
        timeout=config.timeout_s,
        # Redirects would carry the key, and what was said, to wherever they lead.
        http_client=DefaultAsyncHttpxClient(
            trust_env=not is_loopback(urlsplit(config.url).hostname or ""), follow_redirects=False
        ),
    )
    # The SDK takes these from the environment, where they are meant for OpenAI.
    client.organization = client.project = None
    return client


@contextlib.contextmanager
def _mapped_errors() -> Iterator[None]:
    """Turn whatever the client raises into errors of ours, without a word of the server's."""
    from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

    try:
        yield
    except ProviderError:
        raise
    except (TimeoutError, APITimeoutError) as exc:
        raise _error("took too long to answer", "timeout", retryable=True) from exc
    except APIConnectionError as exc:
        raise _error("can't be reached, or hung up", "connection_failed", retryable=True) from exc
    except APIStatusError as exc:
        status = exc.status_code
        raise _error(
            _MEANINGS.get(status, "refuses to answer"),
            f"http_{status}",
            retryable=status not in _FINAL_STATUSES,
        ) from exc
    except APIError as exc:
        raise _error("failed in an answer", "server_error", retryable=True) from exc
    except Exception as exc:
        raise _error("sent what is no chat", "malformed_stream", retryable=True) from exc


def _error(reason: str, code: str, *, retryable: bool) -> ProviderError:
    return ProviderError(PEER, f"the server {reason}", code=code, retryable=retryable)
