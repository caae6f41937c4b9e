"""Tests of the kinds of text that several models hold."""

from __future__ import annotations

import pytest

from voxgate.config.field_rules import broken_rule
from voxgate.config.field_types import HttpUrl, Name, TcpAddress, VariableName


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (VariableName, "OPENAI_API_KEY"),
        (Name, "llama3.2:3b"),
        (HttpUrl, "http://127.0.0.1:11434/v1"),
        (HttpUrl, "https://models.example.com"),
        (TcpAddress, "tcp://whisper.lan:10300"),
        (TcpAddress, "tcp://[::1]:10300"),
    ],
)
def test_a_text_of_the_kind_is_taken(kind: object, text: str) -> None:
    """What people write breaks no rule."""
    assert broken_rule(text, kind) == ""


@pytest.mark.parametrize(
    ("kind", "text", "rule"),
    [
        (VariableName, "1KEY", "is not the name of an environment variable"),
        (VariableName, "sk-abc def", "is not the name of an environment variable"),
        (Name, "", "is empty"),
        (Name, "x" * 201, "is longer than 200 characters"),
        (HttpUrl, "ftp://host", "is not an http:// or https:// address"),
        (HttpUrl, "http://user:word@host/v1", "is not an http:// or https:// address"),
        (HttpUrl, "http://host/v1?key=1", "is not an http:// or https:// address"),
        (TcpAddress, "tcp://whisper", "is not tcp://host:port"),
        (TcpAddress, "whisper:10300", "is not tcp://host:port"),
    ],
)
def test_a_text_of_another_kind_is_refused_in_words(kind: object, text: str, rule: str) -> None:
    """The rule names what was expected."""
    assert broken_rule(text, kind) == rule
