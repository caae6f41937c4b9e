"""Configurations with something wrong in them, made of keys that exist: seeded, so they recur."""

from __future__ import annotations

__all__ = ["ConfigFuzz"]

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from voxgate.config.environment import PREFIX
from voxgate.config.model_tree import flattened, to_tree
from voxgate.config.models import AppConfig

_ODD_TEXTS: tuple[str, ...] = (
    "", "~", "null", "true", "off", "0", "-1", "1", "20", "0.5", "8090", "1e400", "-.inf", ".nan",
    "0x1F", "0o17", "9" * 400, "9" * 1200, "''", '"\\ud800"', '"\\0"', "x" * 300, "embedded",
    "none", "wss://[", "ws://h/\u00e9", "sk-" + "a1" * 12, "[]", "{}", "[[[]]]",
    "{a: b}", "[1, two, {3: 4}]", "&a [*a]", "*a", "!!python/object:os.system x", "!!int x",
    "!!set {a, b}", "!!binary aGk=", "? x", "- x", "|\n  text", ">-\n  text", "# no", "<<",
    "{<<: {a: 1}}", "2026-11-22", "deepgram", "openai_realtime", "echo_aware", "server_vad", "::",
    "127.0.0.1",
)  # fmt: skip
"""What may stand where a value stands."""

_ODD_KEYS: tuple[str, ...] = (
    "", "~", "1", "[key]", "kind", "<<", "a.b", "a[0]", "x" * 80, "api_key", "'\\n'", "? [a]",
    "\u00e9", "&k k", "*k", "openai", "mine", "Providers", "true",
)  # fmt: skip
"""What may stand where a key stands."""

_SPECIALS = "\t\n\r :#-?[]{}&*!|>'\"%@`,~<\0\x85\u2028\ufeff\ud800\U0001f600"


class ConfigFuzz:
    """Makes documents and environments.

    Args:
        seed: The same seed gives the same ones.
    """

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        values = flattened(to_tree(AppConfig()))
        self._paths = [tuple(key.split(".")) for key in values]
        self._values = list(values.values())

    def next(self) -> tuple[str, dict[str, str]]:
        """Return the text of a document, and an environment."""
        text = self._written(self._tree(), 0)
        while self._rng.random() < 0.3:
            text = self._pick(_CHANGES)(self, text)
        return text, self._environment()

    def _pick(self, options: Any) -> Any:
        return options[self._rng.integers(len(options))]

    def _place(self) -> int:
        return int(self._rng.integers(len(self._paths)))

    def _tree(self) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        for _ in range(self._rng.integers(0, 5)):
            at = self._place()
            *sections, name = self._paths[at]
            section = tree
            for part in sections:
                inner = section.setdefault(self._key(part), {})
                section = inner if isinstance(inner, dict) else {}
            section[self._key(name)] = self._value(self._values[at])
        return tree

    def _key(self, key: str) -> str:
        return str(self._pick(_ODD_KEYS)) if self._rng.random() < 0.05 else key

    def _value(self, value: object) -> str:
        """Return the text of a value: as it was, another key's, or an odd one."""
        chance = self._rng.random()
        if chance < 0.4:
            return json.dumps(value)
        if chance < 0.5:
            return json.dumps(self._values[self._place()])
        if chance < 0.6 and isinstance(value, int | float):
            return repr(value * self._pick((0, -1, 2, 0.5, 1e3, 1e9)))
        return str(self._pick(_ODD_TEXTS))

    def _written(self, tree: dict[str, Any], depth: int) -> str:
        if self._rng.random() < 0.1:
            pairs = (f"{key}: {self._flow(value)}" for key, value in tree.items())
            return "  " * depth + "{" + ", ".join(pairs) + "}\n"
        text = ""
        for key, value in tree.items():
            if isinstance(value, dict):
                text += f"{'  ' * depth}{key}:\n{self._written(value, depth + 1)}"
            else:
                text += f"{'  ' * depth}{key}: {value}\n"
        return text

    def _flow(self, value: Any) -> str:
        if not isinstance(value, dict):
            return str(value)
        return "{" + ", ".join(f"{key}: {self._flow(inner)}" for key, inner in value.items()) + "}"

    def _flip(self, text: str) -> str:
        at = int(self._rng.integers(len(text) + 1))
        return text[:at] + self._pick(_SPECIALS) + text[at + 1 :]

    def _insert(self, text: str) -> str:
        at = int(self._rng.integers(len(text) + 1))
        return text[:at] + self._pick(_ODD_TEXTS) + text[at:]

    def _cut(self, text: str) -> str:
        start, end = sorted(int(at) for at in self._rng.integers(0, len(text) + 1, 2))
        return text[:start] + text[end:]

    def _double(self, text: str) -> str:
        start, end = sorted(int(at) for at in self._rng.integers(0, len(text) + 1, 2))
        return text[:end] + text[start:]

    def _nest(self, text: str) -> str:
        depth = int(self._pick((3, 19, 25, 300)))
        opening, closing = self._pick((("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")))
        return f"{text}deep: {opening * depth}{closing * depth}\n"

    def _environment(self) -> dict[str, str]:
        environ = {}
        while self._rng.random() < 0.3:
            at = self._place()
            name = PREFIX + "__".join(self._paths[at]).upper().replace("-", "_")
            if self._rng.random() < 0.1:
                name = self._pick((self._cut, self._flip, self._insert))(name)
            environ[name] = self._value(self._values[at])
        return environ


_CHANGES: tuple[Callable[[ConfigFuzz, str], str], ...] = (
    ConfigFuzz._flip, ConfigFuzz._flip, ConfigFuzz._insert, ConfigFuzz._cut, ConfigFuzz._double,
    ConfigFuzz._nest,
)  # fmt: skip
