"""A key is explained by its model and by the configuration at hand."""

from __future__ import annotations

import pytest

from voxgate.config.key_help import KeyHelp, explain_key, help_text
from voxgate.config.load import parse_config
from voxgate.config.model_tree import flattened, to_tree
from voxgate.config.models import AppConfig
from voxgate.config.reload_rules import TakesEffect
from voxgate.errors import ConfigError

TEXT = """\
engine: {max_calls: 7, fall_back_provider: openai}
barge_in:
  min_ms: 200
lines: {audiosocket: {allowed_peers: [127.0.0.1]}}
"""


def explain(key: str, text: str = TEXT, **environ: str) -> KeyHelp:
    return explain_key(key, parse_config(text, "a.yaml", environ), text)


def test_a_number_has_meaning_unit_range_default_and_line() -> None:
    """And what a change of it takes effect on."""
    found = explain("barge_in.min_ms")
    assert "the gate opens over the agent" in found.meaning
    assert (found.type, found.unit, found.range) == ("whole number", "ms", "20..2000")
    assert (found.default, found.value, found.origin) == (140, 200, "a.yaml:3")
    assert found.takes_effect is TakesEffect.RUNNING_CALLS
    assert help_text(found).splitlines() == [
        "barge_in.min_ms",
        f"  meaning      {found.meaning}",
        "  type         whole number: 20..2000, ms",
        "  default      140",
        "  value        200",
        "  comes from   a.yaml:3",
        "  a change     takes effect at once, on running calls too: asked of each frame",
    ]


def test_where_a_value_comes_from() -> None:
    """A variable before the file, the file before the default."""
    assert explain("engine.max_calls").origin == "a.yaml:1"
    assert explain("engine.drain_timeout_s").origin == "default"
    found = explain("barge_in.min_ms", VOXGATE__BARGE_IN__MIN_MS="160")
    assert (found.value, found.origin) == (160, "environment VOXGATE__BARGE_IN__MIN_MS")
    aliased = "engine: &e {max_calls: 7}\nvad: {energy_threshold: 9}\n"
    assert explain("vad.energy_threshold", aliased).origin == "a.yaml:2"


def test_a_word_has_choices() -> None:
    """With the meaning of its kind where its field has none of its own."""
    found = explain("gating.providers.openai_realtime.mode")
    assert found.choices == ("off", "half_duplex", "vad", "echo_aware")
    assert found.meaning
    assert "choices" in help_text(found)


def test_a_policy_has_the_default_of_its_kind() -> None:
    """Not that of the model."""
    assert explain("gating.providers.deepgram.gating_enabled").default is False
    assert explain("gating.providers.openai_realtime.gating_enabled").default is True


def test_null_and_text_and_lists_are_named() -> None:
    """In words."""
    assert explain("engine.fall_back_provider").type == "text or null"
    assert explain("lines.audiosocket.allowed_peers").type == "list or null"
    assert explain("providers.openai.instructions").range == "0 to 20000 characters"
    assert explain("engine.reload_on_change").type == "true or false"


def test_a_part_is_explained_by_its_kind() -> None:
    """Of those that could stand there, the one that is configured."""
    assert explain("providers.local.recogniser.processes").range == "1..32"
    text = "providers: {embedded: {kind: openai_realtime, url: embedded},"
    text += " mine: {kind: local, recogniser: {kind: wyoming}}}\n"
    assert "Address of the server" in explain("providers.mine.recogniser.url", text).meaning


def test_a_section_names_its_keys() -> None:
    """And has no value of its own to show."""
    found = explain("idle_fill")
    assert found.keys == ("idle_fill.after_ms",)
    assert "  keys         after_ms" in help_text(found)
    assert "value" not in help_text(found)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("barge_in.min", "did you mean barge_in.min_ms"),
        ("min_ms", "did you mean barge_in.min_ms?"),
        ("weather", "is not a key of the configuration"),
        ("barge_in.min_ms.x", "is not a key"),
        ("a..b", "is not the name of a key"),
    ],
)
def test_what_is_no_key_is_told_with_one_like_it(key: str, hint: str) -> None:
    """As typed wrongly, or by its last part."""
    with pytest.raises(ConfigError) as info:
        explain(key)
    assert hint in str(info.value)


def test_every_key_of_the_default_configuration_is_explained() -> None:
    """With a meaning, a type and the default as its value."""
    loaded = parse_config("", "a.yaml", {})
    for key in flattened(to_tree(AppConfig())):
        found = explain_key(key, loaded, "")
        assert found.type != "value", key
        assert found.meaning or key.endswith("kind"), key
        assert found.default == found.value, key
        assert found.origin == "default"
