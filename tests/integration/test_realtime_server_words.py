"""The embedded server with a recogniser, a reply and a voice of a script, over real sockets.

Every event is judged by the ``openai`` SDK's types, strictly, as in ``test_realtime_server.py``.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from structlog.testing import capture_logs

from integration.test_realtime_server import CALLER, FAST, SECOND, SLOW, Client, client_of, types
from support.scripted_parts import ScriptedRecogniser, ScriptedReply, ScriptedVoice
from support.telephone import until
from voxgate.errors import ProviderError
from voxgate.local_agent.reply import ReplyRequest, Role, Said
from voxgate.realtime_server import LocalAnswerer, RealtimeServer, SessionOptions

COMPLETED = "conversation.item.input_audio_transcription.completed"
DELTA = "conversation.item.input_audio_transcription.delta"
FAILED = "conversation.item.input_audio_transcription.failed"


class SlowRecogniser(ScriptedRecogniser):
    """Fails to finish."""

    def begin(self) -> Any:
        turn = super().begin()

        async def finish() -> str:
            await asyncio.sleep(3600)
            return ""

        turn.finish = finish  # type: ignore[method-assign]
        return turn


class FailingRecogniser(ScriptedRecogniser):
    """Fails each turn at its end."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def begin(self) -> Any:
        turn = super().begin()

        async def finish() -> str:
            raise self._error

        turn.finish = finish  # type: ignore[method-assign]
        return turn


@asynccontextmanager
async def hearing(
    recogniser: ScriptedRecogniser,
    reply: ScriptedReply,
    voice: ScriptedVoice | None = None,
    *,
    options: SessionOptions = FAST,
) -> AsyncIterator[Client]:
    """Connect to a server of these parts, with mu-law and transcripts."""
    spoken = voice or ScriptedVoice()
    server = RealtimeServer(
        recogniser=recogniser,
        answerer_factory=lambda: LocalAnswerer(
            reply, spoken, greeting="Hello.", follows_instructions=False
        ),
        options=options,
    )
    async with server, client_of(server) as client:
        await client.use_mulaw()
        session: Any = {
            "type": "realtime",
            "audio": {"input": {"transcription": {"model": "any"}}},
        }
        await client.sdk.session.update(session=session)
        await client.until("session.updated")
        yield client


def echo(request: ReplyRequest) -> list[str]:
    """Reply with what was said last."""
    last = request.history[-1]
    return [f"I heard: {last.text}."] if isinstance(last, Said) else []


async def test_a_turn_is_heard_told_and_answered() -> None:
    """In the API's order: the words after the turn's item, and while its response runs."""
    recogniser, reply = ScriptedRecogniser("stop please"), ScriptedReply(echo)
    async with hearing(recogniser, reply) as client:
        await client.speak(SECOND + CALLER["stop"].audio + SECOND)
        events = await client.until("rate_limits.updated")

    names = list(dict.fromkeys(types(events)))
    assert names == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        DELTA,
        COMPLETED,
        "response.output_item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    by_type = {event["type"]: event for event in events}
    committed = by_type["input_audio_buffer.committed"]["item_id"]
    assert {by_type[name]["item_id"] for name in (DELTA, COMPLETED)} == {committed}
    said = by_type["response.output_audio_transcript.done"]["transcript"]
    assert said == "I heard: stop please."
    assert recogniser.turns[0].is_finished


async def test_a_turn_is_heard_before_it_is_over() -> None:
    """So that its words are there soon after its end."""
    recogniser = ScriptedRecogniser("x")
    async with hearing(recogniser, ScriptedReply(["Yes."])) as client:
        await client.speak(SECOND + CALLER["question"].audio[:16_000])
        await until(lambda: recogniser.turns and len(recogniser.turns[0].audio) > 32_000)
        assert not recogniser.turns[0].is_finished


async def test_a_recogniser_that_fails_costs_one_turn_its_words() -> None:
    """The client is told, the turn is answered, and the next one has words."""
    reply = ScriptedReply(echo)
    async with hearing(ScriptedRecogniser(None, "stop"), reply) as client:
        for outcome in (FAILED, COMPLETED):
            await client.speak(CALLER["stop"].audio + SECOND)
            assert outcome in types(await client.until("response.done"))

    assert reply.requests[1].history[-1] == Said(Role.CALLER, "stop")


async def test_the_log_says_why_a_turn_has_no_words() -> None:
    """And in which session; what another program's error quotes is not repeated."""
    reasons = []
    ours = ProviderError(
        "pocketsphinx", "no text within 10 s of the end of the turn", retryable=True
    )
    for error in (ours, ValueError("planted words of the caller")):
        with capture_logs() as logs:
            async with hearing(FailingRecogniser(error), ScriptedReply(["Yes."])) as client:
                await client.speak(CALLER["stop"].audio + SECOND)
                await client.until("response.done")
        assert "planted" not in str(logs)
        by_event = {entry["event"]: entry for entry in logs}
        failed = by_event["realtime_server.transcription_failed"]
        started = by_event["realtime_server.session_started"]
        assert failed["session_id"] == started["session_id"]
        reasons.append((failed["error"], failed["reason"]))

    assert reasons == [("ProviderError", str(ours)), ("ValueError", None)]


async def test_a_caller_who_interrupts_ends_reply_and_voice() -> None:
    """What nobody will hear is not made; what was not heard is not remembered."""
    reply, voice = ScriptedReply(["First. ", "Second. ", "Third. "] * 50), ScriptedVoice(2000)
    recogniser = ScriptedRecogniser("go on", "stop")
    async with hearing(recogniser, reply, voice, options=SLOW) as client:
        await client.speak(CALLER["interruption"].audio + SECOND)
        await client.until("response.output_audio.delta")
        await client.speak(CALLER["stop"].audio)
        done = (await client.until("response.done"))[-1]["response"]
        await until(lambda: reply.n_ended == 1)
        n_spoken, n_ended = len(voice.texts), voice.n_ended
        truncate = client.sdk.conversation.item.truncate
        item_id = done["output"][0]["id"]
        await truncate(item_id=item_id, content_index=0, audio_end_ms=160)
        await client.speak(SECOND)
        await client.until("response.created")
        await until(lambda: len(reply.requests) == 2)

    assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert n_spoken < 20, "the answer is not made far ahead"
    assert n_ended == n_spoken
    assert reply.requests[1].history == (
        Said(Role.CALLER, "go on"),
        Said(Role.AGENT, "First."),
        Said(Role.CALLER, "stop"),
    )


async def test_a_client_that_leaves_takes_its_turn_along() -> None:
    """Nobody waits for words that nobody wants; the server stops in good order."""
    recogniser = SlowRecogniser("x", "y")
    async with hearing(recogniser, ScriptedReply(["Yes."])) as client:
        await client.speak(CALLER["stop"].audio + SECOND)
        await client.until("response.created")
        await client.speak(CALLER["question"].audio[:16_000])
        await until(lambda: len(recogniser.turns) == 2)
    await until(lambda: recogniser.turns[1].is_cancelled)


async def test_turns_whose_words_are_awaited_are_bounded() -> None:
    """A client may commit ten a second; of those beyond it is told that there will be none."""
    with capture_logs() as logged:
        async with hearing(SlowRecogniser(), ScriptedReply([])) as client:
            for _ in range(33):
                await client.sdk.input_audio_buffer.append(audio=b64encode(b"\x55" * 800).decode())
                await client.sdk.input_audio_buffer.commit()
            await client.until(FAILED)
    refused = [line for line in logged if line.get("error") == "TooMany"]
    assert [line["reason"] for line in refused] == ["32 turns are awaited already"]
