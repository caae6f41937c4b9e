"""Addresses to listen on, judged by their looks."""

from __future__ import annotations

import pytest

from voxgate.config.listen_address import check_host, is_loopback, meet


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "pbx.example.com", "localhost"])
def test_hosts_that_can_be_listened_on(host: str) -> None:
    """Addresses, in brackets or not, and names."""
    check_host(host)


@pytest.mark.parametrize("host", ["999.1.1.1", "1.2.3", "a..b", "-pbx", "::g", "pbx!"])
def test_hosts_that_nothing_can_listen_on(host: str) -> None:
    """The text is shown."""
    with pytest.raises(ValueError, match="is not a host name or address") as refused:
        check_host(host)
    assert repr(host) in str(refused.value)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "LOCALHOST"]
)
def test_what_only_this_machine_reaches(host: str) -> None:
    """The whole block of addresses, and the name."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "pbx.example.com"])  # noqa: S104
def test_what_others_may_reach(host: str) -> None:
    """A name of any other kind may be anything."""
    assert not is_loopback(host)


def test_hosts_that_meet() -> None:
    """One port can't be had twice on one address, nor beside all of them."""
    assert meet("localhost", "127.0.0.1")
    assert meet("0.0.0.0", "10.0.0.1")  # noqa: S104 - compared only
    assert not meet("10.0.0.2", "10.0.0.1")
