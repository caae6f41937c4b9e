"""The networks whose hosts may connect."""

from __future__ import annotations

import ipaddress

import pytest

from voxgate.config.peer_networks import check_networks, parse_network


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::/0", "::/0"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
    ],
)
def test_an_address_is_a_network_of_one(text: str, network: str) -> None:
    """And a mapped address is the IPv4 address that it stands for."""
    assert parse_network(text) == ipaddress.ip_network(network)


@pytest.mark.parametrize(
    "text", ["", "asterisk.example", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/-1", "1.2.3.4 ", "::%"]
)
def test_what_is_no_network_is_refused_with_an_example(text: str) -> None:
    """A host name would mean another host tomorrow."""
    with pytest.raises(ValueError, match=r"^is not an address or a network such as 192\.0\.2\.0"):
        parse_network(text)


@pytest.mark.parametrize(
    ("text", "network"), [("10.1.2.3/8", "10.0.0.0/8"), ("2001:db8::5/64", "2001:db8::/64")]
)
def test_an_address_within_a_network_is_refused_with_the_network(text: str, network: str) -> None:
    """Who writes it may have meant the one host, and would admit millions."""
    with pytest.raises(ValueError, match=f"the network is {network}$"):
        parse_network(text)


def test_the_field_is_named_with_the_entry_that_is_wrong() -> None:
    """Of several, the first; null and good ones pass."""
    check_networks(None)
    check_networks(("10.0.0.0/8", "::1"))
    with pytest.raises(ValueError, match=r"^allowed_peers: 'asterisk' is not an address"):
        check_networks(("::1", "asterisk", "pbx"))


def test_a_list_without_an_entry_is_not_meant() -> None:
    """The error says what to write for no list at all."""
    with pytest.raises(ValueError, match=r"^allowed_peers: is empty, .*null: everyone may$"):
        check_networks(())
