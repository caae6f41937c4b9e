"""Piper speaks as every voice does, in processes that come and go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from integration.local_agent_conformance import VoiceBench, VoiceConformance
from support.processes import end_processes
from support.telephone import until
from voxgate.config.local_models import PiperVoiceConfig
from voxgate.errors import ProviderError
from voxgate.local_agent.agent_parts import make_voice
from voxgate.local_agent.piper_voice import PiperVoice

pytest.importorskip("piper", reason="needs voxgate[local]")

PATIENCE_S = 120.0
"""Only a test that hangs takes so long."""


class PiperBench(VoiceBench):
    """Speaks with the voice that comes as a package."""

    def __init__(self) -> None:
        made = make_voice(PiperVoiceConfig(processes=1, timeout_s=PATIENCE_S))
        assert isinstance(made, PiperVoice)
        self.voice: PiperVoice = made

    async def break_down(self) -> None:
        await until(lambda: self.voice.process_ids)  # the test before may have ended one
        end_processes(self.voice.process_ids)


@pytest_asyncio.fixture(loop_scope="class", scope="class")
async def bench() -> AsyncIterator[PiperBench]:
    bench = PiperBench()
    await bench.voice.start()
    yield bench
    await bench.voice.stop()


class TestPiper(VoiceConformance):
    """In one class, as the voice takes seconds to load."""


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
        await made.start()
    assert reason in str(error.value)
    assert not error.value.retryable


async def test_speed_makes_speech_shorter() -> None:
    """Twice the speed is about half the sound; the voice varies a little from time to time."""
    lengths = []
    for speed in (1.0, 2.0):
        voice = make_voice(PiperVoiceConfig(speed=speed, processes=1, timeout_s=PATIENCE_S))
        await voice.start()
        spoken = [piece async for piece in voice.speak("We are open from nine to five.")]
        lengths.append(sum(len(piece.audio) for piece in spoken))
        await voice.stop()
    assert lengths[1] < 0.75 * lengths[0]


async def test_files_of_the_folder_it_was_started_in_are_no_modules_of_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator's own ``select.py`` or ``piper.py`` beside the configuration is not run."""
    for name in ("select", "piper"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a trap')\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    voice = PiperVoice(PiperVoiceConfig(processes=1))
    await voice.start()
    assert len(voice.process_ids) == 1
    await voice.stop()
