"""Outputs leave in order, and every event has an id of its own."""

from __future__ import annotations

from voxgate.realtime_server.outbox import CloseSession, DropAnswer, Outbox, SendEvent
from voxgate.realtime_server.session_log import SessionLog


def test_outputs_leave_in_the_order_in_which_they_came() -> None:
    """Events and other outputs alike."""
    outbox = Outbox(SessionLog("s1", "m"))
    outbox.send({"type": "a"}, {"type": "b"})
    outbox.put(DropAnswer("resp_1"))
    outbox.send({"type": "c"})
    outbox.put(CloseSession(1001, "over"))
    seen = []
    while (output := outbox.pop()) is not None:
        seen.append(output.event["type"] if isinstance(output, SendEvent) else output)
    assert seen == ["a", "b", DropAnswer("resp_1"), "c", CloseSession(1001, "over")]


def test_ids_are_unique_and_of_the_session() -> None:
    """No id is given twice, whatever it is for."""
    outbox = Outbox(SessionLog("s1", "m"))
    event = {"type": "a"}
    outbox.send(event, event)
    ids = [outbox.next_id("item"), outbox.next_id("resp")]
    for _ in range(2):
        output = outbox.pop()
        assert isinstance(output, SendEvent)
        ids.append(output.event["event_id"])
    assert len({name.partition("_")[2] for name in ids}) == 4
    assert all("_s1" in name for name in ids)
    assert event == {"type": "a"}


def test_what_is_logged_is_in_the_record() -> None:
    """The record outlives the outbox."""
    outbox = Outbox(SessionLog("s1", "m"))
    outbox.log(20.0, "speech_started", 0.0)
    assert outbox.record.log == ((20.0, "speech_started", 0.0, "", 0.0),)
    assert (outbox.record.session_id, outbox.record.model) == ("s1", "m")
