"""Asks an operator's own systems about a call, and to transfer it, by HTTP.

Invariant: nothing here ends a call, and neither what was asked nor what was answered is in an
error; an answer is never followed to another address, which would take the token with it.
"""

from __future__ import annotations

__all__ = ["CallHooks"]

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from ..config.hook_models import CALL_ID_FIELD, CallHooksConfig
from ..errors import ConfigError, ConfigProblem, RemoteProtocolError, TransportError
from .base import Transfer
from .call_metadata import MAX_ANSWER_BYTES, NO_METADATA, parse_metadata

if TYPE_CHECKING:
    import aiohttp

_SUCCESS = range(200, 300)
_NO_CONTENT = 204


class CallHooks:
    """The hooks of one line.

    Args:
        config: Addresses and times.
        environ: Where the token is read from, by the name that the configuration gives.
        section: Full key of the configuration, for errors.

    Raises:
        ConfigError: if the token's variable is named and not set, or aiohttp is missing.
    """

    def __init__(
        self, config: CallHooksConfig, environ: Mapping[str, str], *, section: str
    ) -> None:
        if config.metadata_url or config.transfer_url:
            _require_aiohttp(section)
        self._config = config
        self._headers = _headers(config, environ, section)
        self._session: aiohttp.ClientSession | None = None

    async def fetch_metadata(self, call_id: str) -> Mapping[str, str]:
        """Return what the operator's system knows of a call; nothing where it is not to be asked.

        Raises:
            TransportError: if there is no usable answer in time; ``code`` says why.
        """
        url = self._config.metadata_url
        if url is None:
            return NO_METADATA
        status, body = await self._request("GET", url, call_id, self._config.metadata_timeout_s)
        try:
            return NO_METADATA if status == _NO_CONTENT else parse_metadata(body)
        except RemoteProtocolError as error:
            raise _failure(url, str(error), code="bad_answer") from None

    def transfer_of(self, call_id: str) -> Transfer | None:
        """Return what transfers a call; None where the configuration has no address for it."""
        url = self._config.transfer_url
        if url is None:
            return None

        async def transfer(target: str) -> None:
            payload = {"call_id": call_id, "target": target}
            timeout_s = self._config.transfer_timeout_s
            await self._request("POST", url, call_id, timeout_s, payload)

        return transfer

    async def close(self) -> None:
        """Close what is open; idempotent."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _request(
        self,
        method: str,
        url: str,
        call_id: str,
        timeout_s: float,
        payload: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Return status and body of a good answer.

        Raises:
            TransportError: if there is none in time, or its status is not 2xx.
        """
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers, cookie_jar=aiohttp.DummyCookieJar()
            )
        try:
            async with self._session.request(
                method,
                url.replace(CALL_ID_FIELD, quote(call_id, safe="")),
                json=payload,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_s),
            ) as response:
                if response.status not in _SUCCESS:
                    raise _failure(url, "the answer is no success", code=f"http_{response.status}")
                return response.status, await _bounded_body(response)
        except TimeoutError:
            raise _failure(url, f"no answer in {timeout_s:g} s", code="timeout") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failure(url, type(error).__name__, code="unreachable") from None


async def _bounded_body(response: aiohttp.ClientResponse) -> bytes:
    """Return the body, or its beginning and one byte more than is allowed."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(MAX_ANSWER_BYTES + 1):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            break
    return bytes(body[: MAX_ANSWER_BYTES + 1])


def _failure(url: str, reason: str, *, code: str) -> TransportError:
    host = urlsplit(url).netloc
    return TransportError(f"hook at {host}", reason, code=code, retryable=False)


def _headers(
    config: CallHooksConfig, environ: Mapping[str, str], section: str
) -> Mapping[str, str]:
    if config.token_env is None:
        return {}
    token = environ.get(config.token_env, "").strip()
    if token and token.isascii() and token.isprintable():
        return {"Authorization": f"Bearer {token}"}
    rule = f"is not set, or is no token; {section}.token_env names it"
    raise _problem(config.token_env, rule, "environment")


def _require_aiohttp(section: str) -> None:
    try:
        import_module("aiohttp")
    except ImportError:
        rule = "needs the package aiohttp: pip install 'voxgate[server]'"
        raise _problem(section, rule, "configuration") from None


def _problem(key: str, rule: str, source: str) -> ConfigError:
    return ConfigError([ConfigProblem(key=key, value="", rule=rule, source=source)])
