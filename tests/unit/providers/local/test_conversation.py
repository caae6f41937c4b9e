"""One call's conversation: every answer has one end, and what was cut off is gone."""

from __future__ import annotations

from support.scripted_gate import ScriptedGate
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.local_agent.reply import Role, Said
from voxgate.providers.base import (
    AgentAudio,
    AgentAudioDone,
    ProviderEvent,
    ResponseDone,
    Transcript,
)
from voxgate.providers.local.conversation import Answer, Conversation

SOUND = b"\x42" * 800


class Call:
    """A conversation and its gate."""

    def __init__(self) -> None:
        self.gate = ScriptedGate()
        self.conversation = Conversation("call-1", AudioFormat(Encoding.MULAW), self.gate)

    def events(self) -> list[ProviderEvent]:
        found = []
        while (event := self.conversation.next_event()) is not None:
            found.append(event)
        return found

    def speak(self, text: str, *sounds: bytes) -> Answer:
        answer = self.conversation.begin_answer()
        self.conversation.begin_sentence(answer, text)
        for sound in sounds:
            event = self.conversation.add_audio(answer, sound, 0.0)
            assert event is not None
            assert self.conversation.is_to_be_delivered(event)
        self.conversation.end_sentence(answer)
        return answer


def test_an_answer_ends_once() -> None:
    """Whatever is said of it afterwards."""
    call = Call()
    answer = call.speak("Hello.", SOUND)
    call.conversation.end_answer(answer, 0.0)
    call.conversation.end_answer(answer, 0.0, has_failed=True)
    events = call.events()
    assert events[-3:] == [
        events[-3],
        AgentAudioDone("item-1"),
        ResponseDone("response-1", "completed"),
    ]
    assert isinstance(events[-3], Transcript)
    assert sum(isinstance(event, ResponseDone) for event in events) == 1
    assert not call.gate.is_agent_speaking


def test_sound_after_the_cut_is_nobody_s() -> None:
    """The voice was in the middle of a sentence; what the engine has not taken is taken back."""
    call = Call()
    answer = call.speak("Hello there.", SOUND)
    waiting = call.conversation.add_audio(answer, SOUND, 0.0)
    call.conversation.interrupt({"item-1": 40.0}, 10.0)
    assert waiting is not None
    assert not call.conversation.is_to_be_delivered(waiting)
    assert call.conversation.add_audio(answer, SOUND, 20.0) is None
    call.events()
    call.conversation.begin_sentence(answer, "More.")
    call.conversation.end_answer(answer, 30.0)
    assert call.events() == []
    assert call.conversation.add_audio(answer, b"", 20.0) is None


def test_what_was_not_heard_can_be_taken_once() -> None:
    """Also of an answer that was complete and still playing."""
    call = Call()
    answer = call.speak("One two three. ", SOUND)
    call.conversation.end_answer(answer, 0.0)
    call.conversation.interrupt({"item-1": 50.0}, 10.0)
    assert call.conversation.history == (Said(Role.AGENT, "One two"),)
    assert call.conversation.take_unheard() == "One two three. "
    assert call.conversation.take_unheard() == ""


def test_an_item_that_was_heard_to_its_end_stays_whole() -> None:
    """Playout names only what is unfinished."""
    call = Call()
    call.conversation.end_answer(call.speak("One.", SOUND), 0.0)
    call.conversation.end_answer(call.speak("Two.", SOUND), 0.0)
    call.conversation.interrupt({"item-2": 0.0}, 10.0)
    assert call.conversation.history == (Said(Role.AGENT, "One."),)


def test_a_failed_answer_keeps_what_was_spoken() -> None:
    """The second sentence has no sound: it was not said."""
    call = Call()
    answer = call.speak("One. ", SOUND)
    call.conversation.begin_sentence(answer, "Two.")
    call.conversation.end_answer(answer, 0.0, has_failed=True)
    assert call.conversation.history == (Said(Role.AGENT, "One."),)
    assert call.events()[-1] == ResponseDone("response-1", "failed")


def test_words_of_the_agent_in_the_caller_s_mouth_are_echo_only_over_the_agent() -> None:
    """Once it is silent, somebody may well repeat a sentence."""
    call = Call()
    call.conversation.end_answer(call.speak("We are open on Sunday.", SOUND), 0.0)
    call.conversation.begin_turn(0.0, 0.0, is_over_agent=True)
    assert call.conversation.is_caller_speaking
    call.conversation.end_turn(100.0, 700.0)
    assert not call.conversation.hear("we are open on sunday")
    call.conversation.begin_turn(0.0, 0.0, is_over_agent=False)
    call.conversation.end_turn(100.0, 700.0)
    assert not call.conversation.is_caller_speaking
    assert call.conversation.hear("we are open on sunday")
    assert not call.conversation.hear("  ")
    assert call.conversation.agent_words == "We are open on Sunday."


def test_an_interruption_of_nothing_changes_nothing() -> None:
    """And what was not heard before is still there to be said."""
    call = Call()
    call.speak("One two.", SOUND)
    call.conversation.interrupt({"item-1": 0.0}, 10.0)
    call.events()
    call.conversation.interrupt({"never": 3.0}, 20.0)
    assert call.events() == []
    assert call.conversation.take_unheard() == "One two."
    assert call.conversation.is_to_be_delivered(AgentAudio("never", b""))
