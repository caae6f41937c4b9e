"""A configuration's document, as text and as what it holds, and what changes make of it.

Invariant: text and tree say the same, and are never changed: a change makes another document.
"""

from __future__ import annotations

__all__ = ["Changes", "ConfigDocument"]

from collections.abc import Mapping
from dataclasses import dataclass, field

from .edited_document import Absent, edited_text
from .keyed_changes import changed_document
from .load import LoadedConfig, config_of_tree, parse_config
from .models import AppConfig
from .yaml_document import Tree, parse_document

Changes = Mapping[str, Tree | Absent]
"""New values by dotted key; ``ABSENT`` takes a key away, so that its default holds."""


@dataclass(frozen=True, slots=True)
class ConfigDocument:
    """The document that a configuration was read from, or comes to with changes."""

    text: str = ""
    source: str = "configuration"
    """As messages name it."""
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Where overrides are looked for."""
    tree: Mapping[str, Tree] = field(default_factory=dict)
    """What it holds, the environment left aside."""

    @classmethod
    def parsed(
        cls, text: str, source: str, environ: Mapping[str, str]
    ) -> tuple[ConfigDocument, LoadedConfig]:
        """Return the document of a text, and what it comes to.

        Raises:
            ConfigError: with everything that is wrong in it.
        """
        loaded = parse_config(text, source, environ)
        return cls(text, source, environ, parse_document(text, source)[0]), loaded

    def judged_with(self, changes: Changes, config: AppConfig) -> LoadedConfig:
        """Return what it comes to with changes.

        Args:
            changes: Values by key.
            config: What is in force.

        Raises:
            ConfigError: with everything that is wrong then.
        """
        tree = changed_document(self.tree, changes, config, self.source)
        return config_of_tree(tree, self.source, self.environ)

    def edited(self, changes: Changes, config: AppConfig) -> ConfigDocument:
        """Return the document with changes, in which every other character is the same.

        Raises:
            ConfigError: a key can't be changed by itself as it is written here.
        """
        tree = changed_document(self.tree, changes, config, self.source)
        wanted = dict(changes)
        if tree.get("providers") is not None and self.tree.get("providers") is None:
            wanted = {key: each for key, each in changes.items() if not _is_of_provider(key)}
            wanted["providers"] = tree["providers"]
        text = edited_text(self.text, wanted, self.source)
        return ConfigDocument(text, self.source, self.environ, parse_document(text, self.source)[0])


def _is_of_provider(key: str) -> bool:
    return key == "providers" or key.startswith("providers.")
