"""Sessions are counted, of all and of each address."""

from __future__ import annotations

import json

import pytest

from voxgate.integrations.realtime_proxy.admission import Admission, Refusal, refusal_body


def test_a_session_too_many_is_refused_until_one_ends() -> None:
    """Of one address first, then of all."""
    admission = Admission(max_sessions=3, max_sessions_per_peer=2)
    assert [admission.admit("a") for _ in range(3)] == [None, None, Refusal.PEER_FULL]
    assert [admission.admit("b") for _ in range(2)] == [None, Refusal.FULL]
    admission.give_back("a")
    assert admission.running == 2
    assert admission.admit("b") is None


def test_a_draining_proxy_takes_nobody() -> None:
    """Those that run count on."""
    admission = Admission(max_sessions=3, max_sessions_per_peer=3)
    admission.admit("a")
    admission.is_draining = True
    assert admission.admit("a") is Refusal.DRAINING
    assert admission.running == 1


@pytest.mark.parametrize("refusal", list(Refusal))
def test_every_refusal_is_told_as_the_api_tells_errors(refusal: Refusal) -> None:
    """Clients read type, code and message."""
    error = json.loads(refusal_body(refusal))["error"]
    assert error["code"] == refusal.value
    assert error["message"]
    assert error["type"] == "proxy_error"
