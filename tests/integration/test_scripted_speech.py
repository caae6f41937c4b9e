"""The scripted recogniser and voice keep to what is asked of all."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from integration.local_agent_conformance import (
    RecogniserBench,
    RecogniserConformance,
    VoiceBench,
    VoiceConformance,
)
from voxgate.errors import ProviderError
from voxgate.local_agent.scripted import ScriptedRecogniser, ScriptedVoice

FAILURE = ProviderError("scripted", "was told to fail", retryable=True)


class ScriptedRecogniserBench(RecogniserBench):
    """Hears the same sentence in whatever is not silent."""

    speech = b"\x10\x00" * 24_000
    words = frozenset({"hello", "there"})

    def __init__(self) -> None:
        self.recogniser: ScriptedRecogniser = ScriptedRecogniser(otherwise="Hello there")

    async def break_down(self) -> None:
        self.recogniser.failure = FAILURE


class ScriptedVoiceBench(VoiceBench):
    """Says a tone."""

    def __init__(self) -> None:
        self.voice: ScriptedVoice = ScriptedVoice()

    async def break_down(self) -> None:
        self.voice.failure = FAILURE


class TestScriptedRecogniser(RecogniserConformance):
    @pytest_asyncio.fixture(loop_scope="class")
    async def bench(self) -> AsyncIterator[ScriptedRecogniserBench]:
        bench = ScriptedRecogniserBench()
        await bench.recogniser.start()
        yield bench
        await bench.recogniser.stop()


class TestScriptedVoice(VoiceConformance):
    @pytest_asyncio.fixture(loop_scope="class")
    async def bench(self) -> AsyncIterator[ScriptedVoiceBench]:
        bench = ScriptedVoiceBench()
        await bench.voice.start()
        yield bench
        await bench.voice.stop()
