"""Changes single keys in the text of a configuration, and leaves every other character as it is.

The text is cut where PyYAML says that a key or a value stands, by the reading that loads it: a
round trip through objects would lay lines anew that nobody touched, and move comments. Invariant:
what comes back parses to the values asked for and to nothing else that is new, or
:class:`ConfigError` is raised.
"""

from __future__ import annotations

__all__ = ["ABSENT", "Absent", "edited_text", "key_path", "with_changes"]

import ast
import json
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final, Literal

import yaml

from ..errors import ConfigError, ConfigProblem
from .yaml_document import Tree, compose_document, parse_document


class _Absence(Enum):
    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absence.ABSENT
"""In place of a value: the key is not there, or is to go."""
Absent = Literal[_Absence.ABSENT]
"""The type of :data:`ABSENT`."""

Names = tuple[str, ...]
_STEP = 2
"""Columns by which a new section is indented."""
_KEY_PARTS = re.compile(
    r"\.?(?:(?P<plain>[\w-]+)|(?P<quoted>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"))"
)
_PLAIN_WORD = re.compile(r"[a-z][a-z0-9_-]*")
_WORDS_WITH_MEANING = frozenset({"null", "true", "false"})


def key_path(key: str) -> Names:
    """Return the names that lead to a key, as messages name it: ``providers.openai.voice``.

    Raises:
        ConfigError: it is no such name; a place in a list is none, as a list is one value.
    """
    names, position = [], 0
    while position < len(key):
        part = _KEY_PARTS.match(key, position)
        if part is None or (position == 0) == key.startswith(".", position):
            raise _refused(key, "is not the name of a key", "configuration")
        position = part.end()
        names.append(part["plain"] or str(ast.literal_eval(part["quoted"])))
    if not names:
        raise _refused(key, "is not the name of a key", "configuration")
    return tuple(names)


def with_changes(
    tree: Mapping[str, Tree], changes: Mapping[str, Tree | Absent], source: str = "configuration"
) -> dict[str, Tree]:
    """Return a tree with other values; a section that is left without a key goes too.

    Args:
        tree: What a document holds; it is not changed.
        changes: Values by dotted key; ``ABSENT`` takes a key away.
        source: The document, as messages name it.

    Raises:
        ConfigError: a key leads through something that is no section.
    """
    changed = dict(tree)
    for key, value in changes.items():
        changed = _with(changed, key_path(key), value, key, source)
    return changed


def edited_text(text: str, changes: Mapping[str, Tree | Absent], source: str) -> str:
    """Return the text of a document with other values; see :func:`with_changes`.

    Raises:
        ConfigError: it is no document, a key leads through something that is no section, or stands
            where it can't be changed by itself, such as in what an alias repeats.
    """
    tree, _ = parse_document(text, source)
    wanted = with_changes(tree, changes, source)
    for key, value in changes.items():
        try:
            text = _Editor(text, source).edited(key_path(key), value)
            edited, _ = parse_document(text, source)
        except ConfigError as error:
            raise _by_hand(key, source) from error
    if changes and edited != wanted:
        raise _by_hand(next(iter(changes)), source)
    return text


def _with(
    section: dict[str, Tree], path: Names, value: Tree | Absent, key: str, source: str
) -> dict[str, Tree]:
    name, *rest = path
    section = dict(section)
    if not rest:
        if value is ABSENT:
            section.pop(name, None)
        else:
            section[name] = value
        return section
    inner = section.get(name)
    if inner is not None and not isinstance(inner, dict):
        raise _refused(key, f"can't be set: {name} is not a section", source)
    changed = _with(inner or {}, tuple(rest), value, key, source)
    if value is not ABSENT:
        section[name] = changed
    elif inner and not changed:
        del section[name]
    elif inner:
        section[name] = changed
    return section


def _refused(key: str, rule: str, source: str) -> ConfigError:
    return ConfigError([ConfigProblem(key=key, value="", rule=rule, source=source)])


def _by_hand(key: str, source: str) -> ConfigError:
    rule = "can't be changed by itself in this file, as of how it is written there; edit the file"
    return _refused(key, rule, source)


class _Editor:
    """One change to one text.

    Args:
        text: A document.
        source: As messages name it.
    """

    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source
        self._newline = "\r\n" if "\r\n" in text else "\n"

    def edited(self, path: Names, value: Tree | Absent) -> str:
        """Return the text with a value set, or taken away."""
        node = compose_document(self._text, self._source)
        pairs: list[_Pair] = []
        for depth, name in enumerate(path):
            if not isinstance(node, yaml.MappingNode):
                return self._filled(node, pairs, _nested(path[depth:], value))
            number = _position(node, name)
            if number is None:
                return self._added(node, _nested(path[depth:], value), is_root=depth == 0)
            pairs.append((node, number))
            node = node.value[number][1]
        if value is ABSENT:
            return self._removed(pairs)
        return self._replaced(pairs[-1], value)

    # -- a value in place of another ---------------------------------------------------------------

    def _replaced(self, pair: _Pair, value: Tree) -> str:
        key, old = pair[0].value[pair[1]]
        is_block = isinstance(old, yaml.CollectionNode) and not old.flow_style
        if is_block and isinstance(value, (dict, list)) and value:
            start = self._line_start(old.start_mark.index)
            column = old.start_mark.column
            return self._cut(start, self._line_end(_end(old)), self._block(value, column))
        if is_block:
            kept = self._text[: self._line_start(old.start_mark.index)]
            rest = self._text[self._line_end(_end(old)) :]
            colon = self._after_colon(key)
            return f"{kept[:colon]} {_flow(value)}{kept[colon:]}{rest}"
        start, end = old.start_mark.index, old.end_mark.index
        shown = _flow(value, like=self._text[start:end])
        if start == end:  # nothing stands there
            colon = self._after_colon(key)
            return self._cut(colon, colon, f" {shown}")
        is_literal = self._text[start:end].endswith("\n")
        return self._cut(start, end, shown + (self._newline if is_literal else ""))

    # -- a key that was not there ------------------------------------------------------------------

    def _added(
        self, section: yaml.MappingNode, new: Mapping[str, Tree] | None, *, is_root: bool
    ) -> str:
        if new is None:
            return self._text  # it is away already
        if section.flow_style:
            inside = _flow(dict(new))[1:-1]
            if not section.value:
                start = self._text.index("{", section.start_mark.index) + 1
                return self._cut(start, start, inside)
            end = _end(section.value[-1][1])
            return self._cut(end, end, f", {inside}")
        column = section.value[0][0].start_mark.column
        end = len(self._text) if is_root else self._line_end(_end(section))
        return self._inserted(end, self._block(dict(new), column))

    def _filled(
        self, node: yaml.Node | None, pairs: list[_Pair], new: Mapping[str, Tree] | None
    ) -> str:
        """Put keys into a document, or a section, that is empty."""
        if new is None:
            return self._text
        if node is None:
            return self._inserted(len(self._text), self._block(dict(new), 0))
        start, end = node.start_mark.index, node.end_mark.index
        if start < end:  # null, as a word
            return self._cut(start, end, _flow(dict(new)))
        section, number = pairs[-1]
        key = section.value[number][0]
        if section.flow_style:
            colon = self._after_colon(key)
            return self._cut(colon, colon, f" {_flow(dict(new))}")
        column = key.start_mark.column + _STEP
        return self._inserted(
            self._line_end(self._after_colon(key)), self._block(dict(new), column)
        )

    # -- a key that goes ---------------------------------------------------------------------------

    def _removed(self, pairs: list[_Pair]) -> str:
        """Take a key away, and the sections that held nothing else."""
        section, number = pairs[-1]
        while len(section.value) == 1 and len(pairs) > 1:
            pairs = pairs[:-1]
            section, number = pairs[-1]
        key, value = section.value[number]
        if not section.flow_style:
            start = self._line_start(key.start_mark.index)
            end = self._line_end(_end(value, key))
            if end == len(self._text) and not self._text.endswith("\n"):
                start -= len(self._newline) * (start > 0)  # the last line stays without a break
            return self._cut(start, end, "")
        if number + 1 < len(section.value):
            return self._cut(
                key.start_mark.index, section.value[number + 1][0].start_mark.index, ""
            )
        start = _end(section.value[number - 1][1]) if number else key.start_mark.index
        return self._cut(start, _end(value, key), "")

    # -- places and lines --------------------------------------------------------------------------

    def _cut(self, start: int, end: int, new: str) -> str:
        return self._text[:start] + new + self._text[end:]

    def _inserted(self, position: int, lines: str) -> str:
        before, after = self._text[:position], self._text[position:]
        if before and not before.endswith("\n"):  # the last line, and it stays without a break
            before, lines = before + self._newline, lines.removesuffix(self._newline)
        return before + lines + after

    def _block(self, value: Tree, column: int) -> str:
        """Return a section or list, line by line, at a column."""
        indent = " " * column
        return "".join(indent + line + self._newline for line in _block_lines(value))

    def _line_start(self, position: int) -> int:
        return self._text.rfind("\n", 0, position) + 1

    def _line_end(self, position: int) -> int:
        """Return where the line after a position begins; a literal block ends there already."""
        if position and self._text[position - 1] == "\n":
            return position
        end = self._text.find("\n", position)
        return len(self._text) if end < 0 else end + 1

    def _after_colon(self, key: yaml.Node) -> int:
        return self._text.index(":", key.end_mark.index) + 1


_Pair = tuple[yaml.MappingNode, int]
"""A section, and the position in it of one key with its value."""


def _position(section: yaml.MappingNode, name: str) -> int | None:
    for number, (key, _) in enumerate(section.value):
        if isinstance(key, yaml.ScalarNode) and key.value == name:
            return number
    return None


def _end(node: yaml.Node, key: yaml.Node | None = None) -> int:
    """Return where the last thing within a node ends; PyYAML's own end is behind comments."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1], last[0]) if isinstance(last, tuple) else _end(last)
    end: int = node.end_mark.index
    return end if key is None else max(end, key.end_mark.index)


def _nested(path: Names, value: Tree | Absent) -> dict[str, Tree] | None:
    """Return what stands at the end of a path within sections; None for nothing."""
    if value is ABSENT:
        return None
    inner: Tree = value
    for name in reversed(path[1:]):
        inner = {name: inner}
    return {path[0]: inner}


def _block_lines(value: Tree) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, dict) and inner:
                yield f"{_flow(name)}:"
                yield from (" " * _STEP + line for line in _block_lines(inner))
            else:
                yield f"{_flow(name)}: {_flow(inner)}"
    elif isinstance(value, list):
        yield from (f"- {_flow(item)}" for item in value)


def _flow(value: Tree, like: str = "") -> str:
    """Return a value on one line, as YAML 1.2 reads it; text in quotes as it was before."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if not isinstance(value, str):
        return json.dumps(value)
    if like[:1] == "'" and value.isprintable() and "'" not in value:
        return f"'{value}'"
    is_word = _PLAIN_WORD.fullmatch(value) and value not in _WORDS_WITH_MEANING
    if is_word and like[:1] != '"':
        return value
    return "".join(
        character if character.isprintable() else f"\\U{ord(character):08x}"
        for character in json.dumps(value, ensure_ascii=False)
    )
