"""The local provider in a call: who speaks when, what is remembered, what becomes of failures."""

from __future__ import annotations

import asyncio

import pytest

from support.local_bench import FRAME, LocalBench, texts_of
from support.local_parts import speech
from support.scripted_gate import decision_of
from support.virtual_time import in_virtual_time
from voxgate.core.gate_decision import PASS_THROUGH
from voxgate.errors import ProviderError
from voxgate.providers.base import (
    AgentAudio,
    AgentAudioDone,
    CallerSpeechStarted,
    ProviderEnded,
    ProviderWarning,
    ResponseDone,
    Speaker,
    Transcript,
)

LOST = ProviderError("chat", "the server hung up", code="connection_failed", retryable=True)
FINAL = ProviderError("chat", "the server has no model", code="http_404", retryable=False)


def said(bench: LocalBench, speaker: Speaker = Speaker.AGENT) -> list[str]:
    return [e.text for e in bench.of(Transcript) if e.speaker is speaker and e.is_final]


@in_virtual_time
async def test_the_greeting_is_spoken_and_remembered() -> None:
    """It is the agent's first word, in the line's format."""
    bench = LocalBench("hello", greeting="Welcome. How can I help?")
    await bench.start()
    audio = b"".join(event.audio for event in bench.of(AgentAudio))
    assert len(audio) == 8 * (len("Welcome.") + len("How can I help?"))
    assert said(bench) == ["Welcome. How can I help?"]
    await bench.say()
    assert texts_of(bench.reply.requests[0].history) == [
        "agent: Welcome. How can I help?",
        "caller: hello",
    ]
    await bench.stop()


@in_virtual_time
async def test_a_call_has_what_was_away_started_or_is_told_that_it_can_not_be_had() -> None:
    """Before it is ready: another provider takes over while the server is away."""
    is_away = True

    async def start_missing() -> None:
        if is_away:
            raise LOST

    bench = LocalBench(greeting="Welcome.", start_missing=start_missing)
    with pytest.raises(ProviderError, match="the server hung up"):
        await bench.start()
    await bench.stop()
    is_away = False
    bench = LocalBench(greeting="Welcome.", start_missing=start_missing)
    await bench.start()
    assert said(bench) == ["Welcome."]
    await bench.stop()


@in_virtual_time
async def test_a_turn_is_answered_with_what_the_operator_told_the_model() -> None:
    """Instructions, and the words of the caller."""
    bench = LocalBench("opening hours", instructions="Be brief.")
    await bench.start()
    await bench.say()
    bench.reply.put("Nine to five.", None)
    await bench.settle()

    (request,) = bench.reply.requests
    assert request.instructions == "Be brief."
    assert said(bench) == ["Nine to five."]
    assert said(bench, Speaker.CALLER) == ["opening hours"]
    assert bench.of(ResponseDone) == [ResponseDone("response-1", "completed")]
    assert bench.ears.shown == [("item-1", b"\x42" * 8 * 13), ("item-1", b"")]
    await bench.stop()


@in_virtual_time
async def test_an_interruption_leaves_in_the_history_what_was_heard() -> None:
    """The rest is neither played nor believed to be said."""
    bench = LocalBench("one", "two")
    await bench.start()
    await bench.say()
    bench.reply.put("We are open from nine. And so on", None)
    await bench.settle()
    await bench.begin_turn(over_agent_ms=400.0)
    assert bench.of(CallerSpeechStarted)[-1].capture_ms == bench.now_ms - 400.0
    await bench.provider.interrupt({"item-1": 12.0})
    assert bench.ears.n_interruptions == 1
    await bench.end_turn()

    assert texts_of(bench.reply.requests[1].history) == [
        "caller: one", "agent: We are open", "caller: two",
    ]  # fmt: skip
    assert said(bench)[-1] == "We are open"
    await bench.stop()


@in_virtual_time
async def test_an_answer_that_nobody_heard_is_nobody_s() -> None:
    """The caller spoke on while the model thought: both words are one question."""
    bench = LocalBench("how long", "does it take")
    await bench.start()
    await bench.say()
    assert bench.reply.n_open == 1
    await bench.begin_turn()
    await bench.provider.interrupt({})
    await bench.settle()
    assert bench.reply.n_open == 0
    assert bench.of(ResponseDone) == [ResponseDone("response-1", "cancelled")]
    await bench.end_turn()

    assert texts_of(bench.reply.requests[1].history) == [
        "caller: how long", "caller: does it take",
    ]  # fmt: skip
    await bench.stop()


@in_virtual_time
async def test_a_turn_that_ends_while_the_caller_speaks_again_is_not_answered() -> None:
    """The recogniser took its time; the next turn's end answers both."""
    bench = LocalBench("how long", "does it take")
    bench.recogniser.may_finish.clear()
    await bench.start()
    await bench.say()
    await bench.begin_turn()
    bench.recogniser.may_finish.set()
    await bench.settle()
    assert bench.reply.requests == []
    await bench.end_turn()
    assert len(bench.reply.requests) == 1
    await bench.stop()


@in_virtual_time
async def test_turns_are_understood_in_the_order_in_which_they_were_said() -> None:
    """The words of a long turn come later than those of the short one behind it: the answer has
    both, in order, and is not given up for the first."""
    bench = LocalBench()
    await bench.start()
    long_turn, short_turn = asyncio.Event(), asyncio.Event()
    texts = {long_turn: "how long does it take", short_turn: "and what does it cost"}
    for may_finish in (long_turn, short_turn):
        await bench.begin_turn()
        bench.recogniser.recognitions[-1].may_finish = may_finish
        bench.recogniser.recognitions[-1].words = texts[may_finish]
        await bench.end_turn()
    short_turn.set()
    await bench.settle()
    assert bench.reply.requests == []
    long_turn.set()
    await bench.settle()
    assert texts_of(bench.reply.requests[-1].history) == [
        "caller: how long does it take", "caller: and what does it cost",
    ]  # fmt: skip
    await bench.stop()


@in_virtual_time
async def test_a_turn_that_fails_late_costs_no_answer_to_the_next() -> None:
    """Its excuse would take the place of a good answer."""
    bench = LocalBench()
    await bench.start()
    lost, understood = asyncio.Event(), asyncio.Event()
    for may_finish, words in ((lost, LOST), (understood, "opening hours")):
        await bench.begin_turn()
        bench.recogniser.recognitions[-1].may_finish = may_finish
        bench.recogniser.recognitions[-1].words = words
        await bench.end_turn()
    bench.reply.put("Nine to five.", None)
    understood.set()
    await bench.settle()
    lost.set()
    await bench.settle()
    assert bench.of(ProviderWarning) == [ProviderWarning(LOST)]
    assert said(bench)[-1] == "Nine to five."
    await bench.stop()


@in_virtual_time
@pytest.mark.parametrize("understood", ["", "we are open from nine"])
async def test_what_interrupted_without_a_word_of_its_own_is_made_good(understood: str) -> None:
    """A cough, or the agent's own words that came back: it goes on with the sentence it was in."""
    bench = LocalBench("one", understood)
    await bench.start()
    await bench.say()
    bench.reply.put("Yes of course. We are open from nine. And until five.", None)
    await bench.settle()
    await bench.begin_turn(over_agent_ms=1000.0)
    await bench.provider.interrupt({"item-1": 20.0})
    await bench.end_turn()

    assert len(bench.reply.requests) == 1, "nobody asked anything"
    assert bench.voice.texts[3:] == ["We are open from nine.", "And until five."]
    assert said(bench, Speaker.CALLER) == ["one"]
    await bench.stop()


@in_virtual_time
async def test_a_cough_while_the_agent_thinks_costs_no_answer() -> None:
    """The question is asked again; where nothing was asked, nothing is."""
    bench = LocalBench("how long", "")
    await bench.start()
    await bench.say()
    await bench.begin_turn()
    await bench.provider.interrupt({})
    await bench.end_turn()
    assert len(bench.reply.requests) == 2
    assert texts_of(bench.reply.requests[1].history) == ["caller: how long"]
    bench.reply.put("Two days.", None)
    await bench.settle()
    await bench.say()
    assert len(bench.reply.requests) == 2
    await bench.stop()


@in_virtual_time
async def test_nobody_is_spoken_over_with_an_excuse() -> None:
    """The recogniser failed, and the caller has gone on."""
    bench = LocalBench()
    bench.recogniser.texts.extend([LOST, "hello"])
    bench.recogniser.may_finish.clear()
    await bench.start()
    await bench.say()
    await bench.begin_turn()
    bench.recogniser.may_finish.set()
    await bench.settle()
    assert bench.of(ProviderWarning) == [ProviderWarning(LOST)]
    assert bench.voice.texts == []
    await bench.end_turn()
    assert len(bench.reply.requests) == 1
    await bench.stop()


@in_virtual_time
async def test_speech_without_a_word_is_asked_for_again_once() -> None:
    """A noise that comes back is not talked to for ever; a cough is passed over."""
    bench = LocalBench("", "", "", "hello", "")
    await bench.start()
    await bench.say()
    assert bench.voice.texts == [], "100 ms are a cough"
    for _ in range(2):
        await bench.begin_turn(over_agent_ms=600.0)
        await bench.end_turn()
    assert bench.voice.texts == ["I did not get that, please say it again."]
    await bench.say()
    bench.reply.put("Hi.", None)
    await bench.settle()
    await bench.begin_turn(over_agent_ms=600.0)
    await bench.end_turn()
    assert len(bench.voice.texts) == 3, "after a turn that was understood it may ask again"
    await bench.stop()


@in_virtual_time
async def test_a_suspicion_is_listened_to_and_forgotten() -> None:
    """The recogniser hears what may be the caller, so that the words can tell."""
    bench = LocalBench()
    await bench.start()
    await bench.begin_turn(over_agent_ms=100.0)
    (recognition,) = bench.recogniser.recognitions
    await bench.provider.send_audio(FRAME)
    await bench.settle()
    assert recognition.is_cancelled
    assert bench.gate.heard == []
    await bench.stop()


@in_virtual_time
async def test_the_agent_s_own_words_do_not_interrupt_it() -> None:
    """Evidence that would do for a caller does not do for its echo."""
    bench = LocalBench("one", "open at nine please")
    await bench.start()
    await bench.say()
    bench.reply.put("We are open from nine.", None)
    await bench.settle()
    bench.recogniser.partial = "are open"
    await bench.begin_turn(over_agent_ms=100.0)
    await bench.begin_turn(over_agent_ms=500.0)
    assert bench.gate.heard == ["started", "stopped"]
    bench.recogniser.partial = "are you open"
    await bench.begin_turn(over_agent_ms=500.0)
    await bench.begin_turn(over_agent_ms=500.0)
    assert bench.gate.heard == ["started", "stopped", "started"]
    await bench.stop()


@in_virtual_time
async def test_the_recogniser_gets_the_line_s_audio_also_while_the_agent_speaks() -> None:
    """And the engine is told that nobody touched it."""
    bench = LocalBench("hello")
    await bench.start()
    assert await bench.provider.send_audio(FRAME) is PASS_THROUGH
    assert await bench.provider.advance() is PASS_THROUGH
    await bench.say()
    assert len(bench.recogniser.recognitions[0].audio) == 6 * 640
    await bench.stop()


@in_virtual_time
async def test_behind_the_gate_it_hears_what_the_gate_lets_through() -> None:
    """The operator's ``gating_enabled: true``."""
    bench = LocalBench("hello", is_gated=True)
    await bench.start()
    assert bench.provider.capabilities.needs_gating
    silence = b"\xff" * 160
    decisions = [decision_of(FRAME, FRAME, n_released=1), *(decision_of(FRAME) for _ in range(4))]
    bench.gate.frame_decisions.extend(decisions)
    for decision in decisions:
        assert await bench.provider.send_audio(FRAME) is decision
    idle = decision_of(silence)
    bench.gate.idle_decisions.append(idle)
    assert await bench.provider.advance() is idle
    await bench.end_turn()
    assert bench.gate.heard == ["started", "stopped"]
    assert len(bench.recogniser.recognitions[0].audio) == 7 * 640
    await bench.stop()


@in_virtual_time
@pytest.mark.parametrize("part", ["recogniser", "reply", "voice"])
async def test_a_part_that_fails_costs_one_answer(part: str) -> None:
    """The caller hears of it, and the next question is answered."""
    bench = LocalBench(greeting=None)
    bench.recogniser.texts.extend([LOST if part == "recogniser" else "one", "two"])
    if part == "voice":
        bench.voice.errors.append(LOST)
    await bench.start()
    await bench.say()
    if part == "reply":
        bench.reply.put(LOST)
    elif part == "voice":
        bench.reply.put("Hello.", None)
    await bench.settle()
    assert bench.of(ProviderWarning) == [ProviderWarning(LOST)]
    assert bench.voice.texts[-1] == "I am sorry, I did not get that."
    bench.reply.forget()
    bench.reply.put("Two.", None)
    await bench.say()
    assert said(bench)[-1] == "Two."
    assert not bench.has_ended
    await bench.stop()


@in_virtual_time
async def test_too_many_failures_in_a_row_are_the_end() -> None:
    """Another provider may take over, so the error says what it was; good answers between count."""
    bench = LocalBench(*"abcdef")
    await bench.start()
    for piece in (LOST, LOST, "Good.", LOST, LOST):
        bench.reply.forget()
        bench.reply.put(piece, None)
        await bench.say()
        assert not bench.has_ended
    bench.reply.forget()
    bench.reply.put(LOST)
    await bench.say()
    assert bench.of(ProviderEnded) == [ProviderEnded(LOST)]
    await bench.stop()


@in_virtual_time
async def test_an_error_that_would_come_again_is_the_end_at_once() -> None:
    """No model of that name: nobody has to say sorry three times."""
    bench = LocalBench("one")
    await bench.start()
    bench.reply.put(FINAL)
    await bench.say()
    assert bench.of(ProviderEnded) == [ProviderEnded(FINAL)]
    assert bench.voice.texts == []
    await bench.stop()


@in_virtual_time
async def test_a_voice_that_is_gone_ends_the_call_s_agent() -> None:
    """An excuse that can't be spoken is a failure too."""
    bench = LocalBench("one", "two")
    bench.voice.errors.extend([LOST] * 9)
    await bench.start()
    for _ in range(2):
        bench.reply.put("Hello.", None)
        await bench.say()
    assert bench.of(ProviderEnded) == [ProviderEnded(LOST)]
    assert len(bench.of(AgentAudioDone)) == 0
    await bench.stop()


@in_virtual_time
async def test_frames_before_the_start_are_heard_and_after_the_end_are_not() -> None:
    """A turn that began while the call was set up has its first word."""
    bench = LocalBench("hello")
    for _ in range(3):
        await bench.provider.send_audio(FRAME)
    await bench.start()
    await bench.say()
    assert len(bench.recogniser.recognitions[0].audio) == 8 * 640
    await bench.stop()
    n_frames = len(bench.ears.frames)
    bench.ears.decisions.append(speech())
    assert await bench.provider.send_audio(FRAME) is PASS_THROUGH
    assert len(bench.ears.frames) == n_frames
    assert bench.ears.is_closed


@in_virtual_time
async def test_a_call_that_ends_in_a_turn_cancels_its_recognition() -> None:
    """Whether it is still listened to, or being worked out."""
    bench = LocalBench()
    bench.recogniser.may_finish.clear()
    await bench.start()
    await bench.say()
    await bench.begin_turn()
    await asyncio.wait_for(bench.stop(), 60)
    assert [each.is_cancelled for each in bench.recogniser.recognitions] == [True, True]


@in_virtual_time
async def test_an_answer_that_is_given_up_before_it_began_is_none(
    recwarn: pytest.WarningsRecorder,
) -> None:
    """A call that ends in the moment in which it begins; nothing is left unawaited."""
    bench = LocalBench(greeting="Hello.")
    await bench.provider.start()
    await bench.provider.interrupt({})
    await bench.stop()
    assert bench.voice.texts == []
    assert [str(warning.message) for warning in recwarn] == []


class TestTheCallerHasWaited:
    """What the caller said before the start is heard by then, or being heard."""

    @in_virtual_time
    async def test_an_answer_under_way_is_not_given_up_for_the_greeting(self) -> None:
        """Who has asked something is not greeted."""
        bench = LocalBench("opening hours", greeting="Hello.")
        await bench.say()
        await bench.start()
        bench.reply.put("Nine to five.", None)
        await bench.settle()
        assert bench.voice.texts == ["Nine to five."]
        await bench.stop()

    @pytest.mark.parametrize(
        ("words", "said_first"), [("opening hours", "Nine to five."), ("", "Hello.")]
    )
    @in_virtual_time
    async def test_a_caller_who_speaks_is_greeted_if_it_was_a_cough(
        self, words: str, said_first: str
    ) -> None:
        """Nobody speaks until it is known what was said."""
        bench = LocalBench(words, greeting="Hello.")
        await bench.begin_turn()
        await bench.start()
        assert bench.voice.texts == []
        await bench.end_turn()
        bench.reply.put("Nine to five.", None)
        await bench.settle()
        assert bench.voice.texts == [said_first]
        await bench.stop()

    @in_virtual_time
    async def test_a_cough_that_is_over_is_no_reason_not_to_greet(self) -> None:
        """As at the begin of any call."""
        bench = LocalBench("", greeting="Hello.")
        await bench.say()
        await bench.start()
        assert bench.voice.texts == ["Hello."]
        await bench.stop()
