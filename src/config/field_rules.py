"""What a field of a configuration model may hold, and the words that say when it does not.

The rules are the annotations of the models: intervals and lengths of annotated-types, enums,
literals, and :class:`Pattern`. Invariant: a value refused when a model is built in code is refused,
in the same words, when it comes from a file.
"""

from __future__ import annotations

__all__ = ["Pattern", "TaggedBy", "broken_rule", "check_fields", "type_hints"]

import re
import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Interval, Len

from .shown_value import shown_value


@dataclass(frozen=True, slots=True)
class Pattern:
    """Text that matches a regular expression as a whole."""

    regex: str
    """What the whole text is; without look-around, which the validator's engine lacks."""
    rule: str
    """Words for text that does not match, such as ``is not a host name``."""
    judge: Callable[[str], str] | None = None
    """What an expression can't say of a text: the rule that it breaks, or ``""``; asked first."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Let the validator, and the JSON schema it writes, enforce the expression."""
        schema = {**handler(source), "pattern": f"^(?:{self.regex})$"}
        if self.judge is None:
            return schema
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self._judged, schema)

    def _judged(self, text: str) -> str:
        """Return a text as it is, or let the validator refuse it beside everything else."""
        if self.judge is not None and (rule := self.judge(text)):
            from pydantic_core import PydanticCustomError

            raise PydanticCustomError("broken_rule", "{rule}", {"rule": rule})
        return text


@dataclass(frozen=True, slots=True)
class TaggedBy:
    """A union of models told apart by a literal field that each of them has."""

    field_name: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Let the validator choose the model by its tag, so that errors are of that model only."""
        from pydantic_core import core_schema

        choices = {tag: handler.generate_schema(model) for tag, model in self.models(source)}
        return core_schema.tagged_union_schema(choices, discriminator=self.field_name)

    def models(self, union: Any) -> tuple[tuple[str, type], ...]:
        """Return tag and model of every member of ``union``."""
        return tuple(
            (get_args(type_hints(model)[self.field_name])[0], model) for model in get_args(union)
        )


def type_hints(model: Any) -> Mapping[str, Any]:
    """Return the resolved annotations of a dataclass by field name, constraints included."""
    return _type_hints(model)


@cache
def _type_hints(model: Hashable) -> Mapping[str, Any]:
    return get_type_hints(model, include_extras=True)


def check_fields(model: Any) -> None:
    """Raise ValueError for the first field of a dataclass that breaks its annotation."""
    for field in fields(model):
        value = getattr(model, field.name)
        rule = broken_rule(value, type_hints(type(model))[field.name])
        if rule:
            raise ValueError(f"{field.name}: {shown_value(value, field.name)} {rule}")


def broken_rule(value: object, hint: Any) -> str:
    """Return what ``value`` breaks of an annotation, such as ``is not in 0..10``, or ``""``."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        rules = [broken_rule(value, arguments[0])]
        rules += [_broken_constraint(value, rule) for rule in arguments[1:] if not rules[0]]
        return next(filter(None, rules), "")
    if origin in (Union, types.UnionType):
        rules = [broken_rule(value, member) for member in arguments]
        return "" if "" in rules else rules[0]
    if origin is Literal:
        return "" if value in arguments else _not_one_of(arguments)
    return _broken_type(value, origin or hint)


def _broken_type(value: object, expected: Any) -> str:
    if isinstance(expected, type) and issubclass(expected, StrEnum):
        names = tuple(member.value for member in expected)
        return "" if isinstance(value, str) and value in names else _not_one_of(names)
    if expected is Mapping or is_dataclass(expected):
        is_section = isinstance(value, Mapping) or type(value) is expected
        return "" if is_section else "is not a section with keys"
    accepted, rule = _PLAIN_TYPES[expected]
    is_accepted = isinstance(value, accepted) and (expected is bool or not isinstance(value, bool))
    return "" if is_accepted else rule


_PLAIN_TYPES: Mapping[Any, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "is not true or false"),
    int: ((int,), "is not a whole number"),
    float: ((int, float), "is not a number"),
    str: ((str,), "is not text"),
    tuple: ((tuple, list), "is not a list"),
    types.NoneType: ((types.NoneType,), "is not null"),
}


def _broken_constraint(value: Any, constraint: object) -> str:
    if isinstance(constraint, Interval) and not constraint.ge <= value <= constraint.le:
        return f"is not in {constraint.ge}..{constraint.le}"
    if isinstance(constraint, Len) and not constraint.min_length <= len(value):
        return "is too short" if value else "is empty"
    if isinstance(constraint, Len) and len(value) > (constraint.max_length or len(value)):
        return f"is longer than {constraint.max_length} characters"
    return _broken_pattern(value, constraint) if isinstance(constraint, Pattern) else ""


def _broken_pattern(text: str, pattern: Pattern) -> str:
    rule = pattern.judge(text) if pattern.judge else ""
    return rule or ("" if re.fullmatch(pattern.regex, text) else pattern.rule)


def _not_one_of(names: tuple[Any, ...]) -> str:
    return f"is not one of {', '.join(map(str, names))}"
