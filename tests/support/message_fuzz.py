"""Messages with something wrong in them, made of messages that are right: seeded, so they recur."""

from __future__ import annotations

__all__ = ["mutated", "swapped"]

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

_ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, 10**30, 10**400, 10**4299, float("inf"), float("nan"), "",
    "\x00", "\ud800", "x" * 300, "gICA", "gIC", "g=", [], {}, [[]], [None], {"type": "Welcome"},
    ["user"], "user", "Error",
)  # fmt: skip

_NESTING = 0.02
"""How often a change is deep nesting, which takes long to parse."""

_DEPTHS = (3, 100, 900, 1100, 20_000)


def mutated(originals: Sequence[str], rng: np.random.Generator) -> str | bytes:
    """Return one of the originals, changed one to four times; half of them are JSON still."""
    text = originals[rng.integers(len(originals))]
    changes = _CHANGES if rng.random() < 0.5 else _CHANGES_IN_JSON
    for _ in range(rng.integers(1, 5)):
        change = _nest if rng.random() < _NESTING else changes[rng.integers(len(changes))]
        text = change(text, rng)
    return text.encode("utf-8", "surrogatepass") if rng.random() < 0.05 else text


def swapped(originals: Sequence[str], rng: np.random.Generator) -> str:
    """Return one of the originals, in which one value is another: what is wrong lies deep."""
    return _swap_value(originals[rng.integers(len(originals))], rng)


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
        return json.dumps(_with_odd_value(json.loads(text), rng))
    except (ValueError, RecursionError):
        return text


def _with_odd_value(value: Any, rng: np.random.Generator) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = list(value)[rng.integers(len(value))]
        return {**value, key: _with_odd_value(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = int(rng.integers(len(value)))
        return [*value[:at], _with_odd_value(value[at], rng), *value[at + 1 :]]
    return _ODD_VALUES[rng.integers(len(_ODD_VALUES))]


def _nest(text: str, rng: np.random.Generator) -> str:
    """Put a value somewhere that is nested as deeply as a parser can stand, or deeper."""
    depth = int(_DEPTHS[rng.integers(len(_DEPTHS))])
    opening, closing = (("[", "]"), ('{"a":', "}"))[rng.integers(2)]
    deep = f"{opening * depth}1{closing * depth}"
    head, colon, tail = text.rpartition(":")
    return f"{head}{colon}{deep},{tail}" if rng.random() < 0.5 else f'{{"a":{deep},{text[1:]}'


def _repeat_key(text: str, rng: np.random.Generator) -> str:
    """Say of one key twice what it is; the last word counts, as JSON has it."""
    try:
        message = json.loads(text)
        whole = json.dumps(message)
    except (ValueError, RecursionError):
        return text
    if not isinstance(message, dict) or not message:
        return text
    key = list(message)[rng.integers(len(message))]
    again = json.dumps({key: _ODD_VALUES[rng.integers(len(_ODD_VALUES))]})
    return f"{whole[:-1]},{again[1:]}"


_Change = Callable[[str, np.random.Generator], str]
_CHANGES_IN_JSON: tuple[_Change, ...] = (_repeat_key, _swap_value, _swap_value, _swap_value)
_CHANGES: tuple[_Change, ...] = (_flip, _flip, _cut, _double, *_CHANGES_IN_JSON)
