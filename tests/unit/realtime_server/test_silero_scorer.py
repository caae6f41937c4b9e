"""Silero's network in the server's ear, here with a stand-in for the network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from support.signals import silence, speech_like
from voxgate.core.levels import rms
from voxgate.core.units import rms_to_dbfs
from voxgate.realtime_server import silero_scorer as module
from voxgate.realtime_server.silero_scorer import SileroScorer
from voxgate.realtime_server.turn_detector import TurnDetector, TurnSettings


class LoudnessNetwork:
    """Takes loud windows for speech."""

    def process(self, shown: Any, state: Any) -> tuple[float, Any]:
        return (4.0 if float(np.abs(shown).max()) > 0.02 else -4.0), state


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "packaged_silero_network", LoudnessNetwork)


@pytest.mark.usefixtures("network")
def test_log_odds_become_a_probability() -> None:
    """Of the newest whole window; the level is the frame's own."""
    scorer = SileroScorer()
    assert scorer.process(np.zeros(160, np.int16)).speech_prob < 0.02
    scores = [scorer.process(frame) for frame in speech_like(400).reshape(-1, 160)]
    assert scores[-1].speech_prob == pytest.approx(0.982, abs=0.001)
    last = speech_like(400).reshape(-1, 160)[-1]
    assert scores[-1].level_dbfs == rms_to_dbfs(rms(last))


@pytest.mark.usefixtures("network")
def test_a_turn_is_found_with_it() -> None:
    """It begins and ends, as with the server's own scorer."""
    line = np.concatenate([silence(1000), speech_like(1000), silence(1000)])
    detector = TurnDetector(TurnSettings(prefix_padding_ms=0), scorer=SileroScorer())
    started, stopped = detector.process(line)
    assert started.audio_start_ms == pytest.approx(1000, abs=60)
    assert stopped.audio_end_ms == pytest.approx(2500, abs=80)


def test_without_onnxruntime_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a stream is scored."""
    monkeypatch.setattr(module, "packaged_silero_network", lambda: None)
    with pytest.raises(ModuleNotFoundError, match="onnxruntime"):
        SileroScorer()
