"""A change is taken back where its keys still have the values that it gave them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from voxgate.config.edited_document import ABSENT
from voxgate.config.models import AppConfig
from voxgate.config.reload_rules import KeyChange, TakesEffect
from voxgate.observe.config_history import REDACTED_VALUE, ConfigChange
from voxgate.observe.config_undo import given_back, left_out, undo_problems


def change_of(*keys: tuple[str, Any, Any], added: tuple[str, ...] = ()) -> ConfigChange:
    """Return a change of key, old and new value each."""
    return ConfigChange(
        id="1",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        who="desk",
        keys=tuple(
            KeyChange(key=key, old=old, new=new, takes_effect=TakesEffect.RUNNING_CALLS)
            for key, old, new in keys
        ),
        is_saved=True,
        added=added,
    )


def test_keys_that_were_brought_go_and_others_get_their_value() -> None:
    """By name all of them."""
    change = change_of(("a.b", 1, 2), ("a.c", 3, 4), ("p.x", ABSENT, {}), added=("a.c", "p.x"))
    assert given_back(change) == {"a.b": 1, "a.c": 3, "p.x": ABSENT}
    assert left_out(change) == {"a.b": 1, "a.c": ABSENT, "p.x": ABSENT}


def test_what_still_has_the_value_of_the_change_can_be_taken_back() -> None:
    """The default of the key here."""
    assert undo_problems(change_of(("barge_in.min_ms", 200, 140)), AppConfig()) == []


@pytest.mark.parametrize(
    ("key", "old", "new", "rule"),
    [
        ("barge_in.min_ms", 140, 200, "barge_in.min_ms was changed again since: it is 140"),
        ("providers.mine", ABSENT, {}, "providers.mine was changed again since: it is not there"),
        ("routes", [], REDACTED_VALUE, "routes had a value that the history does not keep"),
        ("routes", [{"a": [REDACTED_VALUE]}], [], "routes had a value that the history does not"),
    ],
)
def test_what_stands_against_it_is_told(key: str, old: Any, new: Any, rule: str) -> None:
    """A secret is looked for in sections and lists too: nothing is given three stars."""
    (problem,) = undo_problems(change_of((key, old, new)), AppConfig())
    assert problem.key == "history"
    assert problem.rule.startswith(rule)
