"""The messages of the live feed."""

from __future__ import annotations

import json

from support.desk_calls import ended, roster_with
from voxgate.core.config import GatingConfig
from voxgate.core.gate_decision import GateEventType, GateReason, GateState
from voxgate.observe.desk.feed_messages import (
    call_fields,
    detail_message,
    hello_message,
    roster_message,
    tick_message,
)

POLICY_OF = GatingConfig(kinds={"embedded": "openai_realtime"}).policy_for


def test_the_first_message_says_what_the_numbers_stand_for() -> None:
    """Every state, reason and kind of event by its place, explained where there are words."""
    hello = json.loads(hello_message(80.0))
    assert hello["states"] == [state.value for state in GateState]
    assert hello["reasons"] == [reason.value for reason in GateReason]
    assert hello["events"] == [event.value for event in GateEventType]
    assert set(hello["reason_help"]) == set(hello["reasons"])
    assert hello["state_help"]["closed"].startswith("The agent is audible")


def test_a_call_says_how_it_is_gated() -> None:
    """By its provider's policy; one that is not gated, or not known, has no mode."""
    roster = roster_with("one")
    message = json.loads(roster_message(3, roster.running, POLICY_OF))
    assert (message["type"], message["version"]) == ("roster", 3)
    (call,) = message["calls"]
    assert call["gated"] is True
    assert call["mode"] == "echo_aware"
    assert call["started_at"] == "2026-11-22T12:00:00.000Z"
    assert (call["end"], call["duration_s"], call["line"]) == (None, None, None)
    (running,) = roster.running
    for provider in ("deepgram", "nobody"):
        running.provider = provider
        fields = call_fields(running, POLICY_OF)
        assert (fields["gated"], fields["mode"]) == (False, None)


def test_a_call_that_is_over_says_why() -> None:
    """And how long it took."""
    roster = roster_with("one")
    roster.on_call_ended(ended("one", "drained"))
    (call,) = roster.ended
    fields = call_fields(call, POLICY_OF)
    assert fields["duration_s"] == 2.5
    assert fields["end"] == {"reason": "drained", "detail": "", "counters": None}


def test_a_tick_is_short() -> None:
    """No spaces; the time in whole ms."""
    assert (
        tick_message(7, 12.6, [[1, -20, -90, None, -60, [4, 0, 2, 1], []]])
        == '{"type":"tick","seq":7,"t":13,"calls":[[1,-20,-90,null,-60,[4,0,2,1],[]]]}'
    )
    assert detail_message({"type": "detail"}) == '{"type":"detail"}'
