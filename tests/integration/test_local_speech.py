"""The parts that need no server, as an operator gets them: they hear and speak for real."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.telephone import until
from voxgate.config.local_models import PiperVoiceConfig, PocketsphinxConfig
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.stream_converter import StreamConverter
from voxgate.errors import ProviderError
from voxgate.local_agent.agent_parts import make_recogniser, make_voice
from voxgate.local_agent.piper_voice import PiperVoice
from voxgate.local_agent.pocketsphinx_recogniser import PocketsphinxRecogniser
from voxgate.local_agent.recogniser import RECOGNISER_FORMAT

pytest.importorskip(
    "pocketsphinx", reason="voxgate[local]; there is no wheel for Python 3.14 and later"
)
pytest.importorskip("piper", reason="needs voxgate[local]")

PATIENCE_S = 120.0
"""Only a test that hangs takes so long."""
SENTENCE = "What time do you open tomorrow morning?"


@pytest.fixture
async def voice() -> AsyncIterator[PiperVoice]:
    made = make_voice(PiperVoiceConfig(processes=1))
    assert isinstance(made, PiperVoice)
    async with asyncio.timeout(PATIENCE_S):
        await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def recogniser() -> AsyncIterator[PocketsphinxRecogniser]:
    made = make_recogniser(PocketsphinxConfig(processes=1))
    assert isinstance(made, PocketsphinxRecogniser)
    async with asyncio.timeout(PATIENCE_S):
        await made.start()
    yield made
    await made.stop()


async def spoken(voice: PiperVoice, text: str) -> bytes:
    """Return a text as a telephone delivers it, in the recogniser's format."""
    line = AudioFormat(Encoding.MULAW)
    pieces = [piece async for piece in voice.speak(text)]
    (source,) = {piece.audio_format for piece in pieces}
    on_line = StreamConverter(source, line).process(b"".join(piece.audio for piece in pieces))
    return StreamConverter(line, RECOGNISER_FORMAT).process(on_line)


async def test_what_is_spoken_is_heard(
    voice: PiperVoice, recogniser: PocketsphinxRecogniser
) -> None:
    """A sentence through the telephone comes out as most of its words, and grows on the way."""
    async with asyncio.timeout(PATIENCE_S):
        pcm = await spoken(voice, SENTENCE)
        turn = recogniser.begin()
        for start in range(0, len(pcm), 640):
            turn.send_audio(pcm[start : start + 640])
        await until(lambda: bool(turn.text))
        words = (await turn.finish()).split()
    assert {"open", "tomorrow", "morning"} <= set(words)


async def test_a_recogniser_that_dies_costs_its_turn_and_is_replaced(
    recogniser: PocketsphinxRecogniser,
) -> None:
    """The turn may be tried again, and the next one is heard."""
    async with asyncio.timeout(PATIENCE_S):
        (process_id,) = recogniser.process_ids
        turn = recogniser.begin()
        turn.send_audio(bytes(640))
        os.kill(process_id, signal.SIGKILL)
        with pytest.raises(ProviderError, match="its process died") as error:
            await turn.finish()
        assert error.value.retryable
        turn = recogniser.begin()
        turn.send_audio(bytes(6400))
        assert await turn.finish() == ""
        assert recogniser.process_ids != (process_id,)


async def test_a_voice_that_is_left_speaks_the_next_text(voice: PiperVoice) -> None:
    """Closing the iterator sets the only process free."""
    async with asyncio.timeout(PATIENCE_S):
        speech = voice.speak("One. Two. Three. Four. Five. Six. Seven. Eight. Nine. Ten.")
        await anext(speech)
        await speech.aclose()
        assert [piece async for piece in voice.speak("Hello.")]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ((), "own.onnx: there is no such file"),
        (("own.onnx",), "own.onnx.json: there is no such file"),
        (("own.onnx", "own.onnx.json"), "own.onnx: is not a Piper voice"),
    ],
)
async def test_a_voice_of_the_operators_that_is_none_is_named(
    tmp_path: Path, files: tuple[str, ...], reason: str
) -> None:
    """Whatever is wrong with it, the error says which file, and that trying again won't help."""
    for name in files:
        (tmp_path / name).write_text("{}", encoding="utf-8")
    made = make_voice(PiperVoiceConfig(model=str(tmp_path / "own.onnx")))
    with pytest.raises(ProviderError) as error:
        async with asyncio.timeout(PATIENCE_S):
            await made.start()
    assert str(error.value).endswith(f"{reason}") or f"{reason} (" in str(error.value)
    assert not error.value.retryable


async def test_workers_get_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that needs none of them does not see them."""
    monkeypatch.setenv("SOME_API_KEY", "secret")
    made = PocketsphinxRecogniser(PocketsphinxConfig(processes=1))
    async with asyncio.timeout(PATIENCE_S):
        await made.start()
        seen = _environment_of(made.process_ids[0])
        await made.stop()
    assert b"PATH=" in seen
    assert b"secret" not in seen


def _environment_of(process_id: int) -> bytes:
    file = Path(f"/proc/{process_id}/environ")
    if not file.exists():
        pytest.skip("this system does not show a process's environment")
    return file.read_bytes()
