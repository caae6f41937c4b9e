"""JSON text messages of a peer, read without trust: what lines over WebSockets have in common.

Invariant: what is wrong with a message is a :class:`~voxgate.errors.RemoteProtocolError` that
repeats nothing of it, and no message, however it is made, raises anything else.
"""

from __future__ import annotations

__all__ = [
    "DTMF_DIGITS",
    "is_unicode",
    "number_in",
    "parse_object",
    "section_in",
    "serialize_object",
    "shown_name",
    "text_in",
    "texts_in",
]

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..errors import RemoteProtocolError

DTMF_DIGITS = frozenset("0123456789*#ABCD")
"""The keys of a telephone."""

_MAX_NUMBER = 2**53
"""Where JSON's own numbers end to be exact: 285,000 years in ms."""

_DIGITS_ONLY = re.compile(r"[0-9]{1,16}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def parse_object(text: str, max_chars: int) -> Mapping[str, Any]:
    """Return the object that a message is.

    Raises:
        RemoteProtocolError: if it is longer than ``max_chars``, no JSON, or no object.
    """
    if len(text) > max_chars:
        raise RemoteProtocolError(f"a message of {len(text)} characters; {max_chars} is all")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise RemoteProtocolError("a message is not JSON") from None
    if not isinstance(message, dict):
        raise RemoteProtocolError("a message is not a JSON object")
    return message


def serialize_object(message: Mapping[str, Any]) -> str:
    """Return a message as text, without spaces."""
    return json.dumps(message, separators=(",", ":"))


def section_in(message: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object within a message.

    Raises:
        RemoteProtocolError: if there is none.
    """
    section = message.get(name)
    if not isinstance(section, dict):
        raise RemoteProtocolError(f"{name} is not an object")
    return section


def text_in(section: Mapping[str, Any], key: str) -> str:
    """Return a text; ``key`` is the full one, of which the last part is the field's.

    Raises:
        RemoteProtocolError: if it is none.
    """
    value = section.get(_field(key))
    if not isinstance(value, str):
        raise RemoteProtocolError(f"{key} is not text")
    return value


def number_in(section: Mapping[str, Any], key: str) -> int | None:
    """Return a whole number that stands as text or as a number; None where there is none.

    Raises:
        RemoteProtocolError: if it is something else, negative, or above 2^53.
    """
    value = section.get(_field(key))
    if value is None:
        return None
    if isinstance(value, str) and _DIGITS_ONLY.fullmatch(value):
        value = int(value)
    if type(value) is not int or not 0 <= value <= _MAX_NUMBER:
        raise RemoteProtocolError(f"{key} is not a whole number in 0..2^53")
    return value


def texts_in(section: Mapping[str, Any], key: str, max_texts: int) -> Mapping[str, str]:
    """Return an object of texts; an empty one where there is none.

    Raises:
        RemoteProtocolError: if it is something else, or has more than ``max_texts``.
    """
    texts = section.get(_field(key)) or {}
    if not isinstance(texts, dict) or len(texts) > max_texts:
        raise RemoteProtocolError(f"{key} is not an object of at most {max_texts} texts")
    for name, value in texts.items():
        if not isinstance(value, str) or not is_unicode(name + value):
            raise RemoteProtocolError(f"{key} holds what is not text")
    return MappingProxyType(dict(texts))


def is_unicode(text: str) -> bool:
    """Say whether a text can be written: JSON lets half of a surrogate pair stand alone."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def shown_name(name: str, otherwise: str) -> str:
    """Return a name fit for a log: nothing but plain letters, and not many."""
    return name if _NAME.fullmatch(name) else otherwise


def _field(key: str) -> str:
    return key.rpartition(".")[2]
