"""The events of a session that wait to be sent."""

from __future__ import annotations

from voxgate.providers.openai_realtime.request_queue import RequestQueue


def test_events_are_sent_in_the_order_in_which_they_were_asked_for() -> None:
    """One by one, and then there is none."""
    requests = RequestQueue()
    requests.put("a")
    requests.put_all(iter(["b", "c"]))
    requests.put("d")

    assert [requests.take() for _ in range(5)] == ["a", "b", "c", "d", None]


def test_no_two_events_have_one_id() -> None:
    """Whatever they are for, which is what an id begins with."""
    requests = RequestQueue()
    ids = [requests.next_id(prefix) for prefix in ("cancel-", "cancel-", "answer-")]

    assert ids == ["cancel-1", "cancel-2", "answer-3"]
