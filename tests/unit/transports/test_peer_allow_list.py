"""Who may connect, and what is said of those who may not."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.transports.peer_allow_list import PeerAllowList

OFFICE = ("192.0.2.0/24", "2001:db8::/32", "fe80::/10")


@pytest.mark.parametrize(
    "host",
    ["192.0.2.0", "192.0.2.255", "::ffff:192.0.2.9", "2001:db8::1", "fe80::1%eth0"],
)
def test_hosts_of_the_networks_are_admitted(host: str) -> None:
    """However the socket writes their address."""
    allowed = PeerAllowList(OFFICE)
    assert allowed.admits(host)
    assert allowed.refused_peers == 0


@pytest.mark.parametrize(
    "host", ["192.0.3.0", "::ffff:192.0.3.9", "2001:db9::1", "::1", "127.0.0.1", "", "pbx", None]
)
def test_other_hosts_are_refused_and_counted(host: str | None) -> None:
    """Also where it can't be said who it is."""
    allowed = PeerAllowList(OFFICE)
    assert not allowed.admits(host)
    assert allowed.refused_peers == 1


@pytest.mark.parametrize("host", ["203.0.113.1", "::1", None])
def test_without_a_list_everyone_is_admitted(host: str | None) -> None:
    """The listening address is the only bound."""
    allowed = PeerAllowList(None)
    assert allowed.admits(host)
    assert allowed.refused_peers == 0


def test_a_list_without_an_entry_is_no_list() -> None:
    """Nobody means that nobody may connect; the error says what means everyone."""
    with pytest.raises(ValueError, match=r"^networks: nobody could connect; None admits everyone$"):
        PeerAllowList(())


def test_an_entry_that_is_no_network_is_refused() -> None:
    """An engine built in code is checked too."""
    with pytest.raises(ValueError, match="is not an address"):
        PeerAllowList(["pbx"])


def test_refusals_are_reported_once_a_minute_with_their_number() -> None:
    """The first at once; none is lost, however many there are, and silence is not reported."""
    allowed = PeerAllowList(OFFICE)
    assert allowed.take_report(0.0) == 0
    allowed.admits("::1")
    assert allowed.take_report(5.0) == 1
    allowed.admits("::1")
    allowed.admits("::1")
    assert allowed.take_report(60_004.0) == 0
    assert allowed.take_report(60_005.0) == 2
    assert allowed.take_report(600_000.0) == 0
    assert allowed.refused_peers == 3


@given(
    st.ip_addresses().filter(lambda address: getattr(address, "ipv4_mapped", None) is None),
    st.integers(0, 128),
)
def test_a_host_is_in_every_network_around_it(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, n_bits: int
) -> None:
    """Whatever the length of the prefix."""
    prefix = min(n_bits, address.max_prefixlen)
    network = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
    assert PeerAllowList([str(network)]).admits(str(address))


def test_a_mapped_host_is_an_ipv4_host_only() -> None:
    """All of IPv6 is not all of IPv4, whatever socket it came by."""
    assert not PeerAllowList(["::/0"]).admits("::ffff:192.0.2.1")
    assert PeerAllowList(["0.0.0.0/0"]).admits("::ffff:192.0.2.1")


@given(st.text(max_size=40))
def test_any_text_as_an_address_is_a_verdict(text: str) -> None:
    """Never an exception at the place where connections are accepted."""
    assert PeerAllowList(["192.0.2.1"]).admits(text) in {True, False}
