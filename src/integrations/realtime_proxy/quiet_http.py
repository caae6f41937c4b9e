"""Keeps aiohttp from logging what a client's request holds, and nothing else from being logged.

Browsers put their keys into the subprotocols that they offer, everybody else into headers.
Invariant: what aiohttp logs of an application's other servers and clients is left alone.
"""

from __future__ import annotations

__all__ = ["library_log", "offering"]

import logging

from aiohttp import http_exceptions, web
from multidict import CIMultiDict

_SUBPROTOCOLS = "Sec-WebSocket-Protocol"


def offering(request: web.Request, subprotocol: str | None) -> web.Request:
    """Return a request that offers one subprotocol, or none.

    aiohttp logs all that are offered where none of them is taken.
    """
    headers = CIMultiDict(request.headers)
    headers.popall(_SUBPROTOCOLS, None)
    if subprotocol is not None:
        headers[_SUBPROTOCOLS] = subprotocol
    return request.clone(headers=headers)


def library_log() -> logging.Logger:
    """Return a logger of our own for aiohttp's errors, but for those of who speaks no HTTP.

    They quote the line that is wrong, which may be the one with the key.
    """
    logger = logging.getLogger(__name__)
    logger.addFilter(_is_of_our_own)
    return logger


def _is_of_our_own(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, http_exceptions.HttpProcessingError | web.RequestPayloadError)
