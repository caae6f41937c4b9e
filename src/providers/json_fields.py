"""Fields of a peer's JSON messages, each of the type that it should have, or none.

Invariant: nothing that a peer writes raises here, and no number comes out that arithmetic or a log
could stumble over.
"""

from __future__ import annotations

__all__ = [
    "MAX_COUNT",
    "JsonObject",
    "NotAnObject",
    "count_at",
    "number_at",
    "object_at",
    "parsed_object",
    "text_at",
]

import json
import math
from collections.abc import Mapping
from enum import StrEnum

JsonObject = Mapping[str, object]
"""A JSON object, whatever it holds."""

MAX_COUNT = 10**12
"""Largest count that is believed; Python does not even print integers of some 4,300 digits."""


class NotAnObject(StrEnum):
    """Why a message is no JSON object."""

    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"


def parsed_object(text: str | bytes) -> JsonObject | NotAnObject:
    """Return the object that a message is, or why it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return NotAnObject.NOT_JSON
    return value if isinstance(value, dict) else NotAnObject.NOT_AN_OBJECT


def object_at(parent: JsonObject, key: str) -> JsonObject:
    """Return the object under a key; an empty one where there is none."""
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def text_at(parent: JsonObject, key: str) -> str | None:
    """Return the text under a key, or None."""
    value = parent.get(key)
    return value if isinstance(value, str) else None


def count_at(parent: JsonObject, key: str) -> int:
    """Return the whole number under a key, 0 to :data:`MAX_COUNT`; 0 where there is none."""
    value = parent.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return value if 0 <= value <= MAX_COUNT else 0


def number_at(parent: JsonObject, key: str) -> float | None:
    """Return the number under a key if it is finite and not negative, or None."""
    value = parent.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0.0 else None
