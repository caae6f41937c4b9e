"""The caller's turns, and the answers that they interrupt, in audio time.

Every event out of the session is judged by the SDK's types.
"""

from __future__ import annotations

from base64 import b64decode
from importlib.resources import files

import numpy as np
import pytest

from support.realtime_client import (
    MULAW,
    SessionDriver,
    audio_of,
    error_of,
    mulaw_driver,
    types,
    without_repeats,
)
from support.signals import speech_like
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import decode_mulaw, encode
from voxgate.core.units import db_to_ratio
from voxgate.realtime_server.answerer import Speech
from voxgate.realtime_server.response import Pace
from voxgate.realtime_server.voice_library import VoiceLibrary, agent_voices

CALLER = VoiceLibrary.load(files("voxgate.lab") / "voices")
SECOND = b"\xff" * 8000
"""A second of silence in mu-law."""

USER_TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    "response.created",
]
ANSWER = [
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
    "rate_limits.updated",
]


def interrupted_answer() -> tuple[SessionDriver, str]:
    """Return a session whose long answer has been going on for 100 ms, and the answer's item."""
    driver = mulaw_driver("service_time", "card_payment")
    driver.append(CALLER["question"].audio + SECOND)
    driver.wait(250)
    return driver, driver.of_type("response.output_audio.delta")[-1]["item_id"]


def test_the_events_of_a_turn_come_in_order() -> None:
    """From the caller's first word to the rate limits after the answer."""
    driver = mulaw_driver("card_payment")
    driver.append(CALLER["question"].audio + SECOND)
    driver.finish_response()
    assert without_repeats(types(driver.events)) == USER_TURN + ANSWER


def test_the_items_of_a_turn_are_one_item_throughout() -> None:
    """The id that ``speech_started`` announces is the one that the item gets."""
    driver = mulaw_driver("card_payment")
    driver.append(CALLER["question"].audio + SECOND)
    driver.finish_response()
    user_ids = {
        event.get("item_id") or event["item"]["id"] for event in driver.events[: len(USER_TURN) - 1]
    }
    assert len(user_ids) == 1
    added = driver.of_type("conversation.item.added")
    assert [item["item"]["role"] for item in added] == ["user", "assistant"]
    assert added[1]["previous_item_id"] == user_ids.pop()
    done = driver.of_type("response.done")[0]["response"]
    assert done["status"] == "completed"
    assert done["status_details"] is None
    assert done["output"][0]["id"] == added[1]["item"]["id"]
    assert done["usage"]["output_tokens"] > 0


def test_the_answer_is_the_voice_in_the_output_format() -> None:
    """The rendered sentence, byte for byte, as the session speaks its format."""
    driver = mulaw_driver("card_payment")
    driver.append(CALLER["question"].audio + SECOND)
    events = driver.finish_response()
    assert audio_of(events) == agent_voices()["card_payment"].audio
    (done,) = [e for e in events if e["type"] == "response.output_audio_transcript.done"]
    assert done["transcript"] == agent_voices()["card_payment"].text


def test_a_starved_session_never_ends_the_turn() -> None:
    """A client that stops sending gets no speech_stopped and no answer, for as long as it lasts."""
    driver = mulaw_driver("card_payment")
    driver.append(CALLER["interruption"].audio[:-480])
    assert types(driver.events) == ["input_audio_buffer.speech_started"]
    assert driver.wait(59 * 60_000, step_ms=60_000) == []
    events = driver.append(SECOND)
    assert types(events)[0] == "input_audio_buffer.speech_stopped"


@pytest.mark.parametrize("silence_duration_ms", [200, 500, 900])
def test_silence_ends_the_turn_in_audio_time(silence_duration_ms: int) -> None:
    """Within the silence asked for, counted in audio; no wall time passes at all."""
    driver = mulaw_driver("card_payment", silence_duration_ms=silence_duration_ms)
    speech = CALLER["interruption"].audio[:-480]  # without the silence at its end
    driver.append(speech)
    speech_end_ms = len(speech) / 8
    events = driver.append(SECOND)
    assert types(events)[0] == "input_audio_buffer.speech_stopped"
    end_ms = events[0]["audio_end_ms"]
    assert speech_end_ms < end_ms <= speech_end_ms + silence_duration_ms + 20
    stopped = driver.session.record.events("speech_stopped")[0]
    assert stopped.audio_ms <= end_ms + 20
    assert driver.now_ms == 1000.0


@pytest.mark.parametrize("line_id", ["question", "interruption", "thanks"])
def test_audio_start_ms_is_right_within_60_ms(line_id: str) -> None:
    """The sound begins 60 ms into the file; padding is taken off."""
    driver = mulaw_driver("card_payment", prefix_padding_ms=300)
    driver.append(SECOND * 2 + CALLER[line_id].audio)
    started = driver.of_type("input_audio_buffer.speech_started")[0]
    assert started["audio_start_ms"] == pytest.approx(2060 - 300, abs=60)


def test_an_echo_of_the_agent_is_heard_as_a_caller() -> None:
    """At -44 dBFS, 24 dB under the agent's voice: what the gate has to keep away."""
    echo = decode_mulaw(agent_voices()["card_payment"].audio) * db_to_ratio(-24)
    driver = mulaw_driver("card_payment")
    driver.append(encode(np.round(echo).astype(np.int16), MULAW))
    assert driver.of_type("input_audio_buffer.speech_started")


def test_the_log_tells_what_the_turn_detector_saw() -> None:
    """On the audio clock, with the times that the events named."""
    driver = mulaw_driver("card_payment")
    driver.append(SECOND + CALLER["interruption"].audio + SECOND)
    driver.finish_response()
    entries = driver.session.record.log
    assert [entry.event for entry in entries] == [
        "speech_started",
        "speech_stopped",
        "committed",
        "response_created",
        "audio_began",
        "response_done",
    ]
    assert entries[4].now_ms - entries[3].now_ms == Pace().first_delta_ms
    assert (
        entries[0].at_ms == driver.of_type("input_audio_buffer.speech_started")[0]["audio_start_ms"]
    )
    assert 1060 < entries[0].audio_ms < 1400
    assert entries[-1].detail == "completed"


def test_the_audio_received_is_kept_on_request() -> None:
    """Byte for byte, for tests that ask what reached the provider."""
    driver = SessionDriver(keeps_input_audio=True)
    driver.use_mulaw()
    driver.append(CALLER["stop"].audio)
    assert driver.session.record.input_audio == CALLER["stop"].audio


def test_without_create_response_the_client_asks() -> None:
    """The turn is committed and that is all."""
    driver = mulaw_driver("card_payment", create_response=False)
    driver.append(CALLER["question"].audio + SECOND)
    assert types(driver.events) == USER_TURN[:-1]
    driver.send("response.create")
    assert driver.finish_response()[-1]["type"] == "rate_limits.updated"


def test_semantic_vad_finds_turns_too() -> None:
    """With its own fields, and an answer."""
    driver = SessionDriver()
    driver.update(
        audio={
            "input": {
                "format": {"type": "audio/pcmu"},
                "turn_detection": {"type": "semantic_vad", "eagerness": "high"},
            }
        }
    )
    driver.append(CALLER["question"].audio + SECOND)
    assert driver.of_type("response.created")


def test_the_default_format_is_heard_and_spoken() -> None:
    """PCM at 24 kHz both ways, without any update."""
    pcm = AudioFormat(Encoding.PCM16, 24_000)
    driver = SessionDriver(["go_on"])
    audio = encode(speech_like(1500, rate_hz=24_000), pcm) + bytes(48_000)
    driver.append(audio, chunk_bytes=960)
    events = driver.finish_response()
    assert len(audio_of(events)) == len(agent_voices()["go_on"].audio) * 6


def test_an_idle_caller_is_spoken_to() -> None:
    """After the answer was played and the timeout has passed, in audio time."""
    driver = mulaw_driver("go_on", idle_timeout_ms=5000)
    driver.append(CALLER["stop"].audio + SECOND)
    driver.finish_response()
    driver.events.clear()
    assert driver.append(SECOND * 6) == []
    driver.append(SECOND * 2)
    assert without_repeats(types(driver.events))[:5] == [
        "input_audio_buffer.timeout_triggered",
        *USER_TURN[2:],
    ]
    event = driver.events[0]
    assert event["audio_end_ms"] - event["audio_start_ms"] == 5000
    assert driver.requests[-1].was_idle
    (done,) = [e for e in driver.finish_response() if e["type"].endswith("transcript.done")]
    assert done["transcript"] == agent_voices()["still_there"].text


def test_transcription_is_refused_for_each_turn() -> None:
    """There is no recogniser, and the client is told so where it would look for the words."""
    driver = mulaw_driver("go_on")
    driver.update(audio={"input": {"transcription": {"model": "whisper-1"}}})
    driver.append(CALLER["stop"].audio + SECOND)
    (failed,) = driver.of_type("conversation.item.input_audio_transcription.failed")
    assert failed["item_id"] == driver.of_type("input_audio_buffer.committed")[0]["item_id"]


# Interruption


def test_the_caller_interrupts_the_answer() -> None:
    """speech_started, then every part closed, status cancelled; and no delta after that."""
    driver, _ = interrupted_answer()
    driver.events.clear()
    driver.append(CALLER["interruption"].audio[:8000])
    assert types(driver.events) == [
        "input_audio_buffer.speech_started",
        *ANSWER[5:],
    ]
    done = driver.of_type("response.done")[0]["response"]
    assert done["status"] == "cancelled"
    assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert driver.dropped == [driver.asked[0]]
    driver.events.clear()
    assert driver.wait(20_000, step_ms=100) == []


def test_the_next_answer_knows_of_the_interruption() -> None:
    """So that the agent can say: please go on."""
    driver, _ = interrupted_answer()
    driver.append(CALLER["interruption"].audio + SECOND)
    assert [request.was_interrupted for request in driver.requests] == [False, True]
    driver.finish_response()
    driver.append(CALLER["thanks"].audio + SECOND)
    assert not driver.requests[-1].was_interrupted


def test_without_interrupt_response_the_answer_goes_on() -> None:
    """The caller's turn is committed, and no second answer can start."""
    driver = mulaw_driver("service_time", interrupt_response=False)
    driver.append(CALLER["question"].audio + SECOND)
    driver.wait(300)
    events = driver.append(CALLER["interruption"].audio + SECOND)
    assert types(events) == [*USER_TURN[:-1], "error"]
    assert events[-1]["error"]["code"] == "conversation_already_has_active_response"
    driver.finish_response()
    assert driver.of_type("response.done")[0]["response"]["status"] == "completed"


def test_the_client_cancels_the_answer() -> None:
    """By id or without; a second time there is nothing to cancel."""
    driver, _ = interrupted_answer()
    driver.events.clear()
    driver.send("response.cancel", response_id=driver.asked[0])
    assert types(driver.events) == ANSWER[5:]
    details = driver.of_type("response.done")[0]["response"]["status_details"]
    assert details == {"type": "cancelled", "reason": "client_cancelled"}
    error = error_of(driver.send("response.cancel", event_id="e5"))
    assert (error["code"], error["event_id"]) == ("response_cancel_not_active", "e5")


def test_truncation_by_what_was_heard() -> None:
    """Within what was generated it is confirmed; beyond, it is the API's error."""
    driver, item_id = interrupted_answer()
    driver.append(CALLER["interruption"].audio[:8000])
    generated_ms = len(audio_of(driver.events)) // 8
    fields = {"item_id": item_id, "content_index": 0}
    error = error_of(
        driver.send("conversation.item.truncate", audio_end_ms=generated_ms + 60, **fields)
    )
    assert error["message"] == (
        f"Audio content of {generated_ms}ms is already shorter than {generated_ms + 60}ms"
    )
    (event,) = driver.send("conversation.item.truncate", audio_end_ms=100, **fields)
    assert event["type"] == "conversation.item.truncated"
    assert event["audio_end_ms"] == 100
    (retrieved,) = driver.send("conversation.item.retrieve", item_id=item_id)
    (part,) = retrieved["item"]["content"]
    assert part["transcript"] == ""
    assert len(b64decode(part["audio"])) == 800


def test_truncation_of_a_complete_answer_counts_as_an_interruption() -> None:
    """Generation is over long before playback: the client flushes and truncates by itself."""
    driver = mulaw_driver("card_payment")
    driver.append(CALLER["question"].audio + SECOND)
    driver.finish_response()
    item_id = driver.of_type("response.output_item.done")[0]["item"]["id"]
    driver.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=1500)
    driver.append(CALLER["interruption"].audio + SECOND)
    assert driver.requests[-1].was_interrupted


# The buffer by hand


def test_a_commit_by_hand_makes_an_item_and_no_answer() -> None:
    """Without turn detection the client decides what a turn is."""
    driver = SessionDriver()
    driver.update(audio={"input": {"format": {"type": "audio/pcmu"}, "turn_detection": None}})
    audio = CALLER["stop"].audio
    assert driver.append(audio) == []
    events = driver.send("input_audio_buffer.commit")
    assert types(events) == USER_TURN[2:5]
    item_id = events[0]["item_id"]
    (retrieved,) = driver.send("conversation.item.retrieve", item_id=item_id)
    assert b64decode(retrieved["item"]["content"][0]["audio"]) == audio
    assert driver.asked == []


def test_a_commit_during_speech_takes_the_announced_item() -> None:
    """And no speech_stopped comes for it."""
    driver = mulaw_driver("card_payment")
    driver.append(CALLER["question"].audio[:16_000])
    announced = driver.of_type("input_audio_buffer.speech_started")[0]["item_id"]
    events = driver.send("input_audio_buffer.commit")
    assert events[0]["item_id"] == announced
    driver.events.clear()
    driver.append(SECOND * 2)
    assert driver.events == []


@pytest.mark.parametrize(("held_ms", "shown"), [(0, "0.00"), (60, "60.00"), (99, "99.00")])
def test_too_little_audio_can_not_be_committed(held_ms: int, shown: str) -> None:
    """The API wants 100 ms, and says how much there is."""
    driver = mulaw_driver("card_payment")
    driver.append(SECOND[: held_ms * 8])
    error = error_of(driver.send("input_audio_buffer.commit", event_id="e2"))
    assert error["code"] == "input_audio_buffer_commit_empty"
    assert f"buffer only has {shown}ms of audio." in error["message"]
    assert error["event_id"] == "e2"


def test_clear_drops_what_was_said() -> None:
    """The turn that was going on is forgotten with it."""
    driver = mulaw_driver("card_payment")
    driver.append(CALLER["question"].audio[:16_000])
    driver.events.clear()
    assert types(driver.send("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    assert driver.append(SECOND * 2) == []
    driver.send("input_audio_buffer.clear")
    assert error_of(driver.send("input_audio_buffer.commit"))["code"] == (
        "input_audio_buffer_commit_empty"
    )


def test_an_answer_that_comes_faster_than_it_is_sent_is_to_wait() -> None:
    """From 10 s on, until some of it is out; one that is over holds up nobody."""
    driver = mulaw_driver()
    driver.answerer = None
    driver.append(CALLER["stop"].audio + SECOND)
    speech = Speech(text="", audio=SECOND * 9, audio_format=MULAW)
    driver.say(driver.asked[-1], speech, is_complete=False)
    assert not driver.session.is_answer_ahead
    driver.say(driver.asked[-1], speech, is_complete=False)
    assert driver.session.is_answer_ahead
    driver.wait(1200)
    assert not driver.session.is_answer_ahead
    driver.say(driver.asked[-1], speech, is_complete=False)
    assert driver.session.is_answer_ahead
    driver.send("response.cancel")
    assert not driver.session.is_answer_ahead
