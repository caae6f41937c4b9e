"""What is one request to stop, and what is a second one."""

from __future__ import annotations

import pytest

from voxgate.workers.stop_requests import StopRequests, StopSource

PARENT, SIGNAL = StopSource.PARENT, StopSource.SIGNAL


@pytest.mark.parametrize(
    ("sources", "counted"),
    [
        ([PARENT, PARENT], [True, True]),
        ([SIGNAL, SIGNAL], [True, True]),
        # systemctl stop with KillMode=control-group: the signal reaches all, the parent tells too.
        ([SIGNAL, PARENT], [True, False]),
        ([PARENT, SIGNAL], [True, False]),
        # ... and a second stop.
        ([SIGNAL, PARENT, PARENT, SIGNAL], [True, False, True, False]),
    ],
)
def test_what_two_say_is_one_request(sources: list[StopSource], counted: list[bool]) -> None:
    """Calls are ended only where one and the same source asks twice."""
    requests = StopRequests()
    assert [requests.ask(source) for source in sources] == counted


@pytest.mark.parametrize("before", [[], [SIGNAL], [PARENT], [PARENT, PARENT]])
def test_a_parent_that_is_gone_is_no_second_request(before: list[StopSource]) -> None:
    """A worker that drains goes on to; one that nobody has told begins to."""
    requests = StopRequests()
    for source in before:
        requests.ask(source)
    assert requests.lose_parent() is (not before)
    assert requests.lose_parent() is False
