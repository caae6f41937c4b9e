"""Frozen models as what JSON can say, and back, by the annotations of their fields.

Invariant: what is read equals what was written; a field that a later version added is left out, one
that it dropped has its default.
"""

from __future__ import annotations

__all__ = ["from_plain", "is_time", "number_of", "text_of", "time_of", "to_plain", "whole_of"]

import types
from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

_Model = TypeVar("_Model")

_NOT_FINITE = ("inf", "-inf", "nan")
"""How JSON is told numbers that it does not have."""

_MAX_TIME_MS = 1e12
"""Thirty years: no machine's monotonic clock is further."""


def to_plain(value: Any) -> Any:
    """Return a model, or a value of one, as dictionaries, lists, text, numbers and None."""
    if is_dataclass(value):
        given = _given(cast("Hashable", type(value)))
        return {name: to_plain(getattr(value, name)) for name in given}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.value if isinstance(value, StrEnum) else value


def from_plain(model: type[_Model], tree: Any) -> _Model:
    """Return the model that a tree stands for.

    Raises:
        ValueError, TypeError: it stands for none.
    """
    value: _Model = _value(model, tree)
    return value


def _value(hint: Any, tree: Any) -> Any:
    """Return the value of an annotation that a tree stands for."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _value(arguments[0], tree)
    if origin in (Union, types.UnionType):
        return None if tree is None else _value(_not_none(arguments), tree)
    if origin is tuple:
        return tuple(_value(arguments[0], item) for item in _checked(tree, list))
    if origin is Mapping:
        return {key: _value(arguments[1], item) for key, item in _checked(tree, dict).items()}
    return _member(hint, tree)


def _member(hint: Any, tree: Any) -> Any:
    if not isinstance(hint, type):
        return tree
    if is_dataclass(hint):
        hints, known = _hints(hint), _given(hint)
        given = _checked(tree, dict).items()
        return hint(**{name: _value(hints[name], item) for name, item in given if name in known})
    if issubclass(hint, StrEnum):
        return hint(tree)
    if hint is datetime:
        return datetime.fromisoformat(_checked(tree, str))
    return number_of(tree) if hint is float else _checked(tree, hint)


def number_of(tree: Any) -> float:
    """Return the number that a tree stands for; one that JSON does not have is text there.

    Raises:
        TypeError: it stands for none.
    """
    if isinstance(tree, str) and tree in _NOT_FINITE:
        return float(tree)
    if isinstance(tree, bool):
        raise TypeError("true or false is not a number")
    number: float = _checked(tree, (int, float))
    return number


def whole_of(tree: Any) -> int:
    """Return the whole number that a tree is.

    Raises:
        TypeError: it is none.
    """
    if isinstance(tree, bool) or not isinstance(tree, int):
        raise TypeError(f"{type(tree).__name__} is not a whole number")
    return tree


def text_of(tree: Any) -> str:
    """Return the text that a tree is.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(tree, str):
        raise TypeError(f"{type(tree).__name__} is not text")
    return tree


def is_time(tree: Any) -> bool:
    """Return whether that is a time that a clock can show, in ms, or None."""
    if isinstance(tree, bool) or not isinstance(tree, int | float):
        return tree is None
    return abs(tree) <= _MAX_TIME_MS


def time_of(tree: Any) -> float:
    """Return the time that a tree is, in ms.

    Raises:
        TypeError: it is none that a clock can show.
    """
    if tree is None or not is_time(tree):
        raise TypeError(f"{type(tree).__name__} is no time")
    time_ms: float = tree
    return time_ms


def _not_none(arguments: tuple[Any, ...]) -> Any:
    """Return the one alternative to None; several plain ones are left as they are."""
    others = [argument for argument in arguments if argument is not types.NoneType]
    return others[0] if len(others) == 1 else object


def _checked(tree: Any, kind: Any) -> Any:
    if not isinstance(tree, kind):
        raise TypeError(f"{type(tree).__name__} is not what stands there")
    return tree


@cache
def _given(model: Any) -> tuple[str, ...]:
    """Return the fields that a model is made of; what it works out by itself is not written."""
    return tuple(field.name for field in fields(model) if field.init)


@cache
def _hints(model: Hashable) -> Mapping[str, Any]:
    return get_type_hints(model, include_extras=True)
