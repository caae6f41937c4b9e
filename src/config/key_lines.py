"""Where each key of a document stands, for messages that an editor can jump to.

Invariant: a position is a help only; a document whose keys can't be placed has none.
"""

from __future__ import annotations

__all__ = ["add_lines", "key_lines"]

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace

import yaml

from ..errors import ConfigProblem
from .yaml_document import Path, dotted


def add_lines(problems: Iterable[ConfigProblem], text: str, source: str) -> list[ConfigProblem]:
    """Return the problems, those of ``source`` with the line of their key: ``a.yaml:41``.

    A key that is missing has the line of its section; what is in no section has none.
    """
    lines = key_lines(text)
    placed = []
    for problem in problems:
        line = _line_of(problem.key, lines) if problem.source == source else None
        placed.append(problem if line is None else replace(problem, source=f"{source}:{line}"))
    return placed


def key_lines(text: str) -> dict[str, int]:
    """Return the line (from 1) of every key of a document by its dotted name.

    What an alias repeats, and what ``<<`` merges, is placed where it was written only.
    """
    lines: dict[str, int] = {}
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return lines
    waiting: deque[tuple[yaml.Node | None, Path]] = deque([(node, ())])
    seen: set[int] = set()
    while waiting:
        node, path = waiting.popleft()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode):
                    inner = (*path, key.value)
                    lines.setdefault(dotted(inner), key.start_mark.line + 1)
                    waiting.append((value, inner))
        elif isinstance(node, yaml.SequenceNode):
            for position, item in enumerate(node.value):
                lines.setdefault(dotted((*path, position)), item.start_mark.line + 1)
                waiting.append((item, (*path, position)))
    return lines


def _line_of(key: str, lines: Mapping[str, int]) -> int | None:
    """Return the line of a key, or of the innermost section around it that has one."""
    while key:
        if key in lines:
            return lines[key]
        key = key[: max(key.rfind("."), key.rfind("["), 0)]
    return None
