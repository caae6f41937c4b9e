"""What the gate does without the guard, as it was recorded before the guard existed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.gate_calls import plain_manager
from support.gate_traces import SCENARIOS, trace

GOLDEN = json.loads(
    (Path(__file__).parents[2] / "golden" / "guard_off.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", SCENARIOS)
def test_without_the_guard_decisions_and_frames_are_as_recorded(name: str) -> None:
    """Every scripted call gives the recorded states, reasons, events and audio."""
    assert trace(plain_manager(audio_guard_enabled=False), SCENARIOS[name]()) == GOLDEN[name]
