"""When the server is asked for an answer."""

from __future__ import annotations

import pytest

from voxgate.providers.base import RateLimit
from voxgate.providers.openai_realtime.response_requests import ResponseRequests


def wanting() -> ResponseRequests:
    requests = ResponseRequests()
    requests.want()
    return requests


def test_nobody_is_asked_unless_somebody_wants_it() -> None:
    """One wish, one request."""
    requests = ResponseRequests()
    assert not requests.take(0.0, is_free=True)
    requests.want()

    assert requests.take(0.0, is_free=True)
    assert not requests.take(0.0, is_free=True)


def test_an_answer_under_way_is_waited_for() -> None:
    """The server would refuse a second one."""
    requests = wanting()

    assert not requests.take(0.0, is_free=False)
    assert requests.take(0.0, is_free=True)


def test_one_answer_serves_all_wishes_before_it() -> None:
    """Also an answer that the server began by itself."""
    requests = wanting()
    requests.receive_started()

    assert not requests.take(0.0, is_free=True)
    assert not requests.is_pending


def test_what_was_asked_for_is_waited_for_before_the_next_wish() -> None:
    """Until it begins, or for 10 s."""
    requests = wanting()
    requests.take(0.0, is_free=True)
    requests.want()
    assert requests.is_pending
    assert not requests.take(9999.0, is_free=True)

    assert requests.take(10_000.0, is_free=True)


def test_a_server_that_was_busy_is_asked_again() -> None:
    """Its own answer had begun a moment before."""
    requests = wanting()
    requests.take(0.0, is_free=True)
    requests.receive_busy(100.0)
    assert not requests.take(299.0, is_free=True), "not in a loop as fast as the network"

    assert requests.take(300.0, is_free=True)


def test_a_refusal_is_the_end_of_it() -> None:
    """It would be refused again."""
    requests = wanting()
    requests.take(0.0, is_free=True)
    requests.receive_refused()

    assert not requests.take(1.0, is_free=True)
    assert not requests.is_pending


@pytest.mark.parametrize(
    ("limits", "pause_ms"),
    [
        ((), 1000.0),
        ((RateLimit(name="tokens", remaining=0, reset_s=3.5),), 3500.0),
        ((RateLimit(name="tokens", remaining=0, reset_s=0.01),), 500.0),
        ((RateLimit(name="tokens", remaining=0, reset_s=3600.0),), 20_000.0),
        ((RateLimit(name="tokens", remaining=50, reset_s=9.0),), 1000.0),
        ((RateLimit(name="tokens", remaining=None, reset_s=9.0),), 1000.0),
    ],
)
def test_a_rate_limit_is_waited_out(limits: tuple[RateLimit, ...], pause_ms: float) -> None:
    """For as long as the server says that the used-up limit takes, within bounds."""
    requests = wanting()
    requests.receive_limits(limits)
    requests.take(0.0, is_free=True)

    assert requests.receive_rate_limited(100.0)
    assert not requests.take(100.0 + pause_ms - 1, is_free=True)
    assert requests.take(100.0 + pause_ms, is_free=True)


def test_a_new_wish_does_not_cut_a_rate_limit_short() -> None:
    """A function that returns meanwhile is answered with the rest."""
    requests = ResponseRequests()
    requests.receive_rate_limited(0.0)
    requests.want()

    assert not requests.take(999.0, is_free=True)
    assert requests.take(1000.0, is_free=True)


def test_attempts_after_a_rate_limit_are_bounded_until_one_succeeds() -> None:
    """The pauses double meanwhile."""
    requests = ResponseRequests()
    for pause_ms in (1000.0, 2000.0, 4000.0):
        assert requests.receive_rate_limited(0.0)
        assert not requests.take(pause_ms - 1, is_free=True)
        assert requests.take(pause_ms, is_free=True)
    assert not requests.receive_rate_limited(0.0)
    assert not requests.is_pending

    requests.receive_completed()
    assert requests.receive_rate_limited(0.0)


def test_a_caller_who_speaks_makes_wishes_void() -> None:
    """That turn is answered instead."""
    requests = wanting()
    requests.forget()

    assert not requests.take(0.0, is_free=True)


def test_what_a_lost_session_was_asked_for_is_asked_of_the_next() -> None:
    """Functions that returned still want their answer; nobody else does."""
    requests = wanting()
    requests.take(0.0, is_free=True)
    requests.lose_session()
    assert requests.take(1.0, is_free=True)

    idle = ResponseRequests()
    idle.lose_session()
    assert not idle.is_pending
