"""The events of a server, as the provider sees them."""

from __future__ import annotations

from typing import get_args

from voxgate.providers.base import Speaker
from voxgate.providers.openai_realtime import server_events
from voxgate.providers.openai_realtime.server_events import (
    AnswerEvent,
    CallerEvent,
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


def test_an_event_is_of_an_answer_of_the_caller_or_of_the_house() -> None:
    """Of one of them: who matches the three unions has matched every event, once."""
    kinds = [*get_args(AnswerEvent), *get_args(CallerEvent), *get_args(HousekeepingEvent)]
    unions = {"AnswerEvent", "CallerEvent", "HousekeepingEvent", "ServerEvent"}

    assert len(kinds) == len(set(kinds))
    assert set(kinds) == set(get_args(ServerEvent))
    assert {kind.__name__ for kind in kinds} == set(server_events.__all__) - unions
