"""Changes by key, against a document and what the environment sets of it.

Invariant: a change reaches the keys that were asked for, and no other.
"""

from __future__ import annotations

__all__ = [
    "changed_document",
    "locked_keys",
    "locked_problems",
    "overridden_changes",
    "unasked_problems",
    "value_at",
]

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import ConfigProblem
from .edited_document import ABSENT, Absent, key_path, with_changes
from .environment import Overrides
from .model_tree import to_tree
from .models import AppConfig
from .reload_rules import KeyChange
from .yaml_document import Tree, dotted

_PROFILE = "audio_guard.profile"
"""Chooses the values of its neighbours that are left out."""


def changed_document(
    tree: Mapping[str, Tree],
    changes: Mapping[str, Tree | Absent],
    config: AppConfig,
    source: str,
) -> dict[str, Tree]:
    """Return a document's tree with other values.

    A document without the section ``providers`` gets all of it where one of them is changed: the
    section takes the place of the default ones.

    Args:
        tree: What the document holds.
        changes: Values by dotted key.
        config: What is in force.
        source: The document, as messages name it.

    Raises:
        ConfigError: a key is none, or leads through something that is no section.
    """
    paths = [key_path(key) for key in changes]
    is_one_changed = any(len(path) > 1 and path[0] == "providers" for path in paths)
    if is_one_changed and tree.get("providers") is None:
        tree = {**tree, "providers": _written_providers(config)}
    return with_changes(tree, changes, source)


def locked_keys(overrides: Overrides) -> dict[str, str]:
    """Return the variable of each key that the environment sets, by the key."""
    paths = list(overrides.variables)
    return {
        dotted(path): variable
        for path, variable in overrides.variables.items()
        if not any(other[: len(path)] == path and other != path for other in paths)
    }


def locked_problems(asked: Iterable[str], locked: Mapping[str, str]) -> list[ConfigProblem]:
    """Return a problem for each key that is locked, or has a locked one below it.

    Args:
        asked: Keys that are to change.
        locked: Environment variable by the key that it sets.

    Raises:
        ConfigError: a key is none.
    """
    problems = []
    for key in asked:
        variables = [name for other, name in locked.items() if _is_one(key, other)]
        if variables:
            rule = (
                f"is set by the environment variable {variables[0]}, which wins over the file and "
                "the desk; change it there and restart voxgate"
            )
            problems.append(
                ConfigProblem(key=key, value="", rule=rule, source=f"environment {variables[0]}")
            )
    return problems


def overridden_changes(
    old: Mapping[str, Tree], new: Mapping[str, Tree], locked: Iterable[str]
) -> tuple[str, ...]:
    """Return the locked keys that differ between two documents: somebody changed them in vain."""
    return tuple(
        key for key in locked if value_at(old, key_path(key)) != value_at(new, key_path(key))
    )


def unasked_problems(
    found: Iterable[KeyChange], asked: Iterable[str], source: str
) -> list[ConfigProblem]:
    """Return a problem for each key that would change with others, though nobody asked for it."""
    paths = [key_path(key) for key in asked]
    is_profile_asked = key_path(_PROFILE) in paths
    return [
        ConfigProblem(
            key=change.key,
            value="",
            rule="would change too, as of how the document is written; edit the file",
            source=source,
        )
        for change in found
        if not any(_are_one(key_path(change.key), path) for path in paths)
        and not (is_profile_asked and change.key.startswith("audio_guard."))
    ]


def value_at(tree: Any, path: tuple[str, ...]) -> Tree | Absent:
    """Return the value at a path of sections; ``ABSENT`` where there is none."""
    for name in path:
        if not isinstance(tree, Mapping) or name not in tree:
            return ABSENT
        tree = tree[name]
    value: Tree = tree
    return value


def _is_one(key: str, other: str) -> bool:
    return _are_one(key_path(key), key_path(other))


def _are_one(path: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Return whether two keys are the same, or one is in the other's section."""
    shorter = min(len(path), len(other))
    return path[:shorter] == other[:shorter]


def _written_providers(config: AppConfig) -> dict[str, Tree]:
    """Return the providers in force as one would write them: their kind, and what is not usual."""
    written: dict[str, Tree] = {}
    for name, provider in config.providers.items():
        usual = to_tree(type(provider)())
        own = {key: value for key, value in to_tree(provider).items() if usual[key] != value}
        written[name] = {"kind": provider.kind, **own}
    return written
