"""Messages with something wrong in them, made of messages that are right: seeded, so they recur."""

from __future__ import annotations

__all__ = ["mutated"]

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

_ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, 10**30, "", "\x00", "\ud800", "x" * 300, [], {}, [[]],
    [None], {"type": "Welcome"}, ["user"], "user", "Error",
)  # fmt: skip


def mutated(originals: Sequence[str], rng: np.random.Generator) -> str | bytes:
    """Return one of the originals, changed one to four times."""
    text = originals[rng.integers(len(originals))]
    for _ in range(rng.integers(1, 5)):
        change = _CHANGES[rng.integers(len(_CHANGES))]
        text = change(text, rng)
    return text.encode("utf-8", "surrogatepass") if rng.random() < 0.05 else text


def _flip(text: str, rng: np.random.Generator) -> str:
    if not text:
        return "\x00"
    at = int(rng.integers(len(text)))
    return text[:at] + chr(int(rng.integers(1, 0x250))) + text[at + 1 :]


def _cut(text: str, rng: np.random.Generator) -> str:
    start, end = sorted(int(at) for at in rng.integers(0, len(text) + 1, 2))
    return text[:start] + text[end:]


def _double(text: str, rng: np.random.Generator) -> str:
    start, end = sorted(int(at) for at in rng.integers(0, len(text) + 1, 2))
    return text[:end] + text[start:]


def _swap_value(text: str, rng: np.random.Generator) -> str:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return json.dumps(_with_odd_value(message, rng))


def _with_odd_value(value: Any, rng: np.random.Generator) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = list(value)[rng.integers(len(value))]
        return {**value, key: _with_odd_value(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = int(rng.integers(len(value)))
        return [*value[:at], _with_odd_value(value[at], rng), *value[at + 1 :]]
    return _ODD_VALUES[rng.integers(len(_ODD_VALUES))]


_CHANGES: tuple[Callable[[str, np.random.Generator], str], ...] = (
    _flip, _cut, _double, _swap_value, _swap_value, _swap_value,
)  # fmt: skip
