"""What every recogniser and every voice must do, whatever it is made of.

A test module subclasses :class:`RecogniserConformance` and :class:`VoiceConformance` and gives them
a ``bench`` fixture: the part, started, and someone who can make it fail.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.telephone import until
from voxgate.core.audio import Encoding
from voxgate.errors import ProviderError
from voxgate.local_agent.recogniser import RECOGNISER_FORMAT, Recogniser, Recognition
from voxgate.local_agent.voice import SpokenAudio, Voice

__all__ = [
    "RecogniserBench",
    "RecogniserConformance",
    "VoiceBench",
    "VoiceConformance",
    "send_in_frames",
]

ATTEMPTS = 100
"""After a failure, before it counts as lasting."""
MANY = 6
"""Turns or texts at a time: more than there are processes."""
SILENCE = bytes(RECOGNISER_FORMAT.frame_bytes * 25)


def send_in_frames(turn: Recognition, audio: bytes) -> None:
    """Send audio as a line delivers it, but at once."""
    for start in range(0, len(audio), RECOGNISER_FORMAT.frame_bytes):
        turn.send_audio(audio[start : start + RECOGNISER_FORMAT.frame_bytes])


@pytest.mark.asyncio(loop_scope="class")
class _Conformance:
    """Parts that load for seconds may serve a whole class: every test leaves them running."""

    @pytest_asyncio.fixture(loop_scope="class", autouse=True)
    async def _nothing_is_left_behind(self) -> AsyncIterator[None]:
        """No task of a turn outlives it."""
        yield
        assert [task for task in asyncio.all_tasks() if task.get_name() == "local_agent.turn"] == []


class RecogniserBench(ABC):
    """A recogniser that runs, and what is said to it."""

    recogniser: Recogniser
    speech: bytes
    """A known sentence in the recogniser's format, at least a second of it."""
    words: frozenset[str]
    """Words that must be heard in it."""
    grows = True
    """Whether words show while the turn goes on."""

    @abstractmethod
    async def break_down(self) -> None:
        """Have the turns under way fail."""


class RecogniserConformance(_Conformance):
    """The properties; each test gets a bench whose recogniser runs."""

    async def test_a_sentence_becomes_its_words(self, bench: RecogniserBench) -> None:
        """Sent in frames, as a line delivers them."""
        turn = bench.recogniser.begin()
        send_in_frames(turn, bench.speech)
        assert bench.words <= set((await turn.finish()).lower().split())

    async def test_words_show_while_the_turn_goes_on(self, bench: RecogniserBench) -> None:
        """Those that can stream do."""
        turn = bench.recogniser.begin()
        assert turn.text == ""
        send_in_frames(turn, bench.speech)
        if bench.grows:
            await until(lambda: turn.text)
        await turn.cancel()

    @pytest.mark.parametrize("audio", [b"", SILENCE], ids=["nothing", "silence"])
    async def test_a_turn_without_speech_has_no_words(
        self, bench: RecogniserBench, audio: bytes
    ) -> None:
        """Neither one without any sound, nor one of digital silence."""
        turn = bench.recogniser.begin()
        send_in_frames(turn, audio)
        assert await turn.finish() == ""

    async def test_a_turn_can_be_forgotten_at_any_time(self, bench: RecogniserBench) -> None:
        """Before its first sound, in the middle, twice, and after its end; the next is heard."""
        for audio in (b"", bench.speech[:6400]):
            turn = bench.recogniser.begin()
            send_in_frames(turn, audio)
            await turn.cancel()
            await turn.cancel()
            turn.send_audio(bench.speech[:640])
        turn = bench.recogniser.begin()
        send_in_frames(turn, bench.speech)
        assert bench.words <= set((await turn.finish()).lower().split())
        await turn.cancel()

    async def test_waiting_for_the_words_can_be_given_up(self, bench: RecogniserBench) -> None:
        """Cancellation passes through, and costs nothing but the turn."""
        turn = bench.recogniser.begin()
        send_in_frames(turn, bench.speech)
        waiting = asyncio.create_task(turn.finish())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        turn = bench.recogniser.begin()
        send_in_frames(turn, bench.speech)
        assert bench.words <= set((await turn.finish()).lower().split())

    async def test_many_turns_at_a_time_are_all_heard(self, bench: RecogniserBench) -> None:
        """Interleaved frame by frame; some wait for others, none gets another's words."""
        turns = [bench.recogniser.begin() for _ in range(MANY)]
        for start in range(0, len(bench.speech), 640):
            for turn in turns:
                turn.send_audio(bench.speech[start : start + 640])
        silent = bench.recogniser.begin()
        send_in_frames(silent, SILENCE)
        texts = await asyncio.gather(*(turn.finish() for turn in turns))
        assert [sorted(bench.words - set(text.lower().split())) for text in texts] == [[]] * MANY
        assert await silent.finish() == ""

    async def test_sending_never_waits(self, bench: RecogniserBench) -> None:
        """Half a minute at once is taken without any work on it: only what reads is busy."""
        turn = bench.recogniser.begin()
        begun_ns = time.thread_time_ns()
        send_in_frames(turn, SILENCE * 60)
        assert time.thread_time_ns() - begun_ns < 1e9  # recognising takes three times that
        await turn.cancel()

    async def test_a_failure_ends_its_turns_and_nothing_else(self, bench: RecogniserBench) -> None:
        """Trying again can help, and does."""
        # One that waits for others' work would be done by whoever comes after the failure.
        earlier = bench.recogniser.begin()
        send_in_frames(earlier, bench.speech)
        await earlier.finish()
        turn = bench.recogniser.begin()
        send_in_frames(turn, bench.speech)
        await bench.break_down()
        with pytest.raises(ProviderError) as error:
            await turn.finish()
        assert error.value.retryable
        await self._heard_in_the_end(bench)

    async def test_stopping_ends_the_turns_under_way(self, bench: RecogniserBench) -> None:
        """With an error, not with a wait; a second time nothing happens. It can start again."""
        turns = [bench.recogniser.begin() for _ in range(MANY)]
        for turn in turns:
            send_in_frames(turn, bench.speech)
        await bench.recogniser.stop()
        await bench.recogniser.stop()
        ends = await asyncio.gather(*(turn.finish() for turn in turns), return_exceptions=True)
        assert [type(end) for end in ends] == [ProviderError] * MANY
        await bench.recogniser.start()

    async def _heard_in_the_end(self, bench: RecogniserBench) -> None:
        for _ in range(ATTEMPTS):
            turn = bench.recogniser.begin()
            send_in_frames(turn, bench.speech)
            with contextlib.suppress(ProviderError):
                assert bench.words <= set((await turn.finish()).lower().split())
                return
            await asyncio.sleep(0.05)
        pytest.fail("it never recovers")


class VoiceBench(ABC):
    """A voice that runs."""

    voice: Voice
    minimum_ms = 300.0
    """How long a short sentence lasts at least."""

    @abstractmethod
    async def break_down(self) -> None:
        """Have what is being spoken fail; comes after the first piece of a long text."""


SENTENCE = "The door is open, please come in."
WORDS = ("one", "two", "three", "four", "five", "six")
LONG = " ".join(f"This is sentence {word}." for word in WORDS)
ENDLESS = LONG * 10
"""Takes longer than anybody listens here."""


class VoiceConformance(_Conformance):
    """The properties; each test gets a bench whose voice runs."""

    async def test_a_sentence_becomes_sound(self, bench: VoiceBench) -> None:
        """In one format, PCM, in pieces of whole samples of at most 200 ms, and not silent."""
        pieces = await self._spoken(bench.voice, SENTENCE)
        (audio_format,) = {piece.audio_format for piece in pieces}
        assert audio_format.encoding is Encoding.PCM16
        assert all(piece.audio and len(piece.audio) % 2 == 0 for piece in pieces)
        assert max(audio_format.duration_ms(len(piece.audio)) for piece in pieces) <= 201
        audio = b"".join(piece.audio for piece in pieces)
        assert audio_format.duration_ms(len(audio)) >= bench.minimum_ms
        assert any(audio)

    async def test_more_text_is_more_sound_in_the_same_format(self, bench: VoiceBench) -> None:
        """Nothing of a text is left out after its first sentence."""
        short = await self._spoken(bench.voice, SENTENCE)
        long = await self._spoken(bench.voice, LONG)
        assert {piece.audio_format for piece in short + long} == {short[0].audio_format}
        assert sum(len(p.audio) for p in long) > 2 * sum(len(p.audio) for p in short)

    @pytest.mark.parametrize("text", ["", " ", "\n"])
    async def test_nothing_to_say_is_no_sound_and_no_error(
        self, bench: VoiceBench, text: str
    ) -> None:
        """A model's reply may hold anything; what can't be spoken isn't."""
        assert not any(any(piece.audio) for piece in await self._spoken(bench.voice, text))

    async def test_speech_can_be_left_at_any_time(self, bench: VoiceBench) -> None:
        """Before its first sound and after it; the next text is spoken."""
        speech = bench.voice.speak(LONG)
        await self._close(speech)
        speech = bench.voice.speak(LONG)
        await anext(speech)
        await self._close(speech)
        assert await self._spoken(bench.voice, SENTENCE)

    async def test_waiting_for_sound_can_be_given_up(self, bench: VoiceBench) -> None:
        """Cancellation passes through, and costs nothing but the text."""
        waiting = asyncio.create_task(self._spoken(bench.voice, LONG))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await self._spoken(bench.voice, SENTENCE)

    async def test_many_texts_at_a_time_are_all_spoken(self, bench: VoiceBench) -> None:
        """Some wait for others; a voice that is slow to be listened to keeps nobody waiting."""
        slow = bench.voice.speak(LONG)
        await anext(slow)
        spoken = await asyncio.gather(*(self._spoken(bench.voice, SENTENCE) for _ in range(MANY)))
        assert all(spoken)
        assert [piece async for piece in slow]

    async def test_a_failure_ends_its_text_and_nothing_else(self, bench: VoiceBench) -> None:
        """Trying again can help, and does."""
        speech = bench.voice.speak(ENDLESS)
        await anext(speech)
        await bench.break_down()
        with pytest.raises(ProviderError) as error:
            async for _ in speech:
                pass
        assert error.value.retryable
        for _ in range(ATTEMPTS):
            with contextlib.suppress(ProviderError):
                assert await self._spoken(bench.voice, SENTENCE)
                return
            await asyncio.sleep(0.05)
        pytest.fail("it never recovers")

    async def test_stopping_ends_what_is_being_spoken(self, bench: VoiceBench) -> None:
        """With an error, not with a wait; a second time nothing happens. It can start again."""
        speech = bench.voice.speak(ENDLESS)
        await anext(speech)
        await bench.voice.stop()
        await bench.voice.stop()
        with pytest.raises(ProviderError):
            async for _ in speech:
                pass
        await bench.voice.start()

    async def _spoken(self, voice: Voice, text: str) -> list[SpokenAudio]:
        return [piece async for piece in voice.speak(text)]

    async def _close(self, speech: AsyncIterator[SpokenAudio]) -> None:
        close = getattr(speech, "aclose", None)
        assert close is not None, "speech is an iterator that can be closed"
        await close()
