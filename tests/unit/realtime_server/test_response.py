"""One response, event by event: order, pace, endings."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from support.openai_events import validated
from support.realtime_client import MULAW, audio_of, types, without_repeats
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.realtime_server.answerer import Speech
from voxgate.realtime_server.conversation import Conversation
from voxgate.realtime_server.response import Pace, ResponseRun, ResponseSettings

PCM_24K = AudioFormat(Encoding.PCM16, 24_000)
TEXT = "one two three four five six seven"
SPEECH = Speech(text=TEXT, audio=bytes(range(250)) * 32, audio_format=MULAW)
"""One second."""

PACE = Pace(speed_ratio=8.0, delta_ms=160, first_delta_ms=100.0)

OPENING = [
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
]
CLOSING = [
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
]
DELTAS = ["response.output_audio_transcript.delta", "response.output_audio.delta"]


def run_of(
    *, conversation: Conversation | None = None, is_out_of_band: bool = False, **changes: Any
) -> ResponseRun:
    """Return a response asked for at 1000 ms, in mu-law unless said otherwise."""
    settings: dict[str, Any] = {
        "response_id": "resp_1",
        "item_id": "item_1",
        "modality": "audio",
        "wire_format": {"type": "audio/pcmu"},
        "audio_format": MULAW,
        "voice": "marin",
        "max_output_tokens": "inf",
        "metadata": None,
        "input_text_tokens": 10,
        "input_audio_tokens": 20,
    }
    if not is_out_of_band:
        conversation = conversation or Conversation("conv_1")
    return ResponseRun(ResponseSettings(**{**settings, **changes}), PACE, conversation, 1000.0)


def judged(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return events that the SDK's types agree with."""
    for event in events:
        validated({**event, "event_id": "event_1"})
    return events


def played_out(run: ResponseRun, *speeches: Speech) -> list[dict[str, Any]]:
    """Give a response its speech and return all its events."""
    events = run.created()
    for speech in speeches:
        run.receive_speech(speech, 1000.0)
    run.receive_end()
    return judged(events + run.advance(1e9))


def test_a_response_opens_speaks_and_closes_in_order() -> None:
    """Every part that was opened is closed, from the inside out."""
    events = played_out(run_of(), SPEECH)
    assert without_repeats(types(events)) == ["response.created", *OPENING, *DELTAS, *CLOSING]


def test_the_deltas_are_the_answer() -> None:
    """Joined, they are the sound and the words, no more and no less."""
    events = played_out(run_of(), SPEECH)
    assert audio_of(events) == SPEECH.audio
    words = [e["delta"] for e in events if e["type"].endswith("transcript.delta")]
    assert "".join(words) == TEXT
    (done,) = [e for e in events if e["type"].endswith("transcript.done")]
    assert done["transcript"] == TEXT
    (response,) = [e["response"] for e in events if e["type"] == "response.done"]
    assert response["output"][0]["content"] == [{"type": "output_audio", "transcript": TEXT}]


def test_every_delta_but_the_last_has_the_same_length() -> None:
    """160 ms each, within the 100 to 200 ms of the real thing."""
    events = played_out(run_of(), SPEECH)
    lengths = [len(b64decode(e["delta"])) for e in events if e["type"] == DELTAS[1]]
    assert lengths == [1280] * 6 + [320]


def test_audio_comes_at_the_speed_asked_for() -> None:
    """At 8 times real time, 160 ms of audio are due every 20 ms, from the first delta on."""
    run = run_of()
    run.receive_speech(SPEECH, 1000.0)
    run.receive_end()
    assert run.next_deadline_ms() == 1100.0
    assert run.advance(1099.9) == []
    due_ms = []
    while (deadline_ms := run.next_deadline_ms()) is not None:
        due_ms.append(deadline_ms)
        assert audio_of(run.advance(deadline_ms)) or run.is_done
    assert due_ms == [1100.0 + 20.0 * n for n in range(7)]
    assert run.is_done


def test_a_late_shell_gets_all_that_is_due_at_once() -> None:
    """Pace is by the clock, not by how often it is looked at."""
    run = run_of()
    run.receive_speech(SPEECH, 1000.0)
    assert len(audio_of(run.advance(1140.0))) == 3 * 1280
    assert run.generated_ms == 480


def test_an_answer_may_come_piece_by_piece() -> None:
    """It waits for what is missing, spaces the words, and ends when it is told."""
    run = run_of()
    run.receive_speech(SPEECH, 1000.0)
    first = run.advance(2000.0)
    assert run.next_deadline_ms() is None
    assert not run.is_done
    run.receive_speech(Speech(text="eight", audio=b"\x00" * 80, audio_format=MULAW), 5000.0)
    assert run.next_deadline_ms() == 5000.0
    second = run.advance(5000.0)
    run.receive_end()
    last = run.advance(5000.0)
    words = [e["delta"] for e in first + second if e["type"].endswith("transcript.delta")]
    assert "".join(words) == f"{TEXT} eight"
    assert types(last) == CLOSING


@pytest.mark.parametrize(
    ("audio_format", "bytes_per_ms"),
    [(PCM_24K, 48), (MULAW, 8), (AudioFormat(Encoding.ALAW), 8)],
)
def test_the_voice_is_converted_to_the_output_format(
    audio_format: AudioFormat, bytes_per_ms: int
) -> None:
    """The same duration in each."""
    run = run_of(audio_format=audio_format)
    events = played_out(run, SPEECH)
    assert len(audio_of(events)) == 1000 * bytes_per_ms
    assert run.generated_ms == 1000
    assert run.item is not None
    assert run.item.duration_ms == 1000


@pytest.mark.parametrize("reason", ["turn_detected", "client_cancelled"])
def test_cancelling_closes_everything_and_ends_the_deltas(reason: Any) -> None:
    """What was said so far is the item, incomplete; nothing comes after."""
    run = run_of()
    run.receive_speech(SPEECH, 1000.0)
    run.receive_end()
    run.advance(1120.0)
    events = judged(run.cancel(reason))
    assert types(events) == CLOSING
    response = events[-1]["response"]
    assert response["status"] == "cancelled"
    assert response["status_details"] == {"type": "cancelled", "reason": reason}
    assert response["output"][0]["status"] == "incomplete"
    assert run.generated_ms == 320
    assert run.advance(1e9) == []
    assert run.next_deadline_ms() is None


def test_cancelled_before_the_first_delta_it_has_no_item() -> None:
    """Nothing was opened, so nothing is closed."""
    conversation = Conversation("conv_1")
    run = run_of(conversation=conversation)
    run.receive_speech(SPEECH, 1000.0)
    events = judged(run.cancel("turn_detected"))
    assert types(events) == ["response.done"]
    assert events[0]["response"]["output"] == []
    assert conversation.last_id is None


def test_a_failed_answer_says_so() -> None:
    """Status failed, with an error; what was said stays."""
    run = run_of()
    run.receive_speech(SPEECH, 1000.0)
    run.advance(1100.0)
    events = judged(run.fail("The answerer failed."))
    assert types(events) == CLOSING
    details = events[-1]["response"]["status_details"]
    assert details["error"] == {
        "type": "server_error",
        "code": "answer_failed",
        "message": "The answerer failed.",
    }


def test_an_empty_answer_completes_without_an_item() -> None:
    """An answerer that says nothing is no error."""
    events = played_out(run_of())
    assert types(events) == ["response.created", "response.done"]
    assert events[1]["response"]["status"] == "completed"


def test_text_answers_have_text_events() -> None:
    """And no audio at all."""
    events = played_out(run_of(modality="text"), SPEECH)
    assert without_repeats(types(events)) == [
        "response.created",
        *OPENING,
        "response.output_text.delta",
        "response.output_text.done",
        *CLOSING[2:],
    ]
    assert "".join(e["delta"] for e in events if e["type"].endswith("text.delta")) == TEXT
    assert events[-1]["response"]["output"][0]["content"] == [{"type": "output_text", "text": TEXT}]
    assert events[-1]["response"]["usage"]["output_token_details"]["audio_tokens"] == 0


def test_a_token_limit_cuts_the_answer_short() -> None:
    """Status incomplete with its reason, as a real model does it."""
    run = run_of(max_output_tokens=12)
    events = played_out(run, SPEECH)
    response = events[-1]["response"]
    assert response["status"] == "incomplete"
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    assert 0 < len(audio_of(events)) < len(SPEECH.audio)
    assert response["usage"]["output_tokens"] <= 12


def test_usage_counts_what_was_given_out() -> None:
    """20 tokens a second of audio, and the sums are right."""
    usage = played_out(run_of(), SPEECH)[-1]["response"]["usage"]
    assert usage["output_token_details"]["audio_tokens"] == 20
    assert usage["input_tokens"] == 30
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_outside_the_conversation_there_is_no_conversation_event() -> None:
    """The item is the response's alone."""
    events = played_out(run_of(is_out_of_band=True), SPEECH)
    assert not [name for name in types(events) if name.startswith("conversation.")]
    assert events[0]["response"]["conversation_id"] is None


def test_a_truncated_item_does_not_get_its_words_back() -> None:
    """The client cut it while it was still being generated."""
    run = run_of()
    run.receive_speech(SPEECH, 1000.0)
    run.advance(1120.0)
    assert run.item is not None
    run.item.truncate(0, 100)
    run.receive_end()
    events = judged(run.advance(1e9))
    assert events[-1]["response"]["output"][0]["content"][0]["transcript"] == ""
    assert run.item.duration_ms == 100


def test_events_given_out_do_not_change_later() -> None:
    """An event that waits to be sent shows how things were."""
    run = run_of()
    run.receive_speech(SPEECH, 1000.0)
    run.receive_end()
    added = run.advance(1100.0)[0]
    run.advance(1e9)
    assert added["item"]["status"] == "in_progress"
    assert added["item"]["content"] == []


@pytest.mark.parametrize(
    "fields", [{"speed_ratio": 0}, {"delta_ms": 10}, {"delta_ms": 30}, {"first_delta_ms": -1}]
)
def test_a_pace_that_can_not_be_is_refused(fields: dict[str, Any]) -> None:
    """At construction, by the name of the field."""
    with pytest.raises(ValueError, match=next(iter(fields))):
        Pace(**fields)


def test_small_pieces_come_no_slower_than_large_ones() -> None:
    """A voice may give its sound in pieces of any length: the pace is that of the sound."""
    run = run_of()
    for _ in range(16):
        run.receive_speech(Speech(text="", audio=b"\x20" * 80, audio_format=MULAW), 1000.0)
    first_ms = run.next_deadline_ms()
    assert first_ms is not None
    run.advance(first_ms)
    assert run.generated_ms == 10.0
    run.advance(first_ms + 15 * 10.0 / PACE.speed_ratio)
    assert run.generated_ms == 160.0
