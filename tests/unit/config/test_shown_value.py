"""How values are written in messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.config.shown_value import REDACTED, is_secret_key, is_secret_text, shown_value


@pytest.mark.parametrize(
    "key",
    ["api_key", "apikey", "apiKey", "OPENAI_API_KEY", "token", "auth-token", "authToken",
     "password", "db_password", "client_secret", "private_key", "Authorization"],
)  # fmt: skip
def test_keys_that_name_a_secret_are_known(key: str) -> None:
    """Snake, kebab and camel case, and compounds, are all recognised."""
    assert is_secret_key(key)


@pytest.mark.parametrize(
    "key", ["api_key_env", "max_tokens", "monkey", "keyboard", "auth_header", "host", "kind"]
)
def test_keys_that_name_no_secret_are_left_alone(key: str) -> None:
    """The name of a variable, a count, or a word that ends alike is no secret."""
    assert not is_secret_key(key)


@pytest.mark.parametrize(
    "text",
    ["sk-proj-abcdefgh12345678", "wss://user:pw@host/x", "wss://host/x?api-key=abc",
     "https://host/?a=1&token=abc"],
)  # fmt: skip
def test_texts_that_hold_a_secret_are_known(text: str) -> None:
    """A key of the usual form, or a password in an address, is seen under any key."""
    assert is_secret_text(text)
    assert shown_value(text) == REDACTED


@pytest.mark.parametrize(
    "text",
    ["wss://host/v1?api-version=2025-08-28&deployment=x", "Ask for risk-averse-investment plans.",
     "Never read a password aloud.", ""],
)  # fmt: skip
def test_ordinary_texts_hold_no_secret(text: str) -> None:
    """Instructions and addresses with harmless parameters may be configured."""
    assert not is_secret_text(text)


def test_a_key_variable_is_redacted_even_when_its_value_is_no_known_secret() -> None:
    """Who pastes the key where its variable's name belongs does not see it in the log."""
    assert shown_value("hunter2!", "api_key_env") == REDACTED


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "null"), (True, "true"), (False, "false"), (-20, "-20"), (0.5, "0.5"), ("x", "'x'"),
     ([1], "a list"), ((1,), "a list"), ({"a": 1}, "a section"), ("a\nb", r"'a\nb'")],
)  # fmt: skip
def test_values_are_written_as_an_operator_knows_them(value: object, shown: str) -> None:
    """YAML's words for what YAML has words for, on one line."""
    assert shown_value(value) == shown


@given(st.one_of(st.text(), st.integers(), st.floats(), st.lists(st.integers())))
def test_every_value_is_one_short_line(value: object) -> None:
    """No value of a file can fill the screen or forge a second problem."""
    shown = shown_value(value)
    assert "\n" not in shown
    # Each of at most 60 characters can need an escape of ten.
    assert len(shown) <= 60 * 10 + 3
