"""What sessions of one call hand on to one another."""

from __future__ import annotations

import json

from voxgate.providers.base import Speaker
from voxgate.providers.openai_realtime.call_memory import CallMemory


def speaking() -> CallMemory:
    memory = CallMemory()
    memory.ledger.start("r1")
    memory.ledger.receive_audio("r1", "a1", 1000.0)
    memory.ledger.deliver("a1")
    memory.history.add_voice("a1", 1000.0)
    memory.history.add_text(Speaker.AGENT, "a1", "one two three four", is_final=True)
    return memory


def told(memory: CallMemory) -> list[str]:
    events = [json.loads(message) for message in memory.history.serialize("h")]
    return [event["item"]["content"][0]["text"] for event in events[1:]]


def test_an_interruption_is_remembered_where_it_happened() -> None:
    """The server is told in ms, the next session in words."""
    memory = speaking()
    cut = memory.cut({"a1": 500.0})

    assert cut.truncations == (("a1", 500),)
    assert told(memory) == ["one two ..."]


def test_an_answer_that_is_lost_is_asked_for_again() -> None:
    """The agent goes on in the next session."""
    memory = speaking()
    lost = memory.lose_session()

    assert lost.responses == ("r1",)
    assert memory.responses.take(0.0, is_free=True)


def test_an_answer_that_was_interrupted_is_not() -> None:
    """Nor one of which nothing can be told: the model would begin the call anew."""
    memory = speaking()
    memory.cut({"a1": 500.0})
    memory.lose_session()
    assert not memory.responses.is_pending

    unheard = CallMemory()
    unheard.ledger.start("r1")
    unheard.lose_session()
    assert not unheard.responses.is_pending


def test_a_rate_limit_is_counted_as_often_as_it_is_waited_out() -> None:
    """Three times; then the caller's next word is the next attempt."""
    memory = CallMemory()
    for number in range(5):
        memory.retry_response(1000.0 * number)

    assert memory.counts["rate_limit_retries"] == 3
