"""What is known of a call: read from a configuration, or from the answer of an operator's system.

Invariant: an answer is bounded and all of it is text, or it is refused as a whole; no message shows
any of it.
"""

from __future__ import annotations

__all__ = ["MAX_ANSWER_BYTES", "NO_METADATA", "KnownCallTable", "parse_metadata"]

import json
from collections.abc import Mapping
from types import MappingProxyType

from ..errors import RemoteProtocolError
from .json_messages import is_unicode

MAX_ANSWER_BYTES = 16_384
"""Longest answer that is read."""

NO_METADATA: Mapping[str, str] = MappingProxyType({})
"""Nothing is known."""

_MAX_ENTRIES = 50
_MAX_NAME_CHARS = 100
_MAX_TEXT_CHARS = 500
_ANY_BEGINNING = "*"


def parse_metadata(body: bytes) -> Mapping[str, str]:
    """Return the metadata in an answer: a JSON object of texts; nothing at all is an empty one.

    Raises:
        RemoteProtocolError: if it is anything else, or too much.
    """
    if not body:
        return NO_METADATA
    if len(body) > MAX_ANSWER_BYTES:
        raise RemoteProtocolError(f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
    try:
        answer = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise RemoteProtocolError("the answer is not JSON") from None
    if not isinstance(answer, dict) or not all(map(_is_text, answer, answer.values())):
        raise RemoteProtocolError("the answer is not a JSON object of texts")
    if len(answer) > _MAX_ENTRIES or not all(map(_is_short, answer, answer.values())):
        raise RemoteProtocolError("the answer has too many entries, or too long ones")
    return MappingProxyType(answer)


def _is_text(name: str, value: object) -> bool:
    return isinstance(value, str) and is_unicode(name + value)


def _is_short(name: str, text: str) -> bool:
    return 0 < len(name) <= _MAX_NAME_CHARS and len(text) <= _MAX_TEXT_CHARS


class KnownCallTable:
    """Metadata that the configuration has, by the id of a call or by the end of an id.

    Args:
        calls: Metadata by id, or by ``*`` and the last characters of one; in any case of letters.
    """

    def __init__(self, calls: Mapping[str, Mapping[str, str]]) -> None:
        known = {call_id.lower(): dict(metadata) for call_id, metadata in calls.items()}
        self._by_id = {key: value for key, value in known.items() if key[0] != _ANY_BEGINNING}
        endings = {key[1:]: value for key, value in known.items() if key not in self._by_id}
        self._by_ending = dict(sorted(endings.items(), key=lambda item: -len(item[0])))

    def metadata_of(self, call_id: str) -> Mapping[str, str]:
        """Return what is known of a call: by its id, else by the longest end that fits."""
        wanted = call_id.lower()
        if wanted in self._by_id:
            return MappingProxyType(self._by_id[wanted])
        fitting = (data for end, data in self._by_ending.items() if wanted.endswith(end))
        return MappingProxyType(next(fitting, {}))
