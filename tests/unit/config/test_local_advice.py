"""A local agent that others can hear, or that has keys nobody reads, is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxgate.config.advice import config_warnings
from voxgate.config.load import parse_config
from voxgate.config.local_advice import local_warnings


def warned(
    section: str, environ: dict[str, str] | None = None, *, answers: bool = True
) -> dict[str, str]:
    embedded = "embedded: {kind: openai_realtime, url: embedded}"
    document = f"providers: {{{embedded}, a: {{kind: local, {section}}}}}"
    if answers:
        document += "\nengine: {default_provider: a}"
    config = parse_config(document, "a.yaml", {}).config
    return dict(local_warnings(config, environ or {}))


@pytest.mark.parametrize(
    "section",
    [
        "turns: {silence_duration_ms: 700}",
        "reply: {kind: chat}",
        "reply: {kind: chat, url: 'http://[::1]:80/v1', model: m}",
        "reply: {kind: chat, url: 'https://llm.example.com/v1', model: m}",
        "recogniser: {kind: wyoming}, voice: {kind: wyoming, url: 'tcp://localhost:1'}",
        "reply: {kind: chat}, instructions: Be brief., tools: {transfer_targets: {a: '1'}}",
    ],
)
def test_what_stays_on_this_machine_or_is_encrypted_is_fine(section: str) -> None:
    """The defaults among it."""
    assert warned(section) == {}


@pytest.mark.parametrize("part", ["recogniser", "voice"])
def test_a_wyoming_server_elsewhere_is_told(part: str) -> None:
    """Whether it answers or not: it may tomorrow."""
    found = warned(f"{part}: {{kind: wyoming, url: 'tcp://10.0.0.1:1'}}", answers=False)
    assert "can hear the call" in found[f"providers.a.{part}.url"]


def test_a_model_elsewhere_without_encryption_is_told() -> None:
    """With its key, if it has one."""
    url = "reply: {kind: chat, url: 'http://llm.lan/v1'"
    assert "http:// shows what is said" in warned(url + "}")["providers.a.reply.url"]
    found = warned(url + ", api_key_env: KEY}", {"KEY": "x"})
    assert "shows the key and what is said" in found["providers.a.reply.url"]


def test_a_key_that_is_not_set_is_told_where_it_is_needed() -> None:
    """By its variable, as serve would refuse."""
    section = "reply: {kind: chat, api_key_env: CHAT_KEY}"
    assert "CHAT_KEY is not set" in warned(section)["providers.a.reply.api_key_env"]
    assert warned(section, {"CHAT_KEY": "x"}) == {}
    assert warned(section, answers=False) == {}


def test_what_rules_do_not_read_is_told() -> None:
    """It is for a language model."""
    found = warned("instructions: Be brief., tools: {transfer_targets: {desk: '100'}}")
    assert set(found) == {"providers.a.instructions", "providers.a.tools.transfer_targets"}


def test_it_is_among_the_warnings_of_a_configuration() -> None:
    """So that ``check-config`` and ``serve`` tell it."""
    document = (
        "engine: {default_provider: local}\nproviders: {local: {kind: local, instructions: Hm.}}"
    )
    config = parse_config(document, "a.yaml", {}).config
    assert "providers.local.instructions" in {w.key for w in config_warnings(config, {})}


def test_a_server_that_is_asked_for_the_default_model_is_told() -> None:
    """Ollama on this machine may have it; a server of another address has its own."""
    found = warned("reply: {kind: chat, url: 'http://127.0.0.1:8000/v1'}")
    assert found == {
        "providers.a.reply.model": "llama3.2, the default, is asked for: name a model that this "
        "server has"
    }


def test_a_voice_that_is_not_there_is_told_where_it_is_needed(tmp_path: Path) -> None:
    """Either of its files; serve would not start."""
    voice = tmp_path / "voice.onnx"
    section = f"voice: {{kind: piper, model: {voice}}}"
    key = "providers.a.voice.model"
    assert warned(section) == {key: f"'{voice}': there is no such file, and serve will not start"}
    voice.touch()
    assert warned(section)[key].startswith(f"'{voice}.json': there is no such file")
    assert warned(section, answers=False) == {}
    Path(f"{voice}.json").touch()
    assert warned(section) == {}
