"""What one key is: its meaning, unit and range, its value and where that comes from.

Invariant: all of it comes from the models and from the configuration at hand; nothing is said here
that could differ from what the loader does.
"""

from __future__ import annotations

__all__ = ["KeyHelp", "explain_key", "help_text"]

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..core.guard_profile import PROFILE_DEFAULTS
from ..errors import ConfigError, ConfigProblem
from .edited_document import ABSENT, key_path
from .key_lines import key_lines
from .keyed_changes import value_at
from .load import LoadedConfig
from .model_tree import changed_keys, flattened, to_tree
from .reload_rules import TakesEffect, rule_for
from .schema import json_schema
from .suggestion import likely_keys
from .yaml_document import Tree, parse_document

_UNITS = {
    "_ms": "ms",
    "_s": "s",
    "_hz": "Hz",
    "_db": "dB",
    "_dbfs": "dBFS",
    "_gb": "GB",
    "_days": "days",
    "_percent": "%",
    "_frames": "frames of 20 ms",
    "_ratio": "ratio",
    "_speed": "ratio",
}
"""By the end of a key's name; energies are RMS of 16-bit samples, as their meaning says."""
_TYPES = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "array": "list",
    "object": "section",
}
_EFFECTS = {
    TakesEffect.RUNNING_CALLS: "at once, on running calls too",
    TakesEffect.NEW_CALLS: "on calls that begin after it",
    TakesEffect.RESTART: "after a restart only",
}
_MAX_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHelp:
    """Everything about one key."""

    key: str
    """Full dotted key."""
    meaning: str
    """The docstring of its field."""
    type: str
    """In words; null is named where it is allowed."""
    unit: str | None
    """Of a number, where its name says it."""
    range: str | None
    """``20..2000``, or what else bounds it."""
    choices: tuple[str, ...]
    """Its values, where these are all there are."""
    default: Tree
    """The model's; None of a section, whose keys have their own."""
    value: Tree
    """In force."""
    origin: str
    """``default``, a profile, file and line, or an environment variable."""
    takes_effect: TakesEffect
    """What a change reaches while voxgate runs."""
    why: str
    """What makes it so."""
    keys: tuple[str, ...] = ()
    """Of a section: the keys in it."""


def explain_key(key: str, loaded: LoadedConfig, text: str) -> KeyHelp:
    """Return everything about one key of a configuration.

    Args:
        key: Full dotted key, such as ``barge_in.min_ms``, or a section's.
        loaded: The configuration.
        text: The document that it was read from.

    Raises:
        ConfigError: there is no such key; one that is like it is named.
    """
    tree = to_tree(loaded.config)
    path = key_path(key)
    value, node = value_at(tree, path), _schema_at(path, tree)
    if value is ABSENT or node is None:
        raise ConfigError([_unknown(key, tree)])
    is_section = isinstance(value, dict)
    changed = {each.key: each.default for each in changed_keys(loaded.config)}
    rule = rule_for(key)
    return KeyHelp(
        key=key,
        meaning=node.get("description", ""),
        type=_type_of(node),
        unit=next((unit for end, unit in _UNITS.items() if key.endswith(end)), None),
        range=_range_of(node),
        choices=tuple(map(str, node.get("enum", ()))),
        default=None if is_section else changed.get(key, value),
        value=value,
        origin=_origin_of(key, loaded, text),
        takes_effect=rule.takes_effect,
        why=rule.why,
        keys=tuple(f"{key}.{name}" for name in value) if isinstance(value, dict) else (),
    )


def help_text(help_: KeyHelp) -> str:
    """Return it as lines for a terminal."""
    bounds = ", ".join(filter(None, (help_.range, help_.unit)))
    rows = [
        ("meaning", help_.meaning),
        ("type", f"{help_.type}{f': {bounds}' if bounds else ''}"),
        ("choices", ", ".join(help_.choices)),
        ("keys", ", ".join(name.rpartition(".")[2] for name in help_.keys)),
    ]
    if not help_.keys:
        rows += [("default", _shown(help_.default)), ("value", _shown(help_.value))]
    rows += [
        ("comes from", help_.origin),
        ("a change", f"takes effect {_EFFECTS[help_.takes_effect]}: {help_.why}"),
    ]
    return "\n".join([help_.key, *(f"  {title:<12} {text}" for title, text in rows if text)])


def _unknown(key: str, tree: Tree) -> ConfigProblem:
    keys = [name.split("[")[0] for name in flattened(tree)]
    meant = likely_keys(key, keys)
    hint = f"; did you mean {' or '.join(meant)}?" if meant else ""
    return ConfigProblem(
        key=key, value="", rule=f"is not a key of the configuration{hint}", source="--explain"
    )


def _origin_of(key: str, loaded: LoadedConfig, text: str) -> str:
    path = key_path(key)
    source = loaded.source_of(*path)
    if source != loaded.source:
        return source
    if value_at(parse_document(text, source)[0], path) is not ABSENT:
        line = key_lines(text).get(key)
        return source if line is None else f"{source}:{line}"
    profile = loaded.config.audio_guard.profile
    if path[0] == "audio_guard" and path[-1] in PROFILE_DEFAULTS[profile]:
        return f"the profile {profile.value}"
    return "default"


def _shown(value: Tree) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


# -- the schema ------------------------------------------------------------------------------------


@cache
def _schema() -> dict[str, Any]:
    return json_schema()


def _schema_at(path: tuple[str, ...], tree: Any) -> dict[str, Any] | None:
    """Return the schema of a key, resolved; None where there is none."""
    node: dict[str, Any] | None = _schema()
    for name in path:
        node = _inner(node or {}, name)
        tree = tree.get(name) if isinstance(tree, Mapping) else None
        if node is None:
            return None
        node = _resolved(node, tree)
    return node


def _inner(node: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """Return the schema of a key within a section."""
    own: dict[str, Any] | None = node.get("properties", {}).get(name)
    named = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
    return own or next((each for each in named if isinstance(each, dict)), None)


def _resolved(node: dict[str, Any], value: Any) -> dict[str, Any]:
    """Follow references, the kind that is configured, and what there is beside null."""
    if "$ref" in node:
        definition = _schema()["$defs"][node["$ref"].rpartition("/")[2]]
        own = {name: each for name, each in node.items() if name != "$ref"}
        return _resolved({**definition, **own}, value)
    if "oneOf" in node and isinstance(value, Mapping):
        chosen = node["discriminator"]["mapping"][value["kind"]]
        own = {name: node[name] for name in ("description",) if name in node}
        return _resolved({"$ref": chosen, **own}, value)
    if "anyOf" in node:
        others = [each for each in node["anyOf"] if each.get("type") != "null"]
        own = {name: each for name, each in node.items() if name != "anyOf"}
        if len(others) == 1:
            return {**_resolved(others[0], value), **own, "is_nullable": True}
    return node


def _type_of(node: Mapping[str, Any]) -> str:
    kinds = node.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    words = [_TYPES[kind] for kind in kinds if kind in _TYPES]
    return " or ".join([*words, *(["null"] if node.get("is_nullable") else [])]) or "value"


def _range_of(node: Mapping[str, Any]) -> str | None:
    if "minimum" in node and "maximum" in node:
        return f"{node['minimum']}..{node['maximum']}"
    if "maxLength" in node:
        return f"{node.get('minLength', 0)} to {node['maxLength']} characters"
    return None
