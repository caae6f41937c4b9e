"""The events of a server, as the provider sees them."""

from __future__ import annotations

from typing import get_args

from voxgate.providers.base import Speaker
from voxgate.providers.openai_realtime import server_events
from voxgate.providers.openai_realtime.server_events import (
    ConversationEvent,
    FunctionRequest,
    HousekeepingEvent,
    ServerEvent,
    TranscriptReceived,
)


def test_nothing_personal_is_in_a_repr() -> None:
    """Tracebacks and failed assertions print these."""
    request = FunctionRequest(
        response_id="r", function_call_id="f1", name="look", arguments='{"a":"SECRET"}'
    )
    said = TranscriptReceived(speaker=Speaker.AGENT, item_id="i", text="SECRET", is_final=True)

    assert "look" in repr(request)
    assert "SECRET" not in repr((request, said))


def test_an_event_is_of_the_conversation_or_of_the_house() -> None:
    """Of one of both: who matches the two unions has matched every event."""
    conversation, house = set(get_args(ConversationEvent)), set(get_args(HousekeepingEvent))
    unions = {"ConversationEvent", "HousekeepingEvent", "ServerEvent"}

    assert not conversation & house
    assert conversation | house == set(get_args(ServerEvent))
    assert {kind.__name__ for kind in get_args(ServerEvent)} == set(server_events.__all__) - unions
