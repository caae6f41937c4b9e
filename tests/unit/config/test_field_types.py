"""Tests of the kinds of text that several models hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.config.field_rules import broken_rule
from voxgate.config.field_types import HttpUrl, Name, TcpAddress, VariableName, broken_address


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
        (TcpAddress, "tcp://whisper:65536", "has a port that is not in 1..65535"),
        (TcpAddress, "tcp://[:::1]:10300", "has brackets that hold no IPv6 address"),
        (HttpUrl, "http://host:99999/v1", "has a port that is not in 1..65535"),
        (HttpUrl, "http://host:0/v1", "has a port that is not in 1..65535"),
        (HttpUrl, "http://host:http/v1", "has a port that is not in 1..65535"),
        (HttpUrl, "http://[::1/v1", "has brackets that hold no IPv6 address"),
        (HttpUrl, "http://[127.0.0.1]/v1", "has brackets that hold no IPv6 address"),
    ],
)
def test_a_text_of_another_kind_is_refused_in_words(kind: object, text: str, rule: str) -> None:
    """The rule names what was expected."""
    assert broken_rule(text, kind) == rule


@given(st.text() | st.from_regex(r"[a-z]{2,5}://[\[\]:.0-9a-f@]*[/?#]?.*"))
def test_any_text_is_judged(text: str) -> None:
    """Whatever stands in a file, in words or not at all."""
    assert broken_address(text) in (
        "",
        "has a port that is not in 1..65535",
        "has brackets that hold no IPv6 address",
    )
