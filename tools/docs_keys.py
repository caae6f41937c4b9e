"""The reference of the configuration, generated: each key's type, unit, range, default, meaning.

Names, types and ranges are those of the JSON schema, defaults those of the models, and meanings the
comments of ``config/ai-agent.yaml``; a key without a comment has the words of its model. Invariant:
a key that the schema has is on the page, under an anchor that is its dotted name.
"""

from __future__ import annotations

__all__ = ["key_comments", "keys_markdown", "unit_of", "value_text"]

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any

from voxgate.config.key_lines import key_lines
from voxgate.config.models import AppConfig
from voxgate.config.schema import json_schema

ROOT = Path(__file__).resolve().parent.parent

_UNITS = {
    "ms": "ms",
    "s": "s",
    "hz": "Hz",
    "db": "dB",
    "dbfs": "dBFS",
    "percent": "%",
    "gb": "GB",
    "mb": "MB",
    "days": "days",
    "frames": "frames of 20 ms",
    "bytes": "bytes",
}
"""Units by the last word of a key."""
_UNITS_BY_KEY = {
    "energy_threshold": "RMS of 16-bit samples",
    "initial_noise_floor": "RMS of 16-bit samples",
    "speech_threshold_factor": "times the noise floor",
}
_SHOWN_POLICY = "openai_realtime"
"""Kind of provider whose policy stands for all: the one that is gated."""
_FILE_NAMES = {
    "providers.openai_realtime": "providers.openai",
    "gating.providers": f"gating.providers.{_SHOWN_POLICY}",
}
"""Sections of the page that the file has under a name of its own."""
_LEANING = ("As above", "As with", "The same")
"""How comments begin that lean on one elsewhere: the model's words stand alone."""
_TYPES = {
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "string": "text",
    "null": "`null`",
}
_NO_BREAK = "&nbsp;"
_NEEDED = object()
"""The default of a key that has none."""


@dataclass(frozen=True, slots=True)
class _Section:
    """An object of the schema, and where it stands."""

    path: str
    """Dotted; what an operator names is in angle brackets, such as ``providers.<name>``."""
    anchor: str
    """How its keys are linked to: dotted too, without brackets, with the kinds."""
    node: Mapping[str, Any]
    default: object = None
    """The model with the defaults; None where there is none to ask."""
    kinds: tuple[str, ...] = ()
    """Which of several alternatives it is, and which the sections around it are."""
    note: str = ""

    def within(self, outer: _Section, default: object) -> _Section:
        """Return the section as one of another, which has ``default`` for it."""
        return _Section(
            path=".".join(filter(None, (outer.path, self.path))),
            anchor=".".join(filter(None, (outer.anchor, self.anchor))),
            node=self.node,
            default=default,
            kinds=(*outer.kinds, *self.kinds),
            note=self.note,
        )

    @property
    def title(self) -> str:
        """The heading."""
        kinds = f" · {', '.join(self.kinds)}" if self.kinds else ""
        return f"{self.path}{kinds}".replace("<", "&lt;").replace(">", "&gt;")


def keys_markdown() -> str:
    """Return the whole reference as Markdown, a section for each section of the file."""
    schema = json_schema()
    comments = key_comments((ROOT / "config" / "ai-agent.yaml").read_text(encoding="utf-8"))
    writer = _Writer(schema["$defs"], comments)
    top = _Section("", "", schema, AppConfig())
    return "\n".join(line for section in writer.sections(top) for line in writer.lines(section))


def key_comments(text: str) -> dict[str, str]:
    """Return the comment above each key of a YAML text, by its dotted name, as one line."""
    lines = text.splitlines()
    comments = {}
    for key, number in key_lines(text).items():
        words: list[str] = []
        position = number - 2
        while position >= 0 and lines[position].lstrip().startswith("#"):
            words.insert(0, lines[position].strip().lstrip("#").strip())
            position -= 1
        if words:
            comments[key] = " ".join(words)
    return comments


def unit_of(key: str) -> str:
    """Return the unit of a number by the name of its key; empty for a plain number."""
    name = key.rpartition(".")[2]
    return _UNITS_BY_KEY.get(name) or _UNITS.get(name.rpartition("_")[2], "")


def value_text(node: Mapping[str, Any], key: str, definitions: Mapping[str, Any]) -> str:
    """Return type, range and unit of a value in words.

    Args:
        node: Its schema.
        key: Its name, which says the unit.
        definitions: The schema's ``$defs``.
    """
    node = _resolved(node, definitions)
    if "anyOf" in node:
        parts = [value_text(part, key, definitions) for part in node["anyOf"]]
        return " or ".join(dict.fromkeys(parts))
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    kind = node.get("type", "")
    if kind == "array":
        return f"list ({value_text(node.get('items', {}), key, definitions)})"
    if kind == "object":
        return f"by name ({value_text(_named(node), key, definitions)})"
    return _ranged(str(kind), node, key)


def _ranged(kind: str, node: Mapping[str, Any], key: str) -> str:
    words = _TYPES.get(kind, kind or "anything")
    if kind in {"integer", "number"}:
        unit = unit_of(key)
        low, high = node.get("minimum"), node.get("maximum")
        if low is not None and high is not None:
            return f"{words}, {low:,g} to {high:,g}{_NO_BREAK if unit else ''}{unit}"
        return f"{words}, {unit}".rstrip(", ")
    if kind == "string" and "maxLength" in node:
        return f"{words}, at most {node['maxLength']:,} characters"
    return words


def _resolved(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(node.get("$ref", "")).rpartition("/")[2]
    return definitions[name] if name else node


def _named(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of what an object holds under names of the operator's."""
    if node.get("patternProperties"):
        (inner,) = node["patternProperties"].values()
        return dict(inner)
    inner = node.get("additionalProperties")
    return inner if isinstance(inner, dict) else {}


class _Writer:
    """Walks the schema, and writes a table for each section."""

    def __init__(self, definitions: Mapping[str, Any], comments: Mapping[str, str]) -> None:
        self._definitions = definitions
        self._comments = comments

    def sections(self, section: _Section) -> Iterator[_Section]:
        """Yield a section, and all that are in it, in the order of the schema."""
        yield section
        for key, node in section.node.get("properties", {}).items():
            default = getattr(section.default, key, None)
            if isinstance(default, Mapping):
                default = default.get(_SHOWN_POLICY)
            for inner in self._inner(key, node):
                known = default if is_dataclass(default) and not inner.kinds else None
                yield from self.sections(inner.within(section, known))

    def _inner(self, key: str, node: Mapping[str, Any]) -> Iterator[_Section]:
        """Yield the sections that a key opens: none for a plain value, several for alternatives."""
        resolved = self._with_words(node)
        if "properties" in resolved:
            yield _Section(key, key, resolved)
        elif "items" in resolved:
            item = self._with_words(resolved["items"])
            if "properties" in item:
                yield _Section(f"{key}[]", key, item, note="Each entry of the list has these keys.")
        elif "oneOf" in resolved:
            yield from self._alternatives(key, key, resolved)
        else:
            named = self._with_words(_named(resolved))
            if "oneOf" in named:
                yield _Section(key, key, {**resolved, "properties": {}})
                yield from self._alternatives(f"{key}.<name>", key, named)
            elif "properties" in named:
                note = f"The defaults are those of `{_SHOWN_POLICY}`; others are in the file."
                yield _Section(f"{key}.<kind>", key, named, note=note)

    def _alternatives(self, path: str, anchor: str, node: Mapping[str, Any]) -> Iterator[_Section]:
        for kind, reference in node["discriminator"]["mapping"].items():
            inner = self._with_words({"$ref": reference})
            yield _Section(path, f"{anchor}.{kind}", inner, kinds=(kind,))

    def _with_words(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a reference names, described by the place where it is used."""
        words = {"description": node["description"]} if "description" in node else {}
        return {**_resolved(node, self._definitions), **words}

    def lines(self, section: _Section) -> Iterator[str]:
        """Yield the Markdown of one section: heading, words, table of its plain keys."""
        keys = {
            key: node for key, node in section.node["properties"].items() if self._is_plain(node)
        }
        if section.path:
            depth = 2 + section.anchor.count(".")
            yield f"\n{'#' * min(depth, 4)} {section.title} {{ #{section.anchor} }}\n"
            yield f"{_sentence(section.node.get('description', ''))} {section.note}\n"
        if keys:
            yield "| key | value | default | meaning |\n|---|---|---|---|"
            yield from (self._row(section, key, node) for key, node in keys.items())

    def _is_plain(self, node: Mapping[str, Any]) -> bool:
        return not any(True for _ in self._inner("", node))

    def _row(self, section: _Section, key: str, node: Mapping[str, Any]) -> str:
        name = f"{section.anchor}.{key}"
        default = self._default(section, key, node)
        cells = [
            f'<a id="{name}"></a>`{key}`',
            value_text(node, key, self._definitions),
            "needed" if default is _NEEDED else _as_code(default),
            self._meaning(name, node),
        ]
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    def _default(self, section: _Section, key: str, node: Mapping[str, Any]) -> object:
        if is_dataclass(section.default):
            return getattr(section.default, key)
        return node.get("default", _NEEDED)

    def _meaning(self, name: str, node: Mapping[str, Any]) -> str:
        comment = self._comments.get(self._file_name(name), "")
        if not comment or comment.startswith(_LEANING):
            comment = self._with_words(node).get("description", "")
        return _sentence(comment.replace("<", "&lt;").replace("*", "\\*"))

    @staticmethod
    def _file_name(name: str) -> str:
        for section, own in _FILE_NAMES.items():
            if name.startswith(f"{section}."):
                return own + name.removeprefix(section)
        return name


def _sentence(text: str) -> str:
    return text if not text or text.endswith(".") else f"{text}."


def _as_code(value: object) -> str:
    if isinstance(value, Mapping):
        value = dict(value)
    is_name = isinstance(value, str) and value.replace("_", "").isalnum()
    text = str(value) if is_name else json.dumps(value, ensure_ascii=False, default=str)
    return f"`{text}`"
