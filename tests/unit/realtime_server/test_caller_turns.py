"""What the caller says becomes items, and words where somebody recognises them."""

from __future__ import annotations

from base64 import b64decode
from importlib.resources import files

import pytest

from support.realtime_client import MULAW, SessionDriver, types
from voxgate.realtime_server.outbox import DropTurn, EndTurn, HearTurn
from voxgate.realtime_server.voice_library import VoiceLibrary

CALLER = VoiceLibrary.load(files("voxgate.lab") / "voices")
SECOND = b"\xff" * 8000
COMPLETED = "conversation.item.input_audio_transcription.completed"
DELTA = "conversation.item.input_audio_transcription.delta"
FAILED = "conversation.item.input_audio_transcription.failed"


def listening(*, is_told: bool = True, turn_detection: bool = True) -> SessionDriver:
    """Return a session with a recogniser, whose client wants to be told of words, or not."""
    driver = SessionDriver(has_recogniser=True)
    driver.use_mulaw()
    update: dict[str, object] = {"transcription": {"model": "any"} if is_told else None}
    if not turn_detection:
        update["turn_detection"] = None
    driver.update(audio={"input": update})
    driver.events.clear()
    return driver


def heard(driver: SessionDriver) -> bytes:
    """Return all audio that the recogniser was given."""
    return b"".join(step.audio for step in driver.hearing if isinstance(step, HearTurn))


def ended(driver: SessionDriver) -> list[str]:
    """Return the turns whose words are wanted."""
    return [step.item_id for step in driver.hearing if isinstance(step, EndTurn)]


@pytest.mark.parametrize("chunk_bytes", [160, 80_000])
def test_a_turn_is_heard_while_it_lasts_and_to_its_end(chunk_bytes: int) -> None:
    """The recogniser gets just what the item holds, however it was cut into messages."""
    driver = listening()
    driver.append(SECOND + CALLER["question"].audio + SECOND, chunk_bytes=chunk_bytes)
    (item_id,) = ended(driver)
    item = driver.send("conversation.item.retrieve", item_id=item_id)[0]["item"]

    assert {s.item_id for s in driver.hearing} == {item_id}
    assert {s.audio_format for s in driver.hearing if isinstance(s, HearTurn)} == {MULAW}
    assert heard(driver) == b64decode(item["content"][0]["audio"])


def test_words_come_as_one_delta_and_a_whole() -> None:
    """And are in the item from then on; the audio's length is what they are billed by."""
    driver = listening()
    driver.append(CALLER["stop"].audio + SECOND)
    (item_id,) = ended(driver)
    delta, completed = driver.transcribe(item_id, "stop please")
    item = driver.send("conversation.item.retrieve", item_id=item_id)[0]["item"]

    assert (delta["type"], delta["delta"]) == (DELTA, "stop please")
    assert (completed["type"], completed["transcript"]) == (COMPLETED, "stop please")
    assert 1.0 < completed["usage"]["seconds"] < 2.1
    assert item["content"][0]["transcript"] == "stop please"


def test_a_turn_without_words_is_completed_all_the_same() -> None:
    """An empty transcript, and no delta of nothing."""
    driver = listening()
    driver.append(CALLER["stop"].audio + SECOND)
    assert [e["type"] for e in driver.transcribe(ended(driver)[0], "")][:1] == [COMPLETED]


def test_a_recogniser_that_fails_is_told_of_and_answered_all_the_same() -> None:
    """The answer goes without the words."""
    driver = listening()
    driver.append(CALLER["stop"].audio + SECOND)
    assert driver.requests == []
    failed = driver.transcribe(ended(driver)[0], None)[0]
    assert failed["type"] == FAILED
    assert failed["error"]["code"] == "transcription_failed"
    assert len(driver.requests) == 1


def test_a_client_that_did_not_ask_is_told_nothing() -> None:
    """The words are for the answer alone."""
    driver = listening(is_told=False)
    driver.append(CALLER["stop"].audio + SECOND)
    before = len(driver.events)
    driver.transcribe(ended(driver)[0], "stop please")
    assert not [name for name in types(driver.events[before:]) if "transcription" in name]
    assert len(driver.requests) == 1


def test_turns_that_the_client_ends_are_heard_too() -> None:
    """From the first audio on; what is committed is what was heard."""
    driver = listening(turn_detection=False)
    driver.append(CALLER["stop"].audio)
    assert heard(driver) == CALLER["stop"].audio
    assert ended(driver) == []
    committed = driver.send("input_audio_buffer.commit")[0]
    assert ended(driver) == [committed["item_id"]]
    driver.append(SECOND)
    assert driver.hearing[-1].item_id != committed["item_id"]


def test_audio_that_is_cleared_is_forgotten() -> None:
    """The recogniser is told, and the next turn is another one."""
    driver = listening(turn_detection=False)
    driver.append(SECOND)
    begun = driver.hearing[-1].item_id
    driver.send("input_audio_buffer.clear")
    assert driver.hearing[-1] == DropTurn(begun)
    driver.append(SECOND)
    assert driver.hearing[-1].item_id != begun


def test_a_turn_in_another_format_is_another_turn() -> None:
    """What was heard of it can't be gone on with."""
    driver = listening()
    driver.append(SECOND + CALLER["question"].audio[:16_000])
    begun = driver.hearing[-1].item_id
    driver.update(audio={"input": {"format": {"type": "audio/pcma"}}})
    assert driver.hearing[-1] == DropTurn(begun)


def test_silence_that_nobody_spoke_in_is_heard_whole() -> None:
    """An idle timeout makes an item too, whose words may be asked for."""
    driver = SessionDriver(has_recogniser=True)
    driver.use_mulaw(idle_timeout_ms=5000)
    driver.send("response.create")
    driver.finish_response()
    driver.append(SECOND * 12)
    assert "input_audio_buffer.timeout_triggered" in types(driver.events)
    assert len(ended(driver)) == 1


def test_a_spoken_item_that_the_client_wrote_is_heard() -> None:
    """Its words are in the history of the answer."""
    driver = listening()
    part = {"type": "input_audio", "audio": "////" * 200}
    item = {"type": "message", "role": "user", "content": [part]}
    driver.send("conversation.item.create", item=item)
    driver.send("response.create")
    assert driver.requests == []
    driver.transcribe(ended(driver)[0], "good day")
    assert [entry.text for entry in driver.requests[0].history] == ["good day"]  # type: ignore[union-attr]


def test_without_a_recogniser_nothing_is_heard() -> None:
    """And a client that wants words is told that there are none."""
    driver = SessionDriver()
    driver.use_mulaw()
    driver.update(audio={"input": {"transcription": {"model": "any"}}})
    driver.append(CALLER["stop"].audio + SECOND)
    assert driver.hearing == []
    (failed,) = driver.of_type(FAILED)
    assert failed["error"]["code"] == "transcription_unavailable"
