"""Simulated calls as recordings."""

from __future__ import annotations

from dataclasses import replace

from support.sound_banks import SPLIT, small_bank
from voxgate.lab.scenarios import JUDGE_PROFILE
from voxgate.lab.tune.simulated_call import simulate_labelled


def test_a_call_comes_with_labels_that_are_true() -> None:
    """As long as asked for, both directions, the agent's turns and the caller's words."""
    call = simulate_labelled(small_bank(), 1, split=SPLIT, duration_s=8.0)
    recording = call.recording
    assert recording.duration_ms == 8000.0
    assert recording.far_end is not None
    assert len(recording.capture) == len(recording.far_end) == 400
    assert all(0.0 <= a < b <= 8000.0 for a, b in recording.agent_speaking)
    assert recording.agent_speaking
    assert "path" in call.tags


def test_the_same_seed_gives_the_same_call_and_another_gives_another() -> None:
    """Also of a profile of one's own."""
    profile = replace(JUDGE_PROFILE, split="other")
    one, same, other = (
        simulate_labelled(small_bank(), seed, split=SPLIT, profile=profile, duration_s=6.0)
        for seed in (4, 4, 5)
    )
    assert one == same
    assert one.recording.capture != other.recording.capture
