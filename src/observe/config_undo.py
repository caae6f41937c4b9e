"""What takes a change of the configuration back, and what stands against that.

Invariant: a key is given back only where it still has the value that the change gave it.
"""

from __future__ import annotations

__all__ = ["given_back", "left_out", "undo_problems"]

from ..config.config_document import Changes
from ..config.edited_document import ABSENT, Absent, key_path
from ..config.keyed_changes import value_at
from ..config.model_tree import to_tree
from ..config.models import AppConfig
from ..config.reload_rules import KeyChange
from ..config.shown_value import shown_value
from ..config.yaml_document import Tree
from ..errors import ConfigProblem
from .config_history import REDACTED_VALUE, ConfigChange


def given_back(change: ConfigChange) -> Changes:
    """Return what gives each key of a change its old value, by name."""
    return {each.key: each.old for each in change.keys}


def left_out(change: ConfigChange) -> Changes:
    """Return the same, but that the keys which the change brought into the document go from it."""
    return {**given_back(change), **dict.fromkeys(change.added, ABSENT)}


def undo_problems(change: ConfigChange, config: AppConfig) -> list[ConfigProblem]:
    """Return a problem for each key of a change that can't be given its old value.

    Args:
        change: To be taken back.
        config: What is in force.
    """
    tree = to_tree(config)
    return [
        ConfigProblem(key="history", value="", rule=f"{each.key} {rule}", source="configuration")
        for each in change.keys
        if (rule := _cannot_undo(each, value_at(tree, key_path(each.key))))
    ]


def _cannot_undo(change: KeyChange, current: Tree | Absent) -> str | None:
    """Return why one key of a change can't be given its old value."""
    if _is_redacted(change.old) or _is_redacted(change.new):
        return "had a value that the history does not keep"
    if current != change.new:
        shown = "not there" if current is ABSENT else shown_value(current, change.key)
        return f"was changed again since: it is {shown}"
    return None


def _is_redacted(value: Tree | Absent) -> bool:
    """Return whether anything in a value is not what it was."""
    if isinstance(value, dict):
        return any(map(_is_redacted, value.values()))
    if isinstance(value, list):
        return any(map(_is_redacted, value))
    return value == REDACTED_VALUE
