"""Which pages may call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.transports.browser.origins import is_allowed_origin

LISTED = ("https://voice.example.com", "http://10.0.0.9:3000")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "127.0.0.1:8092"),
        (None, None),
        ("https://voice.example.com", "voice.example.com"),
        ("https://voice.example.com", "elsewhere.example.com"),
        ("http://10.0.0.9:3000", "10.0.0.1:8092"),
        ("http://127.0.0.1:8092", "127.0.0.1:8092"),
        ("http://127.0.0.1:3000", "127.0.0.1:8092"),
        ("http://localhost:3000", "127.0.0.1:8092"),
        ("http://127.0.0.1", "localhost:8092"),
        ("http://[::1]:3000", "[::1]:8092"),
        ("https://192.0.2.7", "192.0.2.7:8092"),
    ],
)
def test_pages_that_may(origin: str | None, host: str | None):
    """No page at all, listed ones, and those of the same host, by its address or localhost."""
    assert is_allowed_origin(origin, host, LISTED)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example.com", "127.0.0.1:8092"),
        ("http://evil.example.com", "evil.example.com"),
        ("http://evil.example.com:8092", "evil.example.com:8092"),
        ("http://localhost.evil.example.com", "127.0.0.1:8092"),
        ("http://127.0.0.1.evil.example.com", "127.0.0.1:8092"),
        ("http://192.0.2.8", "192.0.2.7:8092"),
        ("http://127.0.0.1", "192.0.2.7:8092"),
        ("https://voice.example.com:444", "voice.example.com"),
        ("https://VOICE.example.com", "127.0.0.1"),
        ("null", "127.0.0.1:8092"),
        ("", "127.0.0.1:8092"),
        ("", ""),
        ("null", None),
        ("http://[", "["),
        ("file://", "127.0.0.1:8092"),
    ],
)
def test_pages_that_may_not(origin: str, host: str | None):
    """A name that leads here is not this host; what is no origin is none."""
    assert not is_allowed_origin(origin, host, LISTED)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_header_can_break_it(origin: str, host: str):
    """Whatever it holds; and without a word of an address nobody is let in."""
    is_allowed = is_allowed_origin(origin, host, ())
    assert isinstance(is_allowed, bool)
    assert not is_allowed or any(character in origin for character in ".:lL")
