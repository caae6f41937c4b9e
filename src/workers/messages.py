"""What parent and worker say to each other.

The parent says single bytes, by the socket that hands over connections, so that what is said comes
in order with them. The worker answers with JSON objects, one a line, by a socket of its own.
Invariant: a line that is no message of this version is an error here, never half a message.
"""

from __future__ import annotations

__all__ = [
    "DRAIN",
    "MAX_LINES",
    "RELOAD",
    "SHOW_METRICS",
    "SHOW_OPEN_METRICS",
    "FromWorker",
    "parse_message",
    "serialize_message",
]

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..errors import LocalProtocolError

MAX_LINES = 64
"""Bytes below it hand over a connection of the line with that number, in the order of the
configuration."""
DRAIN = 0x80
"""Take no more calls, and end when those that run have; said again: end them."""
RELOAD = 0x81
"""Read the configuration's file anew."""
SHOW_METRICS = 0x82
"""Answer with the metrics as Prometheus text."""
SHOW_OPEN_METRICS = 0x83
"""Answer with the metrics as OpenMetrics."""


class FromWorker(StrEnum):
    """What a worker says."""

    READY = "ready"
    """It takes calls."""
    REPORT = "report"
    """How many calls and connections it has; every second, and when a connection has ended."""
    METRICS = "metrics"
    """The metrics, as they were asked for."""
    CHANGED = "changed"
    """Its desk has written the configuration's file: the others are to read it."""
    FAILED = "failed"
    """It can't start, and why."""


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that a worker said."""

    kind: FromWorker
    """Which."""
    fields: Mapping[str, Any]
    """More of it."""


def serialize_message(kind: FromWorker, **fields: Any) -> bytes:
    """Return a message as a line."""
    return json.dumps({"kind": kind.value, **fields}).encode() + b"\n"


def parse_message(line: bytes) -> Message:
    """Return the message in a line.

    Raises:
        LocalProtocolError: there is none.
    """
    try:
        fields = json.loads(line)
        kind = FromWorker(fields.pop("kind"))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise LocalProtocolError("a worker says what no worker says") from error
    return Message(kind, fields)
