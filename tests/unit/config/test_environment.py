"""Overrides from environment variables."""

from __future__ import annotations

import pytest

from voxgate.config.environment import apply_environment
from voxgate.config.yaml_document import Tree


def test_a_variable_sets_one_key_of_its_type() -> None:
    """Values are YAML scalars, names are sections and keys in capitals."""
    tree: dict[str, Tree] = {"barge_in": {"min_ms": 140, "cooldown_ms": 500}}
    overrides = apply_environment(tree, {"VOXGATE__BARGE_IN__MIN_MS": "160", "PATH": "/bin"})
    assert tree == {"barge_in": {"min_ms": 160, "cooldown_ms": 500}}
    assert overrides.problems == ()
    assert overrides.variables == {("barge_in", "min_ms"): "VOXGATE__BARGE_IN__MIN_MS"}


def test_sections_are_made_where_the_file_has_none() -> None:
    """The environment can set a key of a section that the file leaves out or empty."""
    tree: dict[str, Tree] = {"vad": None}
    apply_environment(tree, {"VOXGATE__VAD__X": "1", "VOXGATE__LINES__AUDIOSOCKET__PORT": "0"})
    assert tree == {"vad": {"x": 1}, "lines": {"audiosocket": {"port": 0}}}


def test_a_hyphen_in_a_name_is_an_underscore_in_a_variable() -> None:
    """No shell lets a variable have a hyphen, and provider names may."""
    tree: dict[str, Tree] = {"providers": {"my-agent": {"voice": "a"}}}
    apply_environment(tree, {"VOXGATE__PROVIDERS__MY_AGENT__VOICE": "b"})
    assert tree == {"providers": {"my-agent": {"voice": "b"}}}


@pytest.mark.parametrize(
    ("variable", "key", "rule"),
    [
        ("VOXGATE__", "''", "is no key"),
        ("VOXGATE__VAD__", "vad.''", "is no key"),
        ("VOXGATE__VAD____X", "vad.''.x", "is no key"),
        ("VOXGATE__VAD", "vad", "can't be set: it is not a single value"),
        ("VOXGATE__N__X", "n.x", "can't be set: n is not a section"),
    ],
)
def test_a_variable_that_names_no_key_is_a_problem(variable: str, key: str, rule: str) -> None:
    """It is told, not ignored, and nothing is changed."""
    tree: dict[str, Tree] = {"vad": {"x": 1}, "n": 3}
    problem = apply_environment(tree, {variable: "5"}).problems[0]
    assert (problem.key, problem.source) == (key, f"environment {variable}")
    assert problem.rule.startswith(rule)
    assert tree == {"vad": {"x": 1}, "n": 3}


def test_a_value_that_is_no_text_is_a_problem() -> None:
    """Bytes that are no UTF-8 reach Python as surrogates."""
    problem = apply_environment({}, {"VOXGATE__A__B": "\udcff"}).problems[0]
    assert str(problem) == "a.b: holds a character that is not text (environment VOXGATE__A__B)"


def test_the_source_of_a_value_is_its_variable() -> None:
    """Also for what is missing in a section that a variable made."""
    tree: dict[str, Tree] = {"a": {"b": 1}}
    overrides = apply_environment(tree, {"VOXGATE__A__C": "1", "VOXGATE__D__E": "1"})
    assert overrides.source_of(("a", "c"), "file") == "environment VOXGATE__A__C"
    assert overrides.source_of(("a", "b"), "file") == "file"
    assert overrides.source_of(("d", "kind"), "file") == "environment VOXGATE__D__E"
    assert overrides.source_of((), "file") == "file"
