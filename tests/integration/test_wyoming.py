"""The Wyoming recogniser and voice against the package's own server on the loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from integration.local_agent_conformance import (
    ENDLESS,
    SENTENCE,
    RecogniserBench,
    RecogniserConformance,
    VoiceBench,
    VoiceConformance,
    send_in_frames,
)

pytest.importorskip("wyoming", reason="needs voxgate[local]")

from wyoming.asr import TranscriptChunk, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart
from wyoming.error import Error
from wyoming.event import Event
from wyoming.tts import SynthesizeStopped

from support.telephone import until
from support.wyoming_peer import WyomingPeer
from voxgate.config.local_models import WyomingRecogniserConfig, WyomingVoiceConfig
from voxgate.errors import ProviderError
from voxgate.local_agent.agent_parts import make_recogniser, make_voice
from voxgate.local_agent.recogniser import LONGEST_TURN_BYTES, Recogniser
from voxgate.local_agent.voice import SpokenAudio, Voice
from voxgate.local_agent.wyoming_connection import WyomingConnection, describe
from voxgate.local_agent.wyoming_events import parse_text_event
from voxgate.local_agent.wyoming_recogniser import WyomingRecognition

SPEECH = b"\x10\x00\x20\x00" * 12_000
SOON_S = 0.2
"""Time-out of tests that wait for it."""


class Bench(RecogniserBench, VoiceBench):
    """Both parts and their server."""

    speech = SPEECH
    words = frozenset({"still", "there?"})
    minimum_ms = 100.0

    def __init__(self, peer: WyomingPeer) -> None:
        self.peer = peer
        self.recogniser: Recogniser = make_recogniser(
            WyomingRecogniserConfig(url=peer.url, timeout_s=60.0)
        )
        self.voice: Voice = make_voice(WyomingVoiceConfig(url=peer.url, timeout_s=60.0))

    async def start(self) -> None:
        await self.recogniser.start()
        await self.voice.start()

    async def stop(self) -> None:
        await self.recogniser.stop()
        await self.voice.stop()

    async def break_down(self) -> None:
        await until(lambda: self.peer._handlers)
        await self.peer.hang_up()


@pytest_asyncio.fixture(loop_scope="class", params=[True, False], ids=["streaming", "at once"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with WyomingPeer.serving() as peer:
        peer.is_streaming = request.param
        for program in peer.info.asr:
            program.supports_transcript_streaming = request.param
        for speaking in peer.info.tts:
            speaking.supports_synthesize_streaming = request.param
        made = Bench(peer)
        made.grows = request.param
        await made.start()
        yield made
        await made.stop()
        if peer.endless is not None:
            peer.endless.set()


class TestWyomingRecogniser(RecogniserConformance):
    """What every recogniser does, with words that grow and with words at the end."""

    async def test_a_failure_ends_its_turns_and_nothing_else(self, bench: Bench) -> None:
        """The server must not have answered when it breaks."""
        bench.peer.is_mute = True
        turn = bench.recogniser.begin()
        send_in_frames(turn, SPEECH)
        await bench.break_down()
        with pytest.raises(ProviderError, match="closed the connection") as error:
            await turn.finish()
        assert error.value.retryable
        bench.peer.is_mute = False
        turn = bench.recogniser.begin()
        send_in_frames(turn, SPEECH)
        assert await turn.finish() == "Are you still there?"


class TestWyomingVoice(VoiceConformance):
    """What every voice does, with text piece by piece and at once."""

    @pytest_asyncio.fixture(loop_scope="class", autouse=True)
    async def _does_not_end_too_soon(
        self, bench: Bench, request: pytest.FixtureRequest
    ) -> AsyncIterator[None]:
        """Where a test breaks speech off, the server has more to say."""
        if request.function.__name__.startswith(("test_a_failure", "test_stopping")):
            bench.peer.endless = asyncio.Event()
        yield
        if bench.peer.endless is not None:
            bench.peer.endless.set()

    async def test_a_failure_ends_its_text_and_nothing_else(self, bench: Bench) -> None:
        """Trying again can help, and does."""
        speech = bench.voice.speak(ENDLESS)
        await anext(speech)
        await bench.break_down()
        with pytest.raises(ProviderError, match="closed the connection") as error:
            await drained(speech)
        assert error.value.retryable
        bench.peer.endless = None
        assert [piece async for piece in bench.voice.speak(SENTENCE)]


async def drained(speech: AsyncIterator[SpokenAudio]) -> list[SpokenAudio]:
    return [piece async for piece in speech]


@pytest.fixture
async def peer() -> AsyncIterator[WyomingPeer]:
    async with WyomingPeer.serving() as peer:
        yield peer


def hearing(peer: WyomingPeer, **fields: object) -> WyomingRecogniserConfig:
    return replace(WyomingRecogniserConfig(url=peer.url, timeout_s=60.0), **fields)  # type: ignore[arg-type]


def speaking(peer: WyomingPeer, **fields: object) -> WyomingVoiceConfig:
    return replace(WyomingVoiceConfig(url=peer.url, timeout_s=60.0), **fields)  # type: ignore[arg-type]


async def test_a_turn_is_sent_as_the_protocol_has_it(peer: WyomingPeer) -> None:
    """Model and language, format, all of the sound, its end; odd programs are selected."""
    peer.info.asr.insert(0, replace(peer.info.asr[0], name="other", models=[]))
    recogniser = make_recogniser(hearing(peer, model="tiny", language="de"))
    await recogniser.start()
    turn = recogniser.begin()
    send_in_frames(turn, SPEECH)
    await turn.finish()
    assert peer.types() == ["describe", "select-program", "transcribe", "audio-start", "audio-stop"]
    assert peer.received[1].data == {"name": "hear"}
    assert peer.received[2].data == {"name": "tiny", "language": "de"}
    assert {**peer.received[3].data, "timestamp": None} == {
        "rate": 16_000, "width": 2, "channels": 1, "timestamp": None,
    }  # fmt: skip
    assert peer.audio == SPEECH


@pytest.mark.parametrize("is_streaming", [True, False])
async def test_a_text_is_sent_as_the_protocol_has_it(
    peer: WyomingPeer, *, is_streaming: bool
) -> None:
    """Piece by piece only where the server takes it; the voice is named."""
    peer.info.tts[0].supports_synthesize_streaming = is_streaming
    voice = make_voice(speaking(peer, voice="joe"))
    await voice.start()
    await drained(voice.speak("One. Two."))
    pieces = ["synthesize-start", "synthesize-chunk", "synthesize", "synthesize-stop"]
    assert peer.types() == ["describe", *(pieces if is_streaming else ["synthesize"])]
    assert peer.received[1].data["voice"] == {"name": "joe"}


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ({"model": "huge"}, "there is no model 'huge'; there are tiny"),
        ({"language": "fr"}, "there is no model for 'fr'; there are de, en"),
        ({"voice": "amy"}, "there is no voice 'amy'; there are joe"),
    ],
)
async def test_what_the_server_lacks_is_said_at_the_start(
    peer: WyomingPeer, part: dict[str, str], reason: str
) -> None:
    """With what it has; trying again won't help."""
    made = (
        make_voice(speaking(peer, **part))
        if "voice" in part
        else make_recogniser(hearing(peer, **part))
    )
    with pytest.raises(ProviderError) as error:
        await made.start()
    assert error.value.reason == reason
    assert not error.value.retryable


async def test_a_server_that_is_not_there_is_said_so() -> None:
    """At the start and in a turn; it may come back."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    recogniser = make_recogniser(WyomingRecogniserConfig(url=url))
    with pytest.raises(ProviderError, match="can't connect") as error:
        await recogniser.start()
    assert error.value.retryable
    turn = recogniser.begin()
    turn.send_audio(SPEECH)
    with pytest.raises(ProviderError, match="can't connect"):
        await turn.finish()
    with pytest.raises(ProviderError, match="can't connect"):
        await drained(make_voice(WyomingVoiceConfig(url=url)).speak("Hello."))


async def test_a_server_that_never_answers_is_given_up(peer: WyomingPeer) -> None:
    """At the start, in a turn, and in a text; each says for how long it waited."""
    peer.is_mute = True
    recogniser = make_recogniser(hearing(peer, timeout_s=SOON_S))
    voice = make_voice(speaking(peer, timeout_s=SOON_S))
    for part in (recogniser, voice):
        with pytest.raises(ProviderError, match=r"no answer within 0\.2 s"):
            await part.start()
    turn = recogniser.begin()
    turn.send_audio(SPEECH)
    with pytest.raises(ProviderError, match=r"no text within 0\.2 s of the end of the turn"):
        await turn.finish()
    with pytest.raises(ProviderError, match=r"no answer within 0\.2 s"):
        await drained(voice.speak("Hello."))


async def test_an_error_of_the_server_is_one_of_ours(peer: WyomingPeer) -> None:
    """With its code; its words may quote the caller's and are left out."""
    peer.reported = Error("secret", code="overloaded")
    turn = make_recogniser(hearing(peer)).begin()
    turn.send_audio(SPEECH)
    speech = make_voice(speaking(peer)).speak("Hello.")
    for waiting in (turn.finish(), drained(speech)):
        with pytest.raises(ProviderError) as error:
            await waiting
        assert str(error.value) == f"{peer.url}: the server reports an error [overloaded]"
        assert error.value.retryable


@pytest.mark.parametrize("raw", [b"nonsense\n", b"[]\n", b'{"type": "transcript"}\n'])
async def test_a_server_that_breaks_the_protocol_ends_the_turn_only(
    peer: WyomingPeer, raw: bytes
) -> None:
    """Never with a stack trace."""
    peer.raw = raw
    recogniser = make_recogniser(hearing(peer))
    turn = recogniser.begin()
    turn.send_audio(SPEECH)
    with pytest.raises(ProviderError, match="broke the protocol"):
        await turn.finish()
    peer.raw = None
    turn = recogniser.begin()
    turn.send_audio(SPEECH)
    assert await turn.finish() == "Are you still there?"


@pytest.mark.parametrize("raw", [b"nonsense\n", b'{"type": "info", "data": {"asr": [1]}}\n'])
async def test_a_description_that_cannot_be_read_is_said_so(peer: WyomingPeer, raw: bytes) -> None:
    """By both parts."""
    peer.raw = raw
    for part in (make_recogniser(hearing(peer)), make_voice(speaking(peer))):
        with pytest.raises(ProviderError, match="broke the protocol"):
            await part.start()


async def test_other_events_before_the_description_are_passed_over(peer: WyomingPeer) -> None:
    """A server may have something else to say first."""
    peer.raw = b'{"type": "pong"}\n{"type": "info", "data": {}}\n'
    info = await describe(peer.url, 60.0)
    assert info.asr == []


async def test_words_without_a_last_word_are_those_that_grew(peer: WyomingPeer) -> None:
    """A server that streams may leave out what it has said already."""
    peer.answers = [Event("odd"), TranscriptChunk(" still there").event(), TranscriptStop().event()]
    turn = make_recogniser(hearing(peer)).begin()
    turn.send_audio(SPEECH)
    assert await turn.finish() == "Are you still there"
    assert turn.text == "Are you still there"


async def test_a_server_may_end_the_turn_by_itself(peer: WyomingPeer) -> None:
    """What it heard until then is what was said."""
    peer.is_streaming = False
    peer.raw = b'{"type": "transcript", "data": {"text": "enough"}}\n'
    turn = make_recogniser(hearing(peer)).begin()
    turn.send_audio(SPEECH)
    await until(lambda: turn.text == "enough")
    turn.send_audio(SPEECH)
    assert await turn.finish() == "enough"


async def test_a_format_that_changes_in_mid_text_is_an_error(peer: WyomingPeer) -> None:
    """Nobody downstream could play it."""
    peer.answers = [
        AudioStart(22_050, 2, 1).event(),
        AudioChunk(22_050, 2, 1, b"ab").event(),
        AudioChunk(16_000, 2, 1, b"ab").event(),
    ]
    speech = make_voice(speaking(peer)).speak("Hello.")
    assert (await anext(speech)).audio_format.rate_hz == 22_050
    with pytest.raises(ProviderError, match="changed its format in mid-text"):
        await anext(speech)


@pytest.mark.parametrize(
    "answer", [AudioStart(22_050, 2, 2), AudioStart(22_050, 4, 1), AudioStart(11_025, 2, 1)]
)
async def test_sound_that_cannot_be_played_is_an_error(
    peer: WyomingPeer, answer: AudioStart
) -> None:
    """Stereo, other widths, and rates that nothing here knows."""
    peer.answers = [answer.event()]
    with pytest.raises(ProviderError, match="broke the protocol: sound"):
        await drained(make_voice(speaking(peer)).speak("Hello."))


async def test_long_sound_is_cut_into_pieces(peer: WyomingPeer) -> None:
    """A server may send all of it in one event."""
    peer.answers = [AudioChunk(22_050, 2, 1, bytes(44_100)).event(), Event("audio-stop")]
    pieces = await drained(make_voice(speaking(peer)).speak("Hello."))
    assert [len(piece.audio) for piece in pieces] == [8820] * 5


async def test_a_turn_is_taken_up_to_five_minutes(peer: WyomingPeer) -> None:
    """What comes after that is left out and counted."""
    peer.is_mute = True
    turn = make_recogniser(hearing(peer)).begin()
    assert isinstance(turn, WyomingRecognition)
    turn._taken_bytes = LONGEST_TURN_BYTES - 640
    turn.send_audio(bytes(640))
    turn.send_audio(bytes(640))
    assert turn.left_out_bytes == 640
    await turn.cancel()


async def test_a_server_that_does_not_read_is_given_up() -> None:
    """A minute of sound may wait; then the turn fails, and memory with it does not grow."""
    over = asyncio.Event()

    async def read_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.transport.abort()

    async with await asyncio.start_server(read_nothing, "127.0.0.1", 0, limit=2) as server:
        url = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        turn = make_recogniser(WyomingRecogniserConfig(url=url)).begin()
        for _ in range(8000):
            turn.send_audio(bytes(1280))
            await asyncio.sleep(0)
        with pytest.raises(ProviderError, match="does not read"):
            await turn.finish()
        over.set()


async def test_the_sending_of_a_lost_connection_is_not_an_error_yet(peer: WyomingPeer) -> None:
    """Whoever listens is told why."""
    async with WyomingConnection(peer.url, 60.0) as connection:
        connection.abort()
        connection.send(SynthesizeStopped().event())
        with pytest.raises(ProviderError, match="closed the connection"):
            await connection.receive(parse_text_event, 60.0)
