"""Decides by the request of the upgrade whether a session begins, as the cloud does.

A wrong key or the retired beta header is not an HTTP error there: the connection opens, one error
event says why, and a close code in the private range follows.

Invariant: a refusal never repeats the key that was given.
"""

from __future__ import annotations

__all__ = ["PATH", "Admitted", "Refused", "admit"]

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from . import server_events as build
from .request_error import RequestError
from .server_events import Event

PATH = "/v1/realtime"
"""The only path that is served."""

_CLOSE_BAD_REQUEST = 4000
_CLOSE_BAD_KEY = 3000


@dataclass(frozen=True, slots=True)
class Admitted:
    """A session begins."""

    model: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Send the event, then close."""

    event: Event
    close_code: int
    close_reason: str


def admit(
    target: str, headers: Mapping[str, str], *, expected_api_key: str | None = None
) -> Admitted | Refused:
    """Return whether a session begins.

    Args:
        target: Path and query of the request.
        headers: Its headers, by lower-case name.
        expected_api_key: The key to ask for; None: any will do, or none.
    """
    if "realtime=v1" in headers.get("openai-beta", "").replace(" ", ""):
        return _refused(
            "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API.",
            "beta_api_shape_disabled",
        )
    if expected_api_key is not None and not _has_key(headers, expected_api_key):
        return _refused("Incorrect API key provided.", "invalid_api_key", code=_CLOSE_BAD_KEY)
    query = parse_qs(urlsplit(target).query)
    model = query.get("model", query.get("deployment", [""]))[-1]  # Azure names deployments
    if not model:
        return _refused(
            "You must provide a model parameter, for example "
            f"ws://127.0.0.1{PATH}?model=gpt-realtime",
            "missing_model",
        )
    return Admitted(model)


def _has_key(headers: Mapping[str, str], expected: str) -> bool:
    """Return whether the key is there, as OpenAI's clients show it or as Azure's do."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    is_bearer = scheme.lower() == "bearer"
    shown = key.strip() if is_bearer else headers.get("api-key", "")
    return hmac.compare_digest(_bytes(shown), _bytes(expected))


def _bytes(text: str) -> bytes:
    """Return a header's text as it came: what is no ASCII in it stands as half characters."""
    return text.encode("utf-8", "surrogateescape")


def _refused(message: str, error_code: str, *, code: int = _CLOSE_BAD_REQUEST) -> Refused:
    event = build.error(RequestError(message, code=error_code))
    event["event_id"] = "event_refused"
    return Refused(event, code, f"invalid_request_error.{error_code}")
