"""YAML text to a plain tree of sections, lists and scalars.

Scalars are read as YAML 1.2 reads them: ``off``, ``yes`` and ``010`` would be False, True and 8 to
YAML 1.1, and ``mode: off`` is a mode here. Invariant: whatever the text holds, a tree of bounded
size comes back, with the problems found, or :class:`ConfigError` is raised.
"""

from __future__ import annotations

__all__ = [
    "MAX_CHARACTERS",
    "MAX_DEPTH",
    "MAX_NODES",
    "Path",
    "Tree",
    "compose_document",
    "dotted",
    "parse_document",
    "parse_scalar",
]

import re
from collections.abc import Callable
from typing import TypeAlias

import yaml

from ..errors import ConfigError, ConfigProblem

Tree: TypeAlias = "bool | int | float | str | list[Tree] | dict[str, Tree] | None"
"""What a document holds, before anything is known of its meaning."""
Path = tuple[str | int, ...]
"""Keys and list positions that lead to a value."""

MAX_CHARACTERS = 1_000_000
"""Longest document that is read; the commented default has some 15,000 characters."""
MAX_DEPTH = 20
"""Deepest nesting; the models need 5. It also ends an alias that contains itself."""
MAX_NODES = 20_000
"""Most values of a document, those behind aliases counted each time they are used."""

_TAG = "tag:yaml.org,2002:"
_MERGE = _TAG + "merge"
_COLLECTIONS = (_TAG + "map", _TAG + "seq")
_PLAIN_KEY = re.compile(r"[\w-]{1,60}")


_MAX_DIGITS = 1000
"""Most characters of a number; Python refuses to write those of some 4,000 digits."""

_FLOAT = (
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_PLAIN_SCALARS = {
    "null": re.compile(r"(~|null|Null|NULL|)\Z"),
    "bool": re.compile(r"(true|True|TRUE|false|False|FALSE)\Z"),
    "int": re.compile(r"([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"),
    "float": re.compile(rf"({_FLOAT})\Z"),
}
"""What text without quotes means, by YAML 1.2's core schema; the first that matches. Else text."""


class _Composer(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of YAML 1.2's core schema; used for its nodes only."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own class attribute


for _kind, _regex in _PLAIN_SCALARS.items():
    _Composer.add_implicit_resolver(_TAG + _kind, _regex, None)
_Composer.add_implicit_resolver(_MERGE, re.compile(r"<<\Z"), None)


def dotted(path: Path) -> str:
    """Return a path as messages name it: ``providers.openai.voice``, ``aliases[0]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += "." + (part if _PLAIN_KEY.fullmatch(part) else repr(part[:60]))
    return text.removeprefix(".") or "document"


def parse_document(text: str, source: str) -> tuple[dict[str, Tree], list[ConfigProblem]]:
    """Return the sections of a document and what is wrong with its form; empty text is ``{}``.

    Raises:
        ConfigError: if it is not YAML, too large, too deep, or no mapping.
    """
    builder = _TreeBuilder(source)
    node = compose_document(text, source)
    tree = {} if node is None else builder.build(node, ())
    if not isinstance(tree, dict) and tree is not None:
        raise _unreadable("is not a mapping of sections", source)
    return tree or {}, builder.problems


def compose_document(text: str, source: str) -> yaml.Node | None:
    """Return the nodes of a document, which say where in the text each of them stands.

    Raises:
        ConfigError: if it is not YAML, too large or too deep.
    """
    if len(text) > MAX_CHARACTERS:
        raise _unreadable(f"is longer than {MAX_CHARACTERS} characters", source)
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_Composer)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, source) from error
    except yaml.reader.ReaderError as error:
        place = f"{source}, character {error.position + 1}"
        raise _unreadable("holds a character that YAML does not allow", place) from error
    except RecursionError as error:
        raise _unreadable("is nested too deeply", source) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise _unreadable("is not valid YAML", source) from error
    return node


def parse_scalar(text: str) -> Tree:
    """Return a scalar as YAML reads it; quotes make text of anything, a mapping's look is text.

    Raises:
        ValueError: if the number is too long or the text holds bytes that are no UTF-8.
    """
    stripped = text.strip()
    if stripped[:1] in ("'", '"'):
        try:
            node = yaml.compose(stripped, Loader=_Composer)
        except (yaml.YAMLError, ValueError, OverflowError):
            node = None
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node.tag, node.value)
    kinds = (kind for kind, regex in _PLAIN_SCALARS.items() if regex.match(stripped))
    return _scalar(_TAG + next(kinds, "str"), stripped)


def _scalar(tag: str, text: str) -> Tree:
    """Return the value of a scalar; raises ValueError with the rule that it breaks."""
    kind = tag.removeprefix(_TAG)
    if kind in ("str", "merge"):
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise ValueError("holds a character that is not text")
        return text
    if kind not in _PLAIN_SCALARS or not _PLAIN_SCALARS[kind].match(text):
        raise ValueError(f"is not a value of the tag {tag[:60]!r}")
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"is a number of more than {_MAX_DIGITS} digits")
    return _NUMBERS_AND_WORDS[kind](text)


def _integer(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text, base)


def _float(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


_NUMBERS_AND_WORDS: dict[str, Callable[[str], bool | float | None]] = {
    "null": lambda _: None,
    "bool": lambda text: text.lower() == "true",
    "int": _integer,
    "float": _float,
}


class _TreeBuilder:
    """Turns the nodes of one document into a tree and collects what is wrong with their form."""

    def __init__(self, source: str) -> None:
        self.problems: list[ConfigProblem] = []
        self._source = source
        self._nodes_left = MAX_NODES

    def build(self, node: yaml.Node, path: Path) -> Tree:
        """Return the value of a node at a path."""
        self._nodes_left -= 1
        if self._nodes_left < 0:
            raise _unreadable(f"has more than {MAX_NODES} values", self._source)
        if len(path) > MAX_DEPTH:
            raise _unreadable(f"is nested deeper than {MAX_DEPTH} levels", self._source)
        if isinstance(node, yaml.CollectionNode) and node.tag not in _COLLECTIONS:
            self._add(path, f"has the tag {node.tag[:60]!r}, which has no meaning here")
        if isinstance(node, yaml.MappingNode):
            return self._section(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, n)) for n, item in enumerate(node.value)]
        try:
            return _scalar(node.tag, node.value)
        except ValueError as error:
            self._add(path, str(error))
            return None

    def _section(self, node: yaml.MappingNode, path: Path) -> dict[str, Tree]:
        section: dict[str, Tree] = {}
        lines: dict[str, int] = {}
        merged: list[Tree] = []
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged.append(self.build(value_node, (*path, "<<")))
                continue
            key = self._key(key_node, path)
            if key is None:
                continue
            line = key_node.start_mark.line + 1
            if key in section:
                self._add((*path, key), f"is set twice, in line {lines[key]} and line {line}")
                continue
            lines[key] = line
            section[key] = self.build(value_node, (*path, key))
        return self._with_merged(section, merged, path)

    def _with_merged(
        self, section: dict[str, Tree], merged: list[Tree], path: Path
    ) -> dict[str, Tree]:
        """Return a section with what ``<<`` brings in: its own keys win, then the first named."""
        for value in merged:
            for base in value if isinstance(value, list) else [value]:
                if isinstance(base, dict):
                    section = {**base, **section}
                else:
                    self._add((*path, "<<"), "is not a section or a list of sections")
        return section

    def _key(self, node: yaml.Node, path: Path) -> str | None:
        line = node.start_mark.line + 1
        if isinstance(node, yaml.ScalarNode):
            try:
                key = _scalar(node.tag, node.value)
            except ValueError:
                key = None
            if isinstance(key, str):
                return key
        self._add(path, f"has a key that is not a word, in line {line}")
        return None

    def _add(self, path: Path, rule: str) -> None:
        self.problems.append(
            ConfigProblem(key=dotted(path), value="", rule=rule, source=self._source)
        )


def _unreadable(rule: str, source: str) -> ConfigError:
    return ConfigError([ConfigProblem(key="document", value="", rule=rule, source=source)])


def _syntax_error(error: yaml.MarkedYAMLError, source: str) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    place = f"{source}, line {mark.line + 1}, column {mark.column + 1}" if mark else source
    said = ": ".join(filter(None, (error.context, error.problem)))
    return _unreadable(f"is not valid YAML: {said}{_hint(error.problem or '')}", place)


def _hint(problem: str) -> str:
    """Return what to do about the commonest mistakes, or ``""``."""
    if "'\\t'" in problem:
        return "; indent with spaces, not with a tab"
    if problem == "mapping values are not allowed here":
        return "; quote a text that holds a colon"
    return ""
