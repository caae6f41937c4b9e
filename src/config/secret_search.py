"""Finds secrets in a configuration, where they must not be. Invariant: it never quotes one."""

from __future__ import annotations

__all__ = ["find_secrets"]

from collections.abc import Iterator

from ..errors import ConfigProblem
from .environment import Overrides
from .shown_value import REDACTED, is_secret_key, is_secret_text
from .yaml_document import Path, Tree, dotted

_RULE = (
    "must not stand in a configuration: put the secret into an environment variable and name that "
    "variable in a key that ends in _env"
)


def find_secrets(tree: Tree, overrides: Overrides, source: str) -> list[ConfigProblem]:
    """Return a problem for each value that is a secret by its key, or looks like one."""
    return [
        ConfigProblem(
            key=dotted(path),
            value=REDACTED,
            rule=_RULE,
            source=overrides.source_of(path, source),
        )
        for path, value in _scalars(tree, ())
        if is_secret_text(value) or _is_secret_path(path, value)
    ]


def _is_secret_path(path: Path, value: Tree) -> bool:
    names = [part for part in path if isinstance(part, str)]
    return value is not None and bool(names) and is_secret_key(names[-1])


def _scalars(tree: Tree, path: Path) -> Iterator[tuple[Path, Tree]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _scalars(value, (*path, key))
    elif isinstance(tree, list):
        for position, value in enumerate(tree):
            yield from _scalars(value, (*path, position))
    else:
        yield path, tree
