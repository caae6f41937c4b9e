"""The reference of the configuration has every key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs_keys import key_comments, keys_markdown, unit_of, value_text
from voxgate.config.schema import json_schema

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json_schema()
PAGE = keys_markdown()
ROWS = dict(re.findall(r'^\| <a id="([^"]+)"></a>(.*) \|$', PAGE, re.MULTILINE))
ANCHORS = {*re.findall(r'<a id="([^"]+)">', PAGE), *re.findall(r"\{ #(\S+) \}", PAGE)}


def _cells(key: str) -> list[str]:
    """Return the cells of a key: its name, value, default and meaning."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", ROWS[key])]


def _keys_of_the_file() -> Iterator[str]:
    for key in key_comments((ROOT / "config/ai-agent.yaml").read_text(encoding="utf-8")):
        yield re.sub(r"^gating\.providers\.\w+", "gating.providers", key)


def test_every_key_of_the_models_is_on_the_page() -> None:
    """Under every model, as often as the schema has it, by name alone."""
    names = {part for key in ANCHORS for part in key.split(".")}
    for model in SCHEMA["$defs"].values():
        assert set(model.get("properties", ())) <= names
    assert set(SCHEMA["properties"]) <= ANCHORS


def test_every_commented_key_of_the_file_is_on_the_page() -> None:
    """At the place that it has in the file; providers by their kind."""
    for key in _keys_of_the_file():
        provider, _, name = key.removeprefix("providers.").partition(".")
        if not key.startswith("providers."):
            assert key.partition("[")[0] in ANCHORS
        elif name:
            kind = "openai_realtime" if provider in {"openai", "embedded"} else provider
            own = [each for each in ANCHORS if each.startswith(f"providers.{kind}.")]
            assert name.rpartition(".")[2] in {part for each in own for part in each.split(".")}


@pytest.mark.parametrize("key", sorted(ROWS))
def test_a_row_says_all(key: str) -> None:
    """What may stand there, what stands there, and what it is for."""
    name, value, default, meaning = _cells(key)
    assert name.startswith("`")
    assert value
    assert default
    assert meaning.endswith(".")
    assert len(meaning) > 10


@pytest.mark.parametrize(
    ("key", "value", "default"),
    [
        ("engine.provider_hold_ms", "whole number, 0 to 60,000&nbsp;ms", "`10000`"),
        (
            "barge_in.min_ms",
            "whole number, 20 to 2,000&nbsp;ms",
            "`140`",
        ),
        ("gating.providers.gating_enabled", "`true` or `false`", "`true`"),
        ("gating.providers.mode", "`off`, `half_duplex`, `vad`, `echo_aware`", "`echo_aware`"),
        ("lines.audiosocket.allowed_peers", "list (text) or `null`", "`null`"),
        ("routes.provider", "text", "needed"),
        ("announcements.fall_back.text", "text, at most 500 characters or `null`", None),
    ],
)
def test_rows_have_range_unit_and_default(key: str, value: str, default: str | None) -> None:
    """As the models have them."""
    assert _cells(key)[1] == value
    if default is not None:
        assert _cells(key)[2] == default


def test_the_meaning_is_the_comment_of_the_file() -> None:
    """In the operator's words; where the comment leans on another one, in the model's."""
    comments = key_comments((ROOT / "config/ai-agent.yaml").read_text(encoding="utf-8"))
    assert _cells("barge_in.cooldown_ms")[3] == comments["barge_in.cooldown_ms"]
    assert comments["announcements.lost.text"].startswith("As above")
    assert not any(_cells(key)[3].startswith("As above") for key in ROWS)


def test_comments_are_read_by_key() -> None:
    """Lines joined; a key without one has none."""
    text = "# One\n# two.\na:\n  # Inner.\n  b: 1\n  c: 2\n"
    assert key_comments(text) == {"a": "One two.", "a.b": "Inner."}


@pytest.mark.parametrize(
    ("key", "unit"),
    [
        ("a.b_ms", "ms"),
        ("a.share_db", "dB"),
        ("vad.energy_threshold", "RMS of 16-bit samples"),
        ("a.calls", ""),
    ],
)
def test_a_unit_is_in_the_name(key: str, unit: str) -> None:
    """As the house writes names."""
    assert unit_of(key) == unit


def test_values_in_words() -> None:
    """Alternatives, names and constants."""
    assert value_text({"const": "local"}, "kind", {}) == "`local`"
    named = {"type": "object", "additionalProperties": {"type": "string"}}
    assert value_text(named, "calls", {}) == "by name (text)"
    assert value_text({"type": "number", "minimum": 0}, "wait_s", {}) == "number, s"
