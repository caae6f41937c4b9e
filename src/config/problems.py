"""The validator's errors in the words of an operator: full key, value, rule, source.

Invariant: the wording comes from the annotations of the models, never from the validator's text, so
that it is the same for a model built in code, and stays when the validator is updated.
"""

from __future__ import annotations

__all__ = ["model_problems"]

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from ..errors import ConfigProblem
from .environment import Overrides
from .field_rules import TaggedBy, broken_rule, type_hints
from .models import AppConfig
from .shown_value import shown_value
from .suggestion import known_names
from .yaml_document import Path, Tree, dotted

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_NAMED_FIELD = re.compile(r"([a-z_][\w.-]*(?:\[\d+\][\w.-]*)*): (.+)", re.DOTALL)
"""The text of a ``__post_init__`` error: the field, relative to its model, and the rule."""


def model_problems(
    errors: list[ErrorDetails], tree: Tree, overrides: Overrides, source: str
) -> list[ConfigProblem]:
    """Return the problems that the validator found in ``tree``, in its order."""
    problems = []
    unknown = {error["loc"][:-1] for error in errors if _is_about_key(error)}
    for error in errors:
        if error["type"] == "missing" and error["loc"][:-1] in unknown:
            continue  # only the policy of a known kind was completed with defaults
        path, value, rule = _judge(error, tree)
        problems.append(
            ConfigProblem(
                key=dotted(path), value=value, rule=rule, source=overrides.source_of(path, source)
            )
        )
    return problems


def _judge(error: ErrorDetails, tree: Tree) -> tuple[Path, str, str]:
    """Return path, shown value and rule of one error of the validator."""
    raw = error["input"]
    if _is_about_key(error):
        path, _, owner = _locate(error["loc"][:-1])
        return path, "", broken_rule(raw, get_args(owner)[0])
    path, hint, owner = _locate(error["loc"])
    match error["type"]:
        case "unexpected_keyword_argument":
            return path, "", f"is not a known key; {_known_keys(path, owner)}"
        case "missing":
            return path, "", "is missing"
        case "union_tag_not_found" | "union_tag_invalid":
            return _judge_tag(path, hint, raw)
        case "value_error":
            return _judge_model(path, str(error.get("ctx", {}).get("error", "")), tree)
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    rule = broken_rule(raw, hint) or f"is refused: {error['msg']}"
    if rule == "is not text" and isinstance(raw, (int, float)):
        rule += ": put it in quotes"
    return path, shown_value(raw, key), rule


def _is_about_key(error: ErrorDetails) -> bool:
    """Return whether a key of a mapping is refused, not what it holds; ``loc`` ends in a mark."""
    if error["loc"][-1:] != ("[key]",) or error["type"] == "unexpected_keyword_argument":
        return False
    _, _, owner = _locate(error["loc"][:-1])
    return get_origin(owner) is Mapping  # else it is a key that is spelled like the mark


def _judge_tag(path: Path, hint: Any, raw: Mapping[str, Any]) -> tuple[Path, str, str]:
    tags = [tag for tag, _ in _tagged_by(hint).models(get_args(hint)[0])]
    field_name = _tagged_by(hint).field_name
    if field_name not in raw:
        return (*path, field_name), "", f"is missing; known: {', '.join(tags)}"
    value = raw[field_name]
    names = known_names(value, tags) if isinstance(value, str) else f"known: {', '.join(tags)}"
    return (*path, field_name), shown_value(value), f"is not a known kind; {names}"


def _judge_model(path: Path, text: str, tree: Tree) -> tuple[Path, str, str]:
    """Split what a model says of itself, such as ``min_ms: 20 is below ...``."""
    named = _NAMED_FIELD.fullmatch(text)
    if not named:
        return path, "", text
    path = (*path, *_parts(named[1]))
    key = path[-1] if isinstance(path[-1], str) else ""
    value = shown_value(_value_at(tree, path), key)
    rest = named[2]
    if rest.startswith(f"{value} "):
        return path, value, rest.removeprefix(f"{value} ")
    return path, "", rest


def _parts(name: str) -> Path:
    """Return the path that a dotted name such as ``routes[2].provider`` stands for."""
    parts = re.findall(r"[^.\[\]]+|\[\d+\]", name)
    return tuple(int(part[1:-1]) if part.startswith("[") else part for part in parts)


def _value_at(tree: Tree, path: Path) -> Tree:
    for part in path:
        if isinstance(tree, list) and isinstance(part, int) and part < len(tree):
            tree = tree[part]
        else:
            tree = tree.get(part) if isinstance(tree, dict) and isinstance(part, str) else None
    return tree


def _locate(loc: tuple[int | str, ...]) -> tuple[Path, Any, Any]:
    """Return the path that an error is about, the annotation there, and the model that has it.

    The validator's own ``loc`` also holds the tag of a union.
    """
    path: Path = ()
    hint: Any = AppConfig
    owner: Any = None
    for part in loc:
        if get_origin(hint) is Annotated and _is_tagged(hint):
            hint = dict(_tagged_by(hint).models(get_args(hint)[0])).get(str(part))
            continue
        plain = _plain(hint)
        owner, path = plain, (*path, part)
        hint = _member(plain, part)
    return path, hint, owner


def _plain(hint: Any) -> Any:
    """Return an annotation without its rules, and without null where that is the alternative."""
    if get_origin(hint) is Annotated:
        return _plain(get_args(hint)[0])
    members = [member for member in get_args(hint) if member is not NoneType]
    is_optional = NoneType in get_args(hint) and len(members) == 1
    return _plain(members[0]) if is_optional else hint


def _member(hint: Any, part: int | str) -> Any:
    """Return the annotation of a field, of a mapping's values or of a list's items."""
    if is_dataclass(hint):
        return type_hints(hint).get(str(part), object)
    arguments = get_args(hint)
    if isinstance(part, int):
        return arguments[0] if arguments else object
    return arguments[-1] if arguments else object


def _is_tagged(hint: Any) -> bool:
    return any(isinstance(rule, TaggedBy) for rule in get_args(hint)[1:])


def _tagged_by(hint: Any) -> TaggedBy:
    return next(rule for rule in get_args(hint)[1:] if isinstance(rule, TaggedBy))


def _known_keys(path: Path, owner: Any) -> str:
    return known_names(str(path[-1]), [field.name for field in fields(owner)])
