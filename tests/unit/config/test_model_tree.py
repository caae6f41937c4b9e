"""Models as trees, and what of them was changed."""

from __future__ import annotations

from dataclasses import replace

from voxgate.config.local_models import ChatReplyConfig, LocalConfig
from voxgate.config.model_tree import ChangedKey, changed_keys, flattened, to_tree
from voxgate.config.models import AppConfig, EngineConfig, LogLevel
from voxgate.config.provider_models import OpenAIRealtimeConfig
from voxgate.core.config import GatingMode, ProviderGatingPolicy


def test_a_model_becomes_what_a_file_would_hold() -> None:
    """Enums are their values, tuples lists, models sections."""
    policy = ProviderGatingPolicy(gating_enabled=True, mode=GatingMode.VAD, aliases=("a",))
    tree = to_tree({"x": policy})
    assert tree["x"]["mode"] == "vad"
    assert type(tree["x"]["mode"]) is str
    assert tree["x"]["aliases"] == ["a"]


def test_a_tree_is_flattened_to_full_keys() -> None:
    """A list is one value, an empty section none."""
    assert flattened({"a": {"b": 1, "c": [2, 3]}, "d": {}}) == {"a.b": 1, "a.c": [2, 3]}


def test_defaults_have_no_changed_keys() -> None:
    """The file that comes with the package reads as untouched."""
    assert changed_keys(AppConfig()) == ()


def test_a_changed_key_is_told_with_its_default() -> None:
    """check-config shows what an operator has turned."""
    config = replace(AppConfig(), engine=EngineConfig(log_level=LogLevel.DEBUG))
    assert changed_keys(config) == (
        ChangedKey(key="engine.log_level", value="debug", default="info"),
    )


def test_a_provider_of_a_new_name_is_compared_with_its_kind() -> None:
    """Twenty untouched keys of a second instance are no changes."""
    providers = {**AppConfig().providers, "desk": OpenAIRealtimeConfig(voice="cedar")}
    assert changed_keys(replace(AppConfig(), providers=providers)) == (
        ChangedKey(key="providers.desk.voice", value="cedar", default="marin"),
    )


def test_a_default_name_with_another_kind_is_compared_with_that_kind() -> None:
    """The name alone says nothing of the keys below it."""
    providers = {**AppConfig().providers, "local": OpenAIRealtimeConfig()}
    assert changed_keys(replace(AppConfig(), providers=providers)) == ()


def test_a_part_of_another_kind_is_compared_with_that_kind() -> None:
    """Its kind was turned, and what differs from the kind's own defaults; nothing else."""
    agent = LocalConfig(reply=ChatReplyConfig(max_tokens=90))
    providers = {**AppConfig().providers, "local": agent, "desk": agent}
    assert changed_keys(replace(AppConfig(), providers=providers)) == tuple(
        ChangedKey(key=f"providers.{name}.reply.{key}", value=value, default=default)
        for name in ("local", "desk")
        for key, value, default in (("kind", "chat", "rules"), ("max_tokens", 90, 200))
    )
