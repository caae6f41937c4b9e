"""What a session that takes over is told."""

from __future__ import annotations

from voxgate.providers.deepgram import history as module
from voxgate.providers.deepgram.history import ConversationHistory


def test_turns_and_calls_come_back_in_order_and_in_the_vendor_s_shapes() -> None:
    """As ``agent.context.messages`` wants them; a whole session of them is judged elsewhere."""
    history = ConversationHistory()
    history.add_text("What's the weather?", is_caller=True)
    history.add_call(call_id="c", name="weather", arguments="{}", response='"sun"')
    history.add_text("It is sunny.", is_caller=False)

    assert history.unanswered == ""
    assert history.answered == (
        {"type": "History", "role": "user", "content": "What's the weather?"},
        {
            "type": "History",
            "function_calls": [
                {
                    "id": "c",
                    "name": "weather",
                    "client_side": True,
                    "arguments": "{}",
                    "response": '"sun"',
                }
            ],
        },
        {"type": "History", "role": "assistant", "content": "It is sunny."},
    )


def test_what_nobody_has_answered_stands_apart() -> None:
    """All of what the caller said since the agent last spoke."""
    history = ConversationHistory()
    history.add_text("Hello.", is_caller=False)
    history.add_text("I have", is_caller=True)
    history.add_text("a question.", is_caller=True)

    assert history.unanswered == "I have a question."
    assert [message["content"] for message in history.answered] == ["Hello."]


def test_the_oldest_goes_first(monkeypatch: object) -> None:
    """By number and by length; what is longer than all of it is not kept at all."""
    history = ConversationHistory()
    for number in range(module._MAX_MESSAGES + 10):
        history.add_text(str(number), is_caller=False)
    assert len(history.answered) == module._MAX_MESSAGES
    assert history.answered[0]["content"] == "10"
    history.add_text("x" * (module._MAX_CHARACTERS - 1), is_caller=False)
    assert len(history.answered) == 1
    history.add_text("x" * (module._MAX_CHARACTERS + 1), is_caller=False)

    assert history.answered == ()
    history.add_text("go on", is_caller=False)
    assert len(history.answered) == 1
