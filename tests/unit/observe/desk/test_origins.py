"""Who may know the desk by which name, and which pages may ask it for anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.observe.desk.origins import is_known_host, is_own_page


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8094", "localhost:8094", "[::1]:8094", "192.0.2.7", "LOCALHOST", "localhost."],
)
def test_addresses_and_localhost_are_known(host: str) -> None:
    """Nobody can make an address lead elsewhere."""
    assert is_known_host(host, ())


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:8094",
        "desk.example.com.evil.example",
        "a/b",
        "a@b",
        "127.0.0.1.evil.example",
        "localhost:port",
        "[::1",
        "127.0.0.1/x",
        "x@127.0.0.1",
    ],
)
def test_other_names_are_not(host: str | None) -> None:
    """They may be made to lead here: DNS rebinding."""
    assert not is_known_host(host, {"desk.example.com"})


def test_a_configured_name_is_known() -> None:
    """With any port: the proxy's is not ours."""
    assert is_known_host("desk.example.com", {"desk.example.com"})
    assert is_known_host("Desk.example.com:443", {"desk.example.com"})


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://127.0.0.1:8094", "127.0.0.1:8094"),
        ("http://localhost:8094", "localhost:8094"),
        ("https://desk.example.com", "desk.example.com"),
        ("https://desk.example.com", "desk.example.com:443"),
        ("http://[::1]:8094", "[::1]:8094"),
    ],
)
def test_the_desk_s_own_page_may_ask(origin: str, host: str) -> None:
    """Also through a proxy that speaks https where the desk does not."""
    assert is_own_page(origin, "same-origin", host)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://127.0.0.1:8000",
        "http://localhost:8094",
        "https://127.0.0.1:8094.evil.example",
        "null",
        "",
        "file://127.0.0.1:8094",
        "http://127.0.0.1:port",
    ],
)
def test_no_other_page_may(origin: str) -> None:
    """Another port of the same host is another page."""
    assert not is_own_page(origin, None, "127.0.0.1:8094")


@pytest.mark.parametrize(
    ("fetch_site", "may"),
    [
        (None, True),
        ("same-origin", True),
        ("none", True),
        ("same-site", False),
        ("cross-site", False),
    ],
)
def test_without_an_origin_the_browser_s_other_word_counts(
    fetch_site: str | None, *, may: bool
) -> None:
    """What is no browser says neither."""
    assert is_own_page(None, fetch_site, "127.0.0.1:8094") is may


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_is_an_error(origin: str, host: str) -> None:
    """Whatever a stranger sends is a yes or a no."""
    assert is_own_page(origin, None, host) in (True, False)
    assert is_known_host(host, ()) in (True, False)
