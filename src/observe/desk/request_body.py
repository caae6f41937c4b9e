"""The JSON object in the body of a request: short, in time, and really JSON.

Invariant: what is read is bounded, in bytes and in time, whatever a peer announces.
"""

from __future__ import annotations

__all__ = ["MAX_BODY_BYTES", "parse_object", "read_object"]

import asyncio
import json
from typing import Any

from starlette.requests import ClientDisconnect, Request

from .refusal import Refusal

MAX_BODY_BYTES = 65_536
"""Longest body: many times the form with every threshold."""

_TIMEOUT_S = 10.0
"""How long a body may take to come, in s."""
_JSON = "application/json"


async def read_object(request: Request) -> dict[str, Any]:
    """Return the object in a request's body.

    Raises:
        Refusal: it is no JSON object, too long, or does not come.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _JSON:
        raise Refusal(415, "bad_request", f"The body must be {_JSON}.")
    body = bytearray()
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise Refusal(413, "bad_request", "The body is too long.")
    except TimeoutError:
        raise Refusal(408, "bad_request", "The body did not come in time.") from None
    except ClientDisconnect:
        raise Refusal(400, "bad_request", "The body did not come whole.") from None
    return parse_object(bytes(body))


def parse_object(body: bytes | str) -> dict[str, Any]:
    """Return the JSON object in a text.

    Raises:
        Refusal: it is none, or holds numbers that are none (NaN, Infinity) or text that is none
            (half of a character, which no answer could name).
    """
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Refusal(400, "bad_request", "The body is not JSON.") from None
    if not isinstance(value, dict):
        raise Refusal(400, "bad_request", "The body is not a JSON object.")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(name)
