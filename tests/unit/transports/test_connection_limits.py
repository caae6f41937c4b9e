"""Places of connections: in all, of one peer, and of those that are no calls yet."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.transports.connection_limits import (
    ConnectionLimits,
    ConnectionPlace,
    RefusedConnection,
    peer_network,
)


def nothing() -> None:
    pass


def test_places_are_bounded_in_all_and_come_back() -> None:
    """One more is told which key stands against it."""
    limits = ConnectionLimits(max_connections=2)
    first, _ = (limits.take(host, nothing) for host in ("192.0.2.1", "192.0.2.2"))
    assert limits.refusal("192.0.2.3") is RefusedConnection.MAX_CONNECTIONS
    first.close()
    first.close()
    assert limits.n_open == 1
    assert limits.refusal("192.0.2.3") is None


def test_one_peer_can_t_take_all_places() -> None:
    """Others still find one; the ports of a host, and the addresses of a network, are one peer."""
    limits = ConnectionLimits(max_connections=10, max_per_peer=2)
    places = [limits.take(host, nothing) for host in ("2001:db8::1", "2001:db8::2%eth0")]
    assert limits.refusal("2001:db8::3") is RefusedConnection.MAX_CONNECTIONS_PER_PEER
    assert limits.refusal("2001:db8:0:1::1") is None
    assert limits.refusal("192.0.2.1") is None
    places[0].close()
    assert limits.refusal("2001:db8::3") is None


@pytest.mark.parametrize(
    ("host", "peer"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, ""),
        ("no address", "no address"),
    ],
)
def test_a_peer_is_an_address_or_a_network(host: str | None, peer: str) -> None:
    """Whatever a socket tells."""
    assert peer_network(host) == peer


def test_who_says_nothing_makes_room_for_who_comes_next() -> None:
    """The oldest goes, and who has said which call it is keeps its place."""
    evicted: list[str] = []
    limits = ConnectionLimits(max_connections=10, max_unidentified=2)
    places: dict[str, ConnectionPlace] = {}
    for name in "abcd":
        places[name] = limits.take("192.0.2.1", lambda name=name: evicted.append(name))
        if name == "a":
            places[name].identify()
    assert evicted == ["b"]
    assert (limits.evicted, limits.n_open, list(limits.unidentified)) == (
        1,
        4,
        [places["c"], places["d"]],
    )
    places["b"].close()
    places["c"].close()
    limits.take("192.0.2.1", nothing)
    assert evicted == ["b"], "there was room"


@pytest.mark.parametrize(
    "limits",
    [
        {"max_connections": 0},
        {"max_connections": 1, "max_per_peer": 0},
        {"max_connections": 1, "max_unidentified": 0},
    ],
)
def test_a_limit_below_one_is_a_mistake(limits: dict[str, Any]) -> None:
    """Nobody could ever connect."""
    with pytest.raises(ValueError, match="is below 1"):
        ConnectionLimits(**limits)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["take", "identify", "close"]))),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_whatever_happens_the_counts_are_those_of_the_open_places(
    steps: list[tuple[int, str]], max_per_peer: int, max_unidentified: int
) -> None:
    """And no limit is ever passed."""
    limits = ConnectionLimits(
        max_connections=6, max_per_peer=max_per_peer, max_unidentified=max_unidentified
    )
    held: list[ConnectionPlace] = []
    for number, what in steps:
        host = f"192.0.2.{number}"
        if what == "take" and limits.refusal(host) is None:
            held.append(limits.take(host, nothing))
        elif what == "identify" and held:
            held[number % len(held)].identify()
        elif what == "close" and held:
            held.pop(number % len(held)).close()
        assert limits.n_open == len(held) <= 6
        assert len(limits.unidentified) <= max_unidentified
        for peer in {place.peer for place in held}:
            assert sum(place.peer == peer for place in held) <= max_per_peer
    for place in held:
        place.close()
    assert (limits.n_open, len(limits.unidentified), len(limits._of_peer)) == (0, 0, 0)
