"""A time in the past, for a while."""

from __future__ import annotations

import pytest

from voxgate.call.replay_clock import ReplayClock


def test_it_is_the_call_s_clock_but_for_a_replay() -> None:
    """Also after one that failed."""
    clock = ReplayClock(lambda: 1000.0)
    assert clock() == 1000.0
    with clock.at(10.0):
        assert clock() == 10.0
    assert clock() == 1000.0

    with pytest.raises(ZeroDivisionError), clock.at(20.0):
        raise ZeroDivisionError
    assert clock() == 1000.0
