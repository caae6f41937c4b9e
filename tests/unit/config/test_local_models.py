"""Tests of the model of an agent on this machine."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from voxgate.config.load import parse_config
from voxgate.config.local_models import (
    ChatReplyConfig,
    LocalConfig,
    LocalTurnsConfig,
    PiperVoiceConfig,
    PocketsphinxConfig,
    RuleReplyConfig,
    WyomingRecogniserConfig,
    WyomingVoiceConfig,
)
from voxgate.errors import ConfigError

DOCUMENT = """
engine: {default_provider: home}
providers:
  home:
    kind: local
    recogniser: {kind: wyoming, url: "tcp://asr.lan:10300", language: de}
    reply: {kind: chat, url: "http://llm.lan:8000/v1", model: qwen3}
    voice: {kind: wyoming, url: "tcp://tts.lan:10200"}
"""


def test_the_default_needs_no_server_and_no_key() -> None:
    """Recognition, reply and speech run in this process."""
    local = LocalConfig()
    assert isinstance(local.recogniser, PocketsphinxConfig)
    assert isinstance(local.reply, RuleReplyConfig)
    assert isinstance(local.voice, PiperVoiceConfig)


def test_each_part_is_chosen_by_its_kind() -> None:
    """A file's sections become the models of the kinds that they name."""
    home = parse_config(DOCUMENT, "file", {}).config.providers["home"]
    assert isinstance(home, LocalConfig)
    assert home.recogniser == WyomingRecogniserConfig(url="tcp://asr.lan:10300", language="de")
    assert home.reply == ChatReplyConfig(url="http://llm.lan:8000/v1", model="qwen3")
    assert home.voice == WyomingVoiceConfig(url="tcp://tts.lan:10200")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("kind: chat", "kind: parrot", "providers.home.reply.kind: 'parrot' is not a known kind"),
        ("kind: chat, ", "", "providers.home.reply.kind: is missing; known: rules, chat"),
        ("tcp://asr.lan:10300", "asr.lan", "providers.home.recogniser.url: 'asr.lan' is not tcp"),
        ("language: de", "lang: de", "providers.home.recogniser.lang: is not a known key"),
    ],
)
def test_a_wrong_part_is_named_with_its_place(old: str, new: str, problem: str) -> None:
    """The error names the key inside the part."""
    with pytest.raises(ConfigError) as caught:
        parse_config(DOCUMENT.replace(old, new), "file", {})
    assert problem in str(caught.value)


def test_numbers_have_ranges() -> None:
    """A number outside of its range is refused in code as in a file."""
    with pytest.raises(ValueError, match=r"silence_duration_ms: 10 is not in 100\.\.10000"):
        LocalTurnsConfig(silence_duration_ms=10)
    with pytest.raises(ValueError, match=r"speed: 9\.0 is not in 0\.5\.\.2\.0"):
        PiperVoiceConfig(speed=9.0)


DOCS = Path(__file__).resolve().parents[3] / "docs" / "providers" / "local.md"
SNIPPETS = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_what_the_documentation_says_to_paste_is_valid(snippet: str) -> None:
    """Whole, or as a part of the local agent's section."""
    if snippet.startswith(" "):
        part = textwrap.indent(textwrap.dedent(snippet), "    ")
        snippet = (
            f"engine: {{default_provider: agent}}\nproviders:\n  agent:\n    kind: local\n{part}"
        )
    agent = parse_config(snippet, source="local.md", environ={}).config.providers["agent"]
    assert isinstance(agent, LocalConfig)
    assert agent != LocalConfig()


def test_the_documentation_shows_each_kind_of_part() -> None:
    """Nobody has to guess how a Wyoming server or a language model is named."""
    text = "".join(SNIPPETS)
    for kind in ("chat", "rules", "wyoming"):
        assert f"kind: {kind}" in text
