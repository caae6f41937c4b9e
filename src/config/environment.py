"""Overrides of single keys from environment variables: ``VOXGATE__BARGE_IN__MIN_MS=160``.

Invariant: an override sets one scalar; it never replaces a section.
"""

from __future__ import annotations

__all__ = ["PREFIX", "Overrides", "apply_environment"]

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import ConfigProblem
from .yaml_document import Path, Tree, dotted, parse_scalar

PREFIX = "VOXGATE__"
"""Begins the name of every variable that overrides a key; ``__`` parts section and key."""


class _OverrideError(ValueError):
    """A variable that can't be applied; its text is the rule that it breaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What the environment changed."""

    variables: Mapping[Path, str] = field(default_factory=dict)
    """Name of the variable by the path that it set, and by each section that it made."""
    problems: tuple[ConfigProblem, ...] = ()
    """Variables that could not be applied."""

    def source_of(self, path: Path, otherwise: str) -> str:
        """Return where the value at a path comes from, as problems name it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.variables:
                return _source(self.variables[path[:length]])
        return otherwise


def apply_environment(tree: dict[str, Tree], environ: Mapping[str, str]) -> Overrides:
    """Set in ``tree`` what the environment overrides; later names (sorted) win."""
    variables: dict[Path, str] = {}
    problems: list[ConfigProblem] = []
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        parts = variable.removeprefix(PREFIX).split("__")
        try:
            variables |= _apply(tree, parts, parse_scalar(environ[variable]), variable)
        except ValueError as error:
            key = dotted(tuple(part.lower() for part in parts))
            rule = str(error) if error.args and error.args[0] else "is not a value"
            problems.append(ConfigProblem(key=key, value="", rule=rule, source=_source(variable)))
    return Overrides(variables=variables, problems=tuple(problems))


def _apply(tree: dict[str, Tree], parts: list[str], value: Tree, variable: str) -> dict[Path, str]:
    """Set one value; return the paths that it set or made.

    Raises:
        _OverrideError: if the name leads through something that is no section.
    """
    if not all(parts):
        raise _OverrideError(f"is no key: write {PREFIX}SECTION__KEY")
    section = tree
    path: Path = ()
    touched: dict[Path, str] = {}
    for part in parts[:-1]:
        name = _spelling(section, part)
        path = (*path, name)
        if section.get(name) is None:
            section[name] = {}
            touched[path] = variable
        inner = section[name]
        if not isinstance(inner, dict):
            raise _OverrideError(f"can't be set: {dotted(path)} is not a section")
        section = inner
    name = _spelling(section, parts[-1])
    if isinstance(section.get(name), (dict, list)):
        raise _OverrideError("can't be set: it is not a single value")
    section[name] = value
    touched[*path, name] = variable
    return touched


def _spelling(section: dict[str, Tree], part: str) -> str:
    """Return the key that a part of a variable's name means, in which ``-`` is written ``_``."""
    wanted = part.lower()
    for key in section:
        if key.lower().replace("-", "_") == wanted:
            return key
    return wanted


def _source(variable: str) -> str:
    return f"environment {variable if variable.isprintable() else repr(variable)}"
