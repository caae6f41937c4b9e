"""Answers out of a reply and a voice."""

from __future__ import annotations

from typing import Any

from support.scripted_parts import ScriptedReply, ScriptedVoice
from voxgate.local_agent.reply import FunctionAsked, Role, Said
from voxgate.realtime_server.answerer import (
    AnswerRequest,
    FunctionCall,
    OfferedFunction,
    Speech,
)
from voxgate.realtime_server.local_answerer import LocalAnswerer

ASKED = (Said(Role.CALLER, "When do you open?"),)


def answerer(
    reply: ScriptedReply, voice: ScriptedVoice, *, follows_instructions: bool = False
) -> LocalAnswerer:
    """Return an answerer that greets with "Good day."."""
    return LocalAnswerer(
        reply, voice, greeting="Good day.", follows_instructions=follows_instructions
    )


async def said_by(
    reply: ScriptedReply, *, follows_instructions: bool = False, **request: Any
) -> list[str]:
    """Return the texts that the voice was given for a request."""
    voice = ScriptedVoice()
    speaker = answerer(reply, voice, follows_instructions=follows_instructions)
    request = {"turns_heard": 1, "history": ASKED, **request}
    async for _ in speaker.answer(AnswerRequest(**request)):
        pass
    return voice.texts


async def test_a_reply_is_spoken_sentence_by_sentence() -> None:
    """However it is cut on its way, and without a model's markup."""
    reply = ScriptedReply(["We open at ni", "ne. On **Sundays** we ", "stay closed."])
    assert await said_by(reply) == ["We open at nine.", "On Sundays we stay closed."]
    assert reply.n_ended == 1


async def test_the_first_sentence_is_spoken_before_the_second_is_written() -> None:
    """The caller does not wait for the end of the reply."""
    reply, voice = ScriptedReply(["One moment, please. ", "It is nine."]), ScriptedVoice()
    pieces = answerer(reply, voice).answer(AnswerRequest(turns_heard=1, history=ASKED))
    first = await anext(pieces)
    assert isinstance(first, Speech)
    assert (voice.texts, reply.n_ended) == (["One moment, please."], 0)


async def test_the_words_go_with_their_sound() -> None:
    """Spread over the pieces by their length, all of them, in order."""
    text = "The workshop opens at nine in the morning."
    voice = ScriptedVoice(duration_ms=1000)
    speaker = answerer(ScriptedReply([text]), voice)
    request = AnswerRequest(turns_heard=1, history=ASKED)
    pieces = [p async for p in speaker.answer(request) if isinstance(p, Speech)]

    assert " ".join(piece.text for piece in pieces if piece.text) == text
    assert pieces[0].text == "The"
    assert len(pieces) == 11, "what no piece was long enough for comes behind them"
    assert (pieces[-1].text, pieces[-1].audio) == ("at nine in the morning.", b"")


async def test_functions_come_after_all_that_is_said() -> None:
    """Also those that a reply asks for before its last word."""
    asked = FunctionAsked(function_call_id="c", name="hangup", arguments='{"a":1}')
    speaker = answerer(ScriptedReply([asked, "Goodbye."]), ScriptedVoice())
    request = AnswerRequest(turns_heard=1, history=ASKED)
    pieces = [piece async for piece in speaker.answer(request)]
    assert pieces[-1] == FunctionCall(name="hangup", arguments='{"a":1}')
    assert all(isinstance(piece, Speech) for piece in pieces[:-1])


async def test_the_reply_is_told_all_that_there_is() -> None:
    """The conversation, functions, and instructions: the answer's own in place of the session's."""
    reply = ScriptedReply(["Yes."])
    offered = (OfferedFunction(name="weather"),)
    told = {"session_instructions": "Be kind.", "system_text": "It rains.", "offered": offered}
    await said_by(reply, **told)
    await said_by(reply, instructions="Be brief.", **told)
    texts = [request.instructions for request in reply.requests]
    assert texts == ["Be kind.\n\nIt rains.", "Be brief.\n\nIt rains."]
    assert reply.requests[0].history == ASKED
    assert reply.requests[0].functions == offered


async def test_who_has_said_nothing_is_greeted() -> None:
    """Word for word where the client wants that; else a model may be asked, and a rule may not."""
    exactly = "Be kind.\n\nGreet. Say exactly these words, nothing else: Welcome to Ulm."
    reply = ScriptedReply(["I was asked."])
    nobody: dict[str, Any] = {"turns_heard": 0, "history": ()}
    assert await said_by(reply, **nobody) == ["Good day."]
    assert await said_by(reply, **nobody, instructions=exactly) == ["Welcome to Ulm."]
    assert await said_by(reply, **nobody, instructions="Greet.") == ["Good day."]
    assert reply.requests == []
    model: dict[str, Any] = {**nobody, "follows_instructions": True}
    assert await said_by(reply, **model, instructions="Greet.") == ["I was asked."]
    assert await said_by(reply, **model) == ["Good day."]
    assert await said_by(reply, **model, instructions=exactly) == ["Welcome to Ulm."]


async def test_a_colon_far_away_makes_no_greeting() -> None:
    """It is looked for nearby: all calls would wait for a search through megabytes of text."""
    far = f"Say exactly what you know {'about us ' * 30}: we are open."
    nobody: dict[str, Any] = {"turns_heard": 0, "history": ()}
    assert await said_by(ScriptedReply(), **nobody, instructions=far) == ["Good day."]


async def test_a_silent_caller_is_asked_for() -> None:
    """There is nothing to reply to."""
    reply = ScriptedReply(["No."])
    assert await said_by(reply, was_idle=True) == ["Are you still there?"]
    assert reply.requests == []


async def test_what_can_not_be_spoken_is_left_out() -> None:
    """No voice is asked to speak an emoji."""
    assert await said_by(ScriptedReply(["\N{GRINNING FACE}\n", "Yes."])) == ["Yes."]


async def test_an_answer_that_is_dropped_ends_everything_behind_it() -> None:
    """Reply and voice are told at once."""
    reply, voice = ScriptedReply(["One. Two is next. ", "Three."]), ScriptedVoice()
    pieces = answerer(reply, voice).answer(AnswerRequest(turns_heard=1, history=ASKED))
    await anext(pieces)
    await pieces.aclose()  # type: ignore[attr-defined]
    assert (reply.n_ended, voice.n_ended) == (1, 1)
