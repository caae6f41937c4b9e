"""The events of a session that wait to be sent."""

from __future__ import annotations

from collections import Counter

from voxgate.providers.openai_realtime.request_queue import MAX_REQUESTS, RequestQueue


def test_events_are_sent_in_the_order_in_which_they_were_asked_for() -> None:
    """One by one, and then there is none."""
    requests = RequestQueue(Counter())
    requests.put("a")
    requests.put_all(iter(["b", "c"]))
    requests.put("d")

    assert len(requests) == 4
    assert [requests.take() for _ in range(5)] == ["a", "b", "c", "d", None]


def test_no_two_events_have_one_id() -> None:
    """Whatever they are for, which is what an id begins with."""
    requests = RequestQueue(Counter())
    ids = [requests.next_id(prefix) for prefix in ("cancel-", "cancel-", "answer-")]

    assert ids == ["cancel-1", "cancel-2", "answer-3"]


def test_a_server_that_reads_nothing_does_not_fill_the_memory() -> None:
    """The newest are left out, and counted; when there is room again, they are taken again."""
    counts: Counter[str] = Counter()
    requests = RequestQueue(counts)
    requests.put_all(str(number) for number in range(MAX_REQUESTS + 3))
    assert counts["requests_dropped"] == 3
    assert requests.take() == "0"
    requests.put("new")
    taken = [requests.take() for _ in range(MAX_REQUESTS)]
    assert taken[-2:] == [str(MAX_REQUESTS - 1), "new"]
    assert requests.take() is None
