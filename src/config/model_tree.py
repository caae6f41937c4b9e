"""Models as plain trees, and what of a configuration differs from the defaults."""

from __future__ import annotations

__all__ = ["ChangedKey", "changed_keys", "flattened", "to_tree"]

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

from .models import AppConfig
from .yaml_document import Tree, dotted


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedKey:
    """One key with another value than the default."""

    key: str
    """Full dotted key."""
    value: Tree
    """The value in force."""
    default: Tree
    """The default of the model; None also where the key has none."""


def to_tree(value: Any) -> Any:
    """Return a model, or a value of one, as a document would hold it: a :data:`Tree`."""
    if is_dataclass(value):
        return {field.name: to_tree(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_tree(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_tree(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def flattened(tree: Tree, prefix: tuple[str, ...] = ()) -> dict[str, Tree]:
    """Return every value of a tree by its dotted key; a list is one value."""
    if not isinstance(tree, dict):
        return {dotted(prefix): tree}
    values: dict[str, Tree] = {}
    for key, inner in tree.items():
        values |= flattened(inner, (*prefix, key))
    return values


def _parts_of_other_kinds(model: Any, default: Any, path: tuple[str, ...]) -> dict[str, Tree]:
    """Return the defaults, without the kind, of parts that are not of their default's kind."""
    base: dict[str, Tree] = {}
    for field in fields(model):
        part, usual = getattr(model, field.name), getattr(default, field.name)
        kind: Any = type(part)
        if is_dataclass(part) and kind is not type(usual):
            tree = {**to_tree(kind()), "kind": usual.kind}
            base |= flattened(tree, (*path, field.name))
    return base


def changed_keys(config: AppConfig) -> tuple[ChangedKey, ...]:
    """Return what an operator has turned; providers and parts are compared with their kind."""
    defaults = AppConfig()
    base = flattened(to_tree(defaults))
    for name, provider in config.providers.items():
        default = defaults.providers.get(name)
        if default is None or default.kind != provider.kind:
            default = type(provider)()
            base |= flattened(to_tree(default), ("providers", name))
        base |= _parts_of_other_kinds(provider, default, ("providers", name))
    return tuple(
        ChangedKey(key=key, value=value, default=base.get(key))
        for key, value in flattened(to_tree(config)).items()
        if key not in base or base[key] != value
    )
