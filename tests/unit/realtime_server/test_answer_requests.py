"""What the answerer is asked, and when."""

from __future__ import annotations

from importlib.resources import files

from support.realtime_client import MULAW, SessionDriver, types
from voxgate.local_agent.reply import Role, Said
from voxgate.realtime_server.answerer import Speech
from voxgate.realtime_server.outbox import EndTurn
from voxgate.realtime_server.voice_library import VoiceLibrary

CALLER = VoiceLibrary.load(files("voxgate.lab") / "voices")
SECOND = b"\xff" * 8000
TOOL = {"type": "function", "name": "weather", "description": "Tells it.", "parameters": {"a": 1}}


def listening() -> SessionDriver:
    """Return a session with a recogniser and answers given by hand."""
    driver = SessionDriver(has_recogniser=True)
    driver.answerer = None
    driver.use_mulaw()
    return driver


def speak(driver: SessionDriver, words: str | None) -> None:
    """Say something that is recognised so."""
    driver.append(CALLER["stop"].audio + SECOND)
    ended = [step.item_id for step in driver.hearing if isinstance(step, EndTurn)]
    driver.transcribe(ended[-1], words)


def said(driver: SessionDriver) -> list[tuple[Role, str]]:
    """Return the conversation as the last request has it."""
    history = driver.requests[-1].history
    return [(entry.role, entry.text) for entry in history if isinstance(entry, Said)]


def write(driver: SessionDriver, role: str, text: str) -> None:
    """Add a message."""
    kind = "output_text" if role == "assistant" else "input_text"
    item = {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
    driver.send("conversation.item.create", item=item)


def test_an_answer_waits_for_the_words_of_the_turn() -> None:
    """The response is created at once, and asked for when the words are there."""
    driver = listening()
    driver.append(CALLER["stop"].audio + SECOND)
    assert "response.created" in types(driver.events)
    assert driver.requests == []
    speak_id = next(s.item_id for s in driver.hearing if isinstance(s, EndTurn))
    driver.transcribe(speak_id, "stop please")
    assert said(driver) == [(Role.CALLER, "stop please")]


def test_an_answer_that_was_cancelled_meanwhile_is_never_asked_for() -> None:
    """The words come too late for it; the next answer has them."""
    driver = listening()
    driver.append(CALLER["stop"].audio + SECOND)
    driver.send("response.cancel")
    speak_id = next(s.item_id for s in driver.hearing if isinstance(s, EndTurn))
    driver.transcribe(speak_id, "stop please")
    assert driver.requests == []
    driver.send("response.create")
    assert said(driver) == [(Role.CALLER, "stop please")]


def test_the_conversation_is_what_was_heard_of_it() -> None:
    """Of an answer that the client truncated only the words before."""
    driver = listening()
    speak(driver, "first")
    speech = Speech(text="one two three four", audio=b"\x20" * 160 * 8 * 4, audio_format=MULAW)
    driver.say(driver.asked[-1], speech, is_complete=False)
    driver.wait(500)
    (item_id,) = {e["item_id"] for e in driver.of_type("response.output_audio.delta")}
    driver.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=330)
    driver.send("response.cancel")
    speak(driver, "second")
    assert said(driver) == [
        (Role.CALLER, "first"),
        (Role.AGENT, "one two"),
        (Role.CALLER, "second"),
    ]
    assert driver.requests[-1].was_interrupted


def test_a_context_of_its_own_takes_the_place_of_the_conversation() -> None:
    """Items that are given, and items that are referred to."""
    driver = listening()
    speak(driver, "spoken")
    driver.send("response.cancel")
    spoken = driver.of_type("input_audio_buffer.committed")[0]["item_id"]
    text = {"type": "input_text", "text": "written"}
    message = {"type": "message", "role": "user", "content": [text]}
    reference = {"type": "item_reference", "id": spoken}
    driver.send("response.create", response={"input": [message, reference]})
    assert [text for _, text in said(driver)] == ["written", "spoken"]
    driver.send("response.cancel")
    driver.send("response.create", response={"input": [message]})
    assert [text for _, text in said(driver)] == ["written"]


def test_what_is_told_to_the_model_is_apart() -> None:
    """Instructions of session and response, and messages of the system."""
    driver = listening()
    driver.update(instructions="Be kind.")
    write(driver, "system", "It rains.")
    write(driver, "assistant", "Hello.")
    write(driver, "user", "Hi.")
    driver.send("response.create", response={"instructions": "Be brief."})
    request = driver.requests[-1]
    assert request.session_instructions == "Be kind."
    assert request.instructions == "Be brief."
    assert request.system_text == "It rains."
    assert said(driver) == [(Role.AGENT, "Hello."), (Role.CALLER, "Hi.")]
    assert request.text == "Hi."


def test_functions_are_offered_with_all_that_is_known_of_them() -> None:
    """Unless the client wants none called."""
    driver = listening()
    driver.update(tools=[TOOL, {"type": "function", "name": "bare"}])
    driver.send("response.create")
    weather, bare = driver.requests[-1].offered
    assert (weather.name, weather.description, weather.parameters) == (
        "weather",
        "Tells it.",
        {"a": 1},
    )
    assert (bare.description, bare.parameters) == ("", {"type": "object", "properties": {}})
    for refusal in ({"tools": []}, {"tool_choice": "none"}):
        driver.send("response.cancel")
        driver.send("response.create", response=refusal)
        assert driver.requests[-1].offered == ()
