"""Every key says what a change of it reaches, and every difference is found."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.config import reload_rules
from voxgate.config.edited_document import ABSENT
from voxgate.config.local_models import LocalConfig, RuleReplyConfig
from voxgate.config.model_tree import flattened, to_tree
from voxgate.config.models import AppConfig, EngineConfig
from voxgate.config.provider_models import DeepgramConfig, OpenAIRealtimeConfig
from voxgate.config.reload_rules import (
    RELOAD_RULES,
    TakesEffect,
    changes_between,
    config_keys,
    restart_problems,
    rule_for,
)
from voxgate.config.route_models import RouteConfig
from voxgate.core.config import BargeInConfig

RUNNING, NEW, RESTART = TakesEffect


def test_every_key_of_the_models_has_a_rule() -> None:
    """Whoever adds a key says what a change of it reaches."""
    keys = config_keys()
    assert {key.partition(".")[0] for key in keys} == {field.name for field in fields(AppConfig)}
    assert [key for key in keys if not rule_for(key).why] == []


def test_every_rule_has_a_key() -> None:
    """A rule for a key that is gone would hide the next key of that name."""
    used = {rule_for(key).key for key in config_keys()}
    assert [rule.key for rule in RELOAD_RULES if rule.key not in used] == []
    assert len({rule.key for rule in RELOAD_RULES}) == len(RELOAD_RULES)


def test_the_keys_are_those_of_the_default_configuration() -> None:
    """All that a configuration holds is among them, names of one's own aside."""
    keys = {tuple(key.split(".")) for key in config_keys()}
    for key in flattened(to_tree(AppConfig())):
        path = key.split(".")
        if path[0] in ("providers", "gating"):
            path[1 if path[0] == "providers" else 2] = "*"
        assert any(tuple(path[:n]) in keys for n in range(1, len(path) + 1)), key


@pytest.mark.parametrize(
    ("key", "takes_effect"),
    [
        ("barge_in.min_ms", RUNNING),
        ("gating.providers.openai_realtime.sensitivity", RUNNING),
        ("gating.providers.openai_realtime.mode", NEW),
        ("audio_guard.speech_evidence", NEW),
        ("audio_guard.hangover_ms", RUNNING),
        ("engine.max_calls", NEW),
        ("engine.log_level", RUNNING),
        ("providers.mine.url", NEW),
        ("providers.mine", NEW),
        ("providers.mine.kind", RESTART),
        ("providers.mine.voice", NEW),
        ("providers.mine.voice.speed", RESTART),
        ("routes", NEW),
        ("lines.twilio.parameters.language", RESTART),
        ("realtime_server.port", RESTART),
    ],
)
def test_the_longest_rule_that_fits_counts(key: str, takes_effect: TakesEffect) -> None:
    """A rule holds for all below it that has none of its own."""
    assert rule_for(key).takes_effect is takes_effect


def test_what_is_no_key_has_no_rule() -> None:
    """An unknown section is nobody's."""
    with pytest.raises(KeyError, match="weather"):
        rule_for("weather.wind")


def test_equal_configurations_differ_in_nothing() -> None:
    """Nothing was changed."""
    assert changes_between(AppConfig(), AppConfig()) == ()


def test_a_changed_key_is_told_with_both_values() -> None:
    """And with what it reaches."""
    (change,) = changes_between(
        AppConfig(), replace(AppConfig(), barge_in=BargeInConfig(min_ms=200))
    )
    assert (change.key, change.old, change.new) == ("barge_in.min_ms", 140, 200)
    assert change.takes_effect is RUNNING


def test_a_section_that_came_or_went_is_one_change() -> None:
    """A provider is added, or removed, as a whole."""
    old = AppConfig()
    added = {**old.providers, "mine": DeepgramConfig()}
    new = replace(old, providers=added)
    (change,) = changes_between(old, new)
    assert (change.key, change.old, change.takes_effect) == ("providers.mine", ABSENT, NEW)
    assert change.new == to_tree(DeepgramConfig())
    (back,) = changes_between(new, old)
    assert (back.key, back.new) == ("providers.mine", ABSENT)


def test_a_provider_of_another_kind_needs_a_restart() -> None:
    """Running calls may still turn to the name."""
    old = AppConfig(providers={**AppConfig().providers, "mine": OpenAIRealtimeConfig()})
    new = AppConfig(providers={**AppConfig().providers, "mine": DeepgramConfig()})
    changes = changes_between(old, new)
    assert "providers.mine.kind" in {change.key for change in changes}
    (problem,) = restart_problems(changes)
    assert (problem.key, problem.value) == ("providers.mine.kind", "'deepgram'")
    assert "'openai_realtime'" in problem.rule
    assert "restart" in problem.rule


def test_parts_of_local_agents_need_a_restart_and_the_rest_does_not() -> None:
    """They are processes and connections that are started once."""
    old = AppConfig()
    local = LocalConfig(greeting=None, reply=RuleReplyConfig(otherwise="What?"))
    changes = changes_between(old, replace(old, providers={**old.providers, "local": local}))
    assert {change.key: change.takes_effect for change in changes} == {
        "providers.local.greeting": NEW,
        "providers.local.reply.otherwise": RESTART,
    }


def test_routes_are_one_value() -> None:
    """A list has no keys of its own."""
    new = replace(AppConfig(), routes=(RouteConfig(provider="openai"),))
    (change,) = changes_between(AppConfig(), new)
    assert (change.key, change.old) == ("routes", [])


def test_what_is_equal_is_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event loop waits for it, however many routes and providers there are."""
    old, seen = AppConfig(), []

    def tree(value: object) -> object:
        seen.append(type(value))
        return to_tree(value)

    monkeypatch.setattr(reload_rules, "to_tree", tree)
    new = replace(old, engine=replace(old.engine, max_calls=7))
    assert [change.key for change in changes_between(old, new)] == ["engine.max_calls"]
    assert seen == [EngineConfig, EngineConfig]


def test_no_problem_quotes_a_secret() -> None:
    """A variable's name that looks like a secret's is not shown either."""
    old = AppConfig()
    lines = replace(old.lines, twilio=replace(old.lines.twilio, auth_token_env="OTHER"))  # noqa: S106 - a name
    (problem,) = restart_problems(changes_between(old, replace(old, lines=lines)), "a.yaml")
    assert problem.source == "a.yaml"
    assert "OTHER" not in str(problem)


@given(
    st.builds(
        EngineConfig,
        fall_back_after_s=st.floats(0.5, 120.0),
        max_calls=st.integers(1, 10_000),
        provider_hold_ms=st.integers(0, 60_000),
    ),
    st.builds(EngineConfig, max_calls=st.integers(1, 10_000)),
)
def test_changes_are_exactly_what_differs(one: EngineConfig, other: EngineConfig) -> None:
    """Both ways, with old and new in each other's place."""
    old, new = replace(AppConfig(), engine=one), replace(AppConfig(), engine=other)
    found = {change.key: (change.old, change.new) for change in changes_between(old, new)}
    flat_old, flat_new = flattened(to_tree(old)), flattened(to_tree(new))
    assert found == {
        key: (flat_old[key], flat_new[key]) for key in flat_old if flat_old[key] != flat_new[key]
    }
    back = {change.key: (change.new, change.old) for change in changes_between(new, old)}
    assert back == found
