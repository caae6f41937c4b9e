"""The scripted provider behaves as every provider does, gated or not."""

from __future__ import annotations

import pytest

from integration.provider_conformance import AUDIO, ProviderConformance, ProviderHarness
from support.scripted_gate import ScriptedGate
from voxgate.errors import ProviderError
from voxgate.providers.base import Capabilities
from voxgate.providers.scripted import GATED, PASSED_THROUGH, ScriptedProvider


class ScriptedHarness(ProviderHarness):
    """The provider is its own other end."""

    def __init__(self, capabilities: Capabilities) -> None:
        self.gate = ScriptedGate()
        self.script = self.provider = ScriptedProvider(
            call_id="call-1", call_audio=AUDIO, manager=self.gate, capabilities=capabilities
        )
        self._response_id: str | None = None
        self._n_truncations = 0

    async def start(self) -> None:
        await self.provider.start()

    async def received(self, n_bytes: int) -> bytes:
        audio = b"".join(self.script.sent)
        assert len(audio) >= n_bytes
        return audio

    async def generate(self, item_id: str, audio: bytes) -> None:
        self._response_id = self._response_id or self.script.start_response()
        self.script.generate_audio(self._response_id, item_id, audio)

    async def finish(self, item_id: str) -> None:
        assert self._response_id is not None
        self.script.finish_audio(item_id)
        self.script.end_response(self._response_id)
        self._response_id = None

    async def truncation(self) -> tuple[str, int]:
        truncation = self.script.truncations[self._n_truncations]
        self._n_truncations += 1
        return truncation

    async def begin_speech(self, start_ms: float = 0.0) -> None:
        frames = self.gate.frames
        first_ms = frames[0][2] - 20.0 if frames else 0.0
        self.script.hear_caller(first_ms + start_ms)

    async def report_speech(self, start_ms: float = 0.0) -> None:
        await self.begin_speech(start_ms)
        self.script.hear_caller_stop()

    async def lose_connection(self) -> None:
        self.script.lose_connection(ProviderError("scripted", "is away", retryable=True))

    async def restore_connection(self) -> None:
        self.script.sent.clear()
        self.script.restore_connection()

    async def refuse_for_good(self) -> None:
        self.script.end(ProviderError("scripted", "is gone", retryable=False))


class TestGatedScriptedProvider(ProviderConformance):
    """As it stands in for ``openai_realtime``."""

    @pytest.fixture
    def harness(self) -> ProviderHarness:
        return ScriptedHarness(GATED)


class TestPassedThroughScriptedProvider(ProviderConformance):
    """As it stands in for ``deepgram`` and ``local``."""

    @pytest.fixture
    def harness(self) -> ProviderHarness:
        return ScriptedHarness(PASSED_THROUGH)

    async def test_the_other_end_gets_the_very_objects_of_the_line(
        self, harness: ScriptedHarness
    ) -> None:
        """Not a copy of a frame, the frame."""
        await harness.start()
        frames = [bytes(bytearray([number] * 160)) for number in range(50)]
        for frame in frames:
            await harness.provider.send_audio(frame)

        assert [id(sent) for sent in harness.script.sent] == [id(frame) for frame in frames]
