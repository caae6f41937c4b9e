"""Secrets that stand where they must not."""

from __future__ import annotations

from voxgate.config.environment import Overrides
from voxgate.config.secret_search import find_secrets
from voxgate.config.yaml_document import Tree

NONE = Overrides(variables={}, problems=())


def test_secrets_are_found_by_key_and_by_look_at_any_depth() -> None:
    """In sections and lists, under known and unknown keys."""
    tree: Tree = {
        "providers": {"openai": {"api_key": "hunter2", "voice": "sk-abcdefgh12345678"}},
        "x": [{"token": 5}],
    }
    problems = find_secrets(tree, NONE, "a.yaml")
    assert [p.key for p in problems] == [
        "providers.openai.api_key",
        "providers.openai.voice",
        "x[0].token",
    ]


def test_the_secret_itself_is_not_told() -> None:
    """The message says where to put it instead."""
    (problem,) = find_secrets({"api_key": "hunter2"}, NONE, "a.yaml")
    assert "hunter2" not in str(problem)
    assert "***" in str(problem)
    assert "environment variable" in str(problem)


def test_a_secret_from_the_environment_names_its_variable() -> None:
    """Overrides are configuration too: they are shown by check-config."""
    overrides = Overrides(variables={("a", "token"): "VOXGATE__A__TOKEN"}, problems=())
    (problem,) = find_secrets({"a": {"token": "x"}}, overrides, "a.yaml")
    assert problem.source == "environment VOXGATE__A__TOKEN"


def test_names_of_variables_and_empty_keys_are_no_secrets() -> None:
    """The name is what belongs there, and a provider may be called token."""
    tree: Tree = {"api_key_env": "OPENAI_API_KEY", "api_key": None, "token": {"voice": "a"}}
    assert find_secrets(tree, NONE, "a.yaml") == []
