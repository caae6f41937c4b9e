"""How a configured value is written in messages. Invariant: a secret never is."""

from __future__ import annotations

__all__ = ["REDACTED", "is_secret_key", "is_secret_text", "shown_value"]

import re

REDACTED = "***"
"""Stands for a value that must not be printed."""

_MAX_SHOWN = 60
"""Characters of a text that a message shows."""

_SECRET_KEY = re.compile(
    r"(?:^|[^a-z])(?:api_?key|access_?key|key|token|password|passwd|passphrase|secret|credentials?"
    r"|authorization)(?:_?value)?$"
)
_SECRET_TEXT = re.compile(
    r"\bsk-[\w-]{16,}"  # a key as OpenAI and others write them
    r"|://[^/\s@]+@"  # user and password in an address
    r"|[?&](?:api[_-]?key|token|access_token|password|secret)=[^&\s]",
    re.IGNORECASE,
)
_CAMEL_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def is_secret_key(key: str) -> bool:
    """Return whether a key's name says that its value is a secret: ``api_key``, ``authToken``."""
    words = _CAMEL_HUMP.sub("_", key).lower().replace("-", "_")
    return bool(_SECRET_KEY.search(words))


def is_secret_text(value: object) -> bool:
    """Return whether a value looks like a secret, whatever its key."""
    return isinstance(value, str) and bool(_SECRET_TEXT.search(value))


def shown_value(value: object, key: str = "") -> str:
    """Return a value as a message shows it: one line, short, as YAML writes it, no secret."""
    if is_secret_key(key.removesuffix("_env")) or is_secret_text(value):
        return REDACTED
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return _shortened(str(value))
    if isinstance(value, str):
        return repr(_shortened(str(value)))
    return "a list" if isinstance(value, (list, tuple)) else "a section"


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
