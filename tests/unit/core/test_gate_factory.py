"""A gate is made of what its policy asks for."""

from __future__ import annotations

import pytest

from support.gate_calls import ScriptedNearEnd
from voxgate.core.audio import AudioFormat
from voxgate.core.config import (
    GatingConfig,
    GatingMode,
    ProviderGatingPolicy,
    SpeechEvidenceKind,
)
from voxgate.core.gate_decision import GateAction
from voxgate.core.gate_factory import GateFactory
from voxgate.core.gating_state import GatingState
from voxgate.core.vad_manager import EnhancedVADManager


class Made:
    """A factory, and how many echo-aware detectors it has asked for."""

    def __init__(self, *, audio_guard_enabled: bool = True) -> None:
        self.near_ends = 0
        self.factory = GateFactory(
            EnhancedVADManager(),
            near_end_factory=self._near_end,
            audio_guard_enabled=audio_guard_enabled,
        )

    def _near_end(self) -> ScriptedNearEnd:
        self.near_ends += 1
        return ScriptedNearEnd()

    def gate(self, mode: GatingMode) -> GatingState:
        return self.factory.make(
            "call",
            policy=ProviderGatingPolicy(gating_enabled=True, mode=mode),
            config=GatingConfig(),
            now_ms=5.0,
            capture_format=AudioFormat(),
            far_end_format=None,
        )


@pytest.mark.parametrize("mode", list(GatingMode))
def test_a_reference_is_followed_in_the_mode_that_asks_for_it(mode: GatingMode) -> None:
    """The others cost nothing of the kind."""
    made = Made()
    gate = made.gate(mode)
    assert gate.mode is mode
    assert gate.last_ms == 5.0
    assert made.near_ends == (mode is GatingMode.ECHO_AWARE)


def test_without_a_guard_everything_passes_while_the_agent_is_silent() -> None:
    """With one, silence of the line is kept back."""
    frame = bytes(320)
    assert Made().gate(GatingMode.VAD).process(frame, 20.0).action is GateAction.WITHHOLD
    bare = Made(audio_guard_enabled=False).gate(GatingMode.VAD)
    assert bare.process(frame, 20.0).action is GateAction.FORWARD


def test_networks_are_loaded_where_somebody_is_guarded() -> None:
    """By the kind that is configured."""
    ungated = GatingConfig(providers={"mine": ProviderGatingPolicy(gating_enabled=False)})
    assert Made().factory.prepare(ungated) is None
    assert Made(audio_guard_enabled=False).factory.prepare(GatingConfig()) is None
    assert Made().factory.prepare(GatingConfig()) is SpeechEvidenceKind.LIGHT
