"""Items in order, truncated as the API does it, with bounded audio."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.realtime_server.conversation import (
    MAX_ITEMS,
    MAX_TEXT_CHARACTERS,
    Conversation,
    ConversationItem,
)
from voxgate.realtime_server.request_error import RequestError

MULAW = AudioFormat(Encoding.MULAW)


def item(item_id: str, role: str = "user", **part: Any) -> ConversationItem:
    """Return a message with one part."""
    content = [{"type": "input_text", "text": "Hi", **part}]
    body = {"id": item_id, "type": "message", "role": role, "content": content}
    return ConversationItem(id=item_id, body=body, audio_format=MULAW)


def spoken(item_id: str, duration_ms: int) -> ConversationItem:
    """Return what the assistant said."""
    answer = item(item_id, "assistant", type="output_audio", transcript="One two three")
    answer.add_audio(b"\x55" * (duration_ms * 8))
    return answer


def test_items_stand_in_the_order_asked_for() -> None:
    """At the end, after another one, or at the root; each knows what it follows."""
    conversation = Conversation("conv_1")
    assert conversation.last_id is None
    assert conversation.add(item("a")) is None
    assert conversation.add(item("b")) == "a"
    assert conversation.add(item("c"), after="a") == "a"
    assert conversation.add(item("d"), after="root") is None
    assert conversation.add(item("e")) == "b"
    assert conversation.last_id == "e"


def test_an_id_is_used_once() -> None:
    """A second item of the same id is refused, and the first stays."""
    conversation = Conversation("conv_1")
    conversation.add(item("a"))
    with pytest.raises(RequestError) as caught:
        conversation.add(item("a"))
    assert (caught.value.code, caught.value.param) == ("invalid_value", "item.id")


def test_an_unknown_predecessor_is_refused() -> None:
    """With the API's own code."""
    with pytest.raises(RequestError) as caught:
        Conversation("conv_1").add(item("a"), after="nope")
    assert caught.value.code == "item_create_invalid_previous_item_id"
    assert "the previous item with id 'nope' does not exist" in caught.value.message


@pytest.mark.parametrize(
    ("verb", "gerund"),
    [("retrieve", "retrieving"), ("delete", "deleting"), ("truncate", "truncating")],
)
def test_an_unknown_item_is_refused_by_what_was_wanted(verb: str, gerund: str) -> None:
    """Each verb has a code of its own."""
    with pytest.raises(RequestError) as caught:
        Conversation("conv_1").get("x", verb=verb)
    assert caught.value.code == f"item_{verb}_invalid_item_id"
    assert caught.value.message == f"Error {gerund} item: the item with id 'x' does not exist."


def test_a_deleted_item_is_gone() -> None:
    """And what came after follows what came before it."""
    conversation = Conversation("conv_1")
    conversation.add(item("a"))
    conversation.add(item("b"))
    conversation.delete("b")
    assert conversation.add(item("c")) == "a"
    with pytest.raises(RequestError):
        conversation.delete("b")


def test_truncation_cuts_audio_and_forgets_the_words() -> None:
    """What the caller has not heard is not in the context any more."""
    answer = spoken("a", 1000)
    answer.truncate(0, 400)
    assert answer.duration_ms == 400
    assert len(answer.audio) == 3200
    assert answer.body["content"][0]["transcript"] == ""


def test_truncation_at_the_very_end_is_allowed() -> None:
    """Equal is not longer."""
    answer = spoken("a", 1000)
    answer.truncate(0, 1000)
    assert answer.duration_ms == 1000


def test_truncation_beyond_the_audio_is_the_apis_error() -> None:
    """To the letter, as clients match on it; and the item stays as it was."""
    answer = spoken("a", 3700)
    with pytest.raises(RequestError) as caught:
        answer.truncate(0, 3760)
    assert caught.value.message == "Audio content of 3700ms is already shorter than 3760ms"
    assert (caught.value.code, caught.value.param) == ("invalid_value", None)
    assert answer.duration_ms == 3700
    assert answer.body["content"][0]["transcript"] == "One two three"


def test_a_second_truncation_measures_by_the_first() -> None:
    """What was cut can't be got back."""
    answer = spoken("a", 1000)
    answer.truncate(0, 400)
    with pytest.raises(RequestError, match="Audio content of 400ms is already shorter than 500ms"):
        answer.truncate(0, 500)


def test_only_speech_of_the_assistant_can_be_truncated() -> None:
    """Not text, and not what the user said."""
    for other in (item("u"), item("t", "assistant", type="output_text")):
        with pytest.raises(RequestError) as caught:
            other.truncate(0, 0)
        assert caught.value.message == "Only model output audio messages can be truncated"
        assert caught.value.code is None


def test_a_part_that_does_not_exist_is_refused() -> None:
    """There is one part, of index 0."""
    with pytest.raises(RequestError) as caught:
        spoken("a", 1000).truncate(1, 500)
    assert caught.value.param == "content_index"


def test_audio_after_a_truncation_is_not_kept() -> None:
    """Nobody hears it, so that it is not in the context either."""
    answer = spoken("a", 1000)
    answer.truncate(0, 400)
    answer.add_audio(b"\x55" * 800)
    assert (answer.duration_ms, len(answer.audio)) == (400, 3200)


def test_an_item_can_be_given_out_with_its_audio() -> None:
    """Base64, in the part that it belongs to; an item without audio as it is."""
    answer = spoken("a", 20)
    (part,) = answer.with_audio()["content"]
    assert b64decode(part["audio"]) == b"\x55" * 160
    assert "audio" not in answer.body["content"][0]
    text = item("t")
    assert text.with_audio() is text.body


def test_old_audio_is_let_go() -> None:
    """The newest 16 MiB stay; durations stay for ever."""
    conversation = Conversation("conv_1")
    for n in range(6):
        conversation.add(spoken(f"i{n}", 500_000))
    kept = [bool(conversation.get(f"i{n}", verb="retrieve").audio) for n in range(6)]
    assert kept == [False, False, True, True, True, True]
    assert conversation.get("i0", verb="retrieve").duration_ms == 500_000


def test_items_are_bounded_in_number_and_the_oldest_goes() -> None:
    """A client may create them as long as its session lasts; what is gone is counted."""
    conversation = Conversation("conv_1")
    for number in range(MAX_ITEMS + 3):
        previous = conversation.add(item(f"i{number}"))
    assert previous == f"i{MAX_ITEMS + 1}"
    assert len(list(conversation)) == MAX_ITEMS
    assert conversation.dropped_items == 3
    assert conversation.find("i2") is None
    assert conversation.find("i3") is not None
    conversation.add(item("i0"))
    assert conversation.last_id == "i0", "a name that is gone is free"


def test_text_is_bounded_too_but_never_costs_the_newest_item() -> None:
    """One message may have as much as a thousand usual conversations."""
    conversation = Conversation("conv_1")
    half = "x" * (MAX_TEXT_CHARACTERS // 2)
    for name in "abc":
        conversation.add(item(name, text=half))
    assert [each.id for each in conversation] == ["c"]
    conversation.add(item("d", text="y" * (MAX_TEXT_CHARACTERS + 1)))
    assert [each.id for each in conversation] == ["d"]
    conversation.delete("d")
    for name in "ef":
        conversation.add(item(name, text="x" * 1000))
    assert [each.id for each in conversation] == ["e", "f"], "what was deleted does not count"
    assert conversation.dropped_items == 3
