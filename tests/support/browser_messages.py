"""The messages of the browser line, as a page sends them."""

from __future__ import annotations

__all__ = ["RATE_HZ", "dtmf", "gap", "hangup", "mutated", "played", "start"]

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from support.message_fuzz import mutated as mutated_text

RATE_HZ = 16_000


def start(
    parameters: Mapping[str, str] | None = None, token: str | None = None, **fields: Any
) -> dict[str, Any]:
    """Return the first message."""
    message: dict[str, Any] = {"type": "start", "rate_hz": RATE_HZ}
    if parameters is not None:
        message["parameters"] = dict(parameters)
    if token is not None:
        message["token"] = token
    return {**message, **fields}


def played(frames: int, flush: int = 0) -> dict[str, Any]:
    """Return a report of what was played since a flush."""
    return {"type": "played", "frames": frames, "flush": flush}


def gap(samples: int) -> dict[str, Any]:
    """Return what says that samples were captured and are not sent."""
    return {"type": "gap", "samples": samples}


def dtmf(digit: str) -> dict[str, Any]:
    """Return a key press."""
    return {"type": "dtmf", "digit": digit}


def hangup() -> dict[str, Any]:
    """Return the last message."""
    return {"type": "hangup"}


_ORIGINALS = tuple(
    json.dumps(message)
    for message in (
        start({"page": "desk"}, token="t"),  # noqa: S106 - nobody's
        played(7, 1),
        gap(320),
        dtmf("5"),
        hangup(),
    )
)


def mutated(rng: np.random.Generator) -> str | bytes:
    """Return a message with something wrong in it, or audio of any length."""
    if rng.random() < 0.1:
        return rng.bytes(int(rng.integers(0, 700)))
    return mutated_text(_ORIGINALS, rng)
