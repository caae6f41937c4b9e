"""Who guesses."""

from __future__ import annotations

import pytest

from voxgate.observe.desk.peer import peer_name


@pytest.mark.parametrize(
    ("address", "forwarded_for", "has_proxy", "name"),
    [
        ("192.0.2.1", None, False, "192.0.2.1"),
        ("::ffff:192.0.2.1", None, False, "192.0.2.1"),
        ("2001:db8::1", None, False, "2001:db8::/64"),
        ("2001:db8::2:0:0:1", None, False, "2001:db8::/64"),
        ("127.0.0.1", "192.0.2.7", True, "192.0.2.7"),
        ("::1", "10.0.0.1, 192.0.2.7", True, "192.0.2.7"),
        ("127.0.0.1", "192.0.2.7", False, "127.0.0.1"),
        ("192.0.2.1", "192.0.2.7", True, "192.0.2.1"),
        ("127.0.0.1", "192.0.2.7, unknown", True, "127.0.0.1"),
        ("127.0.0.1", None, True, "127.0.0.1"),
        ("", "192.0.2.7", True, ""),
    ],
)
def test_a_peer_is_whoever_the_own_proxy_speaks_for(
    address: str,
    forwarded_for: str | None,
    name: str,
    *,
    has_proxy: bool,
) -> None:
    """By the last address, which the proxy wrote; an IPv6 network is one peer."""
    assert peer_name(address, forwarded_for, has_proxy=has_proxy) == name
