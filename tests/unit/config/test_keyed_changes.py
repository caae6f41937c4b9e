"""A change reaches the keys that were asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from voxgate.config.edited_document import ABSENT
from voxgate.config.environment import apply_environment
from voxgate.config.keyed_changes import (
    changed_document,
    locked_keys,
    locked_problems,
    overridden_changes,
    unasked_problems,
    value_at,
)
from voxgate.config.load import config_of_tree
from voxgate.config.models import AppConfig
from voxgate.config.reload_rules import changes_between
from voxgate.core.config import BargeInConfig


def test_a_provider_is_changed_where_the_document_names_none() -> None:
    """All that are in force are written down, as the section takes the place of the default."""
    config = AppConfig()
    tree = changed_document({}, {"providers.openai.voice": "cedar"}, config, "a.yaml")
    assert tree["providers"]["embedded"] == {"kind": "openai_realtime", "url": "embedded"}
    loaded = config_of_tree(tree, "a.yaml", {}).config
    (change,) = changes_between(config, loaded)
    assert (change.key, change.new) == ("providers.openai.voice", "cedar")


def test_other_sections_and_providers_that_are_named_stay_as_written() -> None:
    """Nothing is added to them."""
    tree = {"providers": {"mine": {"kind": "deepgram"}}, "vad": None}
    changes = {"providers.mine.greeting": None, "barge_in.min_ms": 200}
    assert changed_document(tree, changes, AppConfig(), "a.yaml") == {
        "providers": {"mine": {"kind": "deepgram", "greeting": None}},
        "vad": None,
        "barge_in": {"min_ms": 200},
    }


def test_what_the_environment_sets_is_locked_by_its_key() -> None:
    """The key, not the sections that had to be made for it."""
    tree = {"engine": {"max_calls": 3}}
    overrides = apply_environment(
        tree, {"VOXGATE__BARGE_IN__MIN_MS": "200", "VOXGATE__ENGINE__MAX_CALLS": "4"}
    )
    assert locked_keys(overrides) == {
        "barge_in.min_ms": "VOXGATE__BARGE_IN__MIN_MS",
        "engine.max_calls": "VOXGATE__ENGINE__MAX_CALLS",
    }


def test_a_locked_key_that_a_document_changes_is_told() -> None:
    """Whether it was there before or not."""
    old, new = {"engine": {"max_calls": 3}}, {"engine": {"max_calls": 5}, "vad": {"x": 1}}
    locked = ("engine.max_calls", "vad.x", "vad.y")
    assert overridden_changes(old, new, locked) == ("engine.max_calls", "vad.x")
    assert overridden_changes(old, old, locked) == ()


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        (["barge_in.min_ms"], []),
        (["barge_in"], []),
        (["engine.max_calls"], ["barge_in.min_ms"]),
    ],
)
def test_a_change_that_nobody_asked_for_is_a_problem(asked: list[str], keys: list[str]) -> None:
    """By its key."""
    found = changes_between(AppConfig(), replace(AppConfig(), barge_in=BargeInConfig(min_ms=300)))
    assert [problem.key for problem in unasked_problems(found, asked, "a.yaml")] == keys


def test_a_profile_brings_its_thresholds_along() -> None:
    """They are its meaning."""
    config = AppConfig()
    other = replace(config, audio_guard=replace(config.audio_guard, hangover_ms=700))
    found = changes_between(config, other)
    assert unasked_problems(found, ["audio_guard.profile"], "a.yaml") == []


def test_a_value_is_found_by_its_path() -> None:
    """Or is absent; null is a value."""
    tree = {"a": {"b": None}}
    assert value_at(tree, ("a", "b")) is None
    assert value_at(tree, ("a", "b", "c")) is ABSENT
    assert value_at(tree, ("x",)) is ABSENT


@pytest.mark.parametrize("key", ["engine.max_calls", "engine", "engine.max_calls.x"])
def test_a_locked_key_is_a_problem_wherever_it_is_met(key: str) -> None:
    """By itself, in its section, or below it; the variable is told."""
    locked = {"engine.max_calls": "VOXGATE__ENGINE__MAX_CALLS"}
    (problem,) = locked_problems([key, "vad"], locked)
    assert problem.key == key
    assert "VOXGATE__ENGINE__MAX_CALLS" in problem.rule
