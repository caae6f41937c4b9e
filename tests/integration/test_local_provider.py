"""The local provider behaves as every provider does; its other end are its own parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from integration.provider_conformance import (
    AUDIO,
    FRAME,
    ProviderConformance,
    ProviderHarness,
    next_of,
)
from support.local_parts import (
    ScriptedEars,
    ScriptedRecogniser,
    ScriptedReply,
    ScriptedVoice,
    parts_of,
    speech,
)
from support.scripted_gate import ScriptedGate
from voxgate.config.local_models import LocalConfig
from voxgate.errors import ProviderError
from voxgate.providers.base import (
    AgentAudio,
    AgentAudioDone,
    CallerSpeechStopped,
    ProviderWarning,
    ResponseDone,
)
from voxgate.providers.local import LocalProvider

LOST = ProviderError("chat", "the server hung up", code="connection_failed", retryable=True)


class LocalHarness(ProviderHarness):
    """The caller speaks through the ears; what the agent says, the parts are told."""

    is_told_of_truncation = False

    def __init__(self) -> None:
        self.gate = ScriptedGate()
        self.ears = ScriptedEars()
        self.recogniser = ScriptedRecogniser()
        self.reply = ScriptedReply()
        self.voice = ScriptedVoice(is_scripted=True)
        self.now_ms = 1000.0
        self.provider = LocalProvider(
            LocalConfig(greeting=None),
            call_id="call-1",
            call_audio=AUDIO,
            manager=self.gate,
            parts=parts_of(self.recogniser, self.reply, self.voice),
            clock=lambda: self.now_ms,
            ears=self.ears,
        )
        self._item_id: str | None = None

    async def start(self) -> None:
        await self.provider.start()

    async def received(self, n_bytes: int) -> bytes:
        audio = b"".join(self.ears.frames)
        assert len(audio) >= n_bytes
        return audio

    async def generate(self, item_id: str, audio: bytes) -> None:
        if self._item_id != item_id:
            self._item_id = item_id
            self.reply.forget()
            self.voice.pieces = asyncio.Queue()
            self.recogniser.texts.append("Hello.")
            await self.report_speech()
            self.reply.put("Sentence. ", "And")
        self.voice.pieces.put_nowait(audio)

    async def finish(self, item_id: str) -> None:
        self.voice.pieces.put_nowait(None)
        self.voice.pieces.put_nowait(None)
        self.reply.put(None)

    async def truncation(self) -> tuple[str, int]:
        raise NotImplementedError

    async def begin_speech(self, start_ms: float = 0.0) -> None:
        for _ in range(5):
            self.ears.decisions.append(speech())
            self.now_ms += 20.0
            await self.provider.send_audio(FRAME)

    async def report_speech(self, start_ms: float = 0.0) -> None:
        await self.begin_speech()
        self.now_ms += 600.0
        await self.provider.advance()

    async def lose_connection(self) -> None:
        self.voice.pieces.put_nowait(LOST)

    async def restore_connection(self) -> None:
        raise NotImplementedError

    async def refuse_for_good(self) -> None:
        self.recogniser.texts.append(ProviderError("chat", "no such model", retryable=False))
        await self.report_speech()


class TestLocalProvider(ProviderConformance):
    """With parts and ears of the test's."""

    @pytest.fixture
    async def harness(self) -> AsyncIterator[LocalHarness]:
        harness = LocalHarness()
        yield harness
        await harness.provider.stop()

    async def test_a_turn_that_is_lost_with_the_connection_ends_at_the_gate(
        self, harness: ProviderHarness
    ) -> None:
        """There is no connection: a line that delivers nothing more ends a turn."""
        await harness.start()
        events = harness.provider.events()
        await harness.begin_speech()
        assert isinstance(harness, LocalHarness)
        harness.now_ms += 600.0
        await harness.provider.advance()
        await next_of(events, CallerSpeechStopped)

        assert harness.gate.heard == ["started", "stopped"]

    async def test_a_connection_lost_between_turns_ends_none(
        self, harness: ProviderHarness
    ) -> None:
        """A part that fails reports no turn."""
        await harness.start()
        events = harness.provider.events()
        assert isinstance(harness, LocalHarness)
        harness.recogniser.texts.append(LOST)
        await harness.report_speech()
        assert await next_of(events, ProviderWarning) == ProviderWarning(LOST)

        assert harness.gate.heard == ["started", "stopped"]

    async def test_a_lost_connection_comes_back_with_the_caller_s_words(
        self, harness: ProviderHarness
    ) -> None:
        """What was said before a part failed is in the next question."""
        await harness.start()
        events = harness.provider.events()
        assert isinstance(harness, LocalHarness)
        harness.recogniser.texts.extend(["First question.", "Second question."])
        await harness.report_speech()
        harness.reply.put(LOST)
        await next_of(events, ProviderWarning)
        harness.voice.pieces.put_nowait(None)
        await harness.report_speech()
        async with asyncio.timeout(30):
            while len(harness.reply.requests) < 2:  # noqa: ASYNC110 - a part has no event for it
                await asyncio.sleep(0)

        said = [getattr(item, "text", "") for item in harness.reply.requests[1].history]
        assert said[0] == "First question."
        assert said[-1] == "Second question."

    async def test_an_answer_that_is_lost_has_an_end(self, harness: ProviderHarness) -> None:
        """Nobody is left waiting for the rest of it; the caller is told."""
        await harness.start()
        events = harness.provider.events()
        await harness.generate("item-1", b"\x42" * 800)
        await next_of(events, AgentAudio)
        await harness.lose_connection()

        assert await next_of(events, AgentAudioDone) == AgentAudioDone("item-1")
        assert (await next_of(events, ResponseDone)).status == "failed"
        await next_of(events, ProviderWarning)
        assert isinstance(harness, LocalHarness)
        harness.voice.pieces.put_nowait(b"\x43" * 80)
        assert await next_of(events, AgentAudio) == AgentAudio("item-2", b"\x43" * 80)
        assert harness.voice.texts[-1] == "I am sorry, I did not get that."
        await harness.provider.stop()

    async def test_a_server_that_hangs_up_in_an_answer_is_asked_again(
        self, harness: ProviderHarness
    ) -> None:
        """A reply that breaks off after some words: the next question is answered."""
        await harness.start()
        events = harness.provider.events()
        await harness.generate("item-1", b"\x42" * 800)
        await next_of(events, AgentAudio)
        assert isinstance(harness, LocalHarness)
        harness.reply.put(LOST)
        assert (await next_of(events, ResponseDone)).status == "failed"
        assert (await next_of(events, ProviderWarning)).error is LOST
        await harness.generate("item-2", b"\x43" * 80)

        assert (await next_of(events, AgentAudio)).audio == b"\x43" * 80

    async def test_garbage_disturbs_nothing(self, harness: ProviderHarness) -> None:
        """What can't be said is not said: marks, emptiness, sound of no samples."""
        await harness.start()
        events = harness.provider.events()
        assert isinstance(harness, LocalHarness)
        harness.recogniser.texts.append("Hello.")
        await harness.report_speech()
        harness.reply.put("", "***\n\n", "\n---\n", "Hello there.", None)
        harness.voice.pieces.put_nowait(b"")
        harness.voice.pieces.put_nowait(b"\x42" * 80)
        harness.voice.pieces.put_nowait(None)

        assert await next_of(events, AgentAudio) == AgentAudio("item-1", b"\x42" * 80)
        assert harness.voice.texts == ["Hello there."]
        assert (await next_of(events, ResponseDone)).status == "completed"
