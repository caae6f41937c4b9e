"""Simulated calls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support.sound_banks import SPLIT, small_bank
from voxgate.lab.scenarios.call_simulation import Call, simulate_call, simulate_line
from voxgate.lab.scenarios.echo_simulation import EchoRanges
from voxgate.lab.scenarios.profiles import Profile

PROFILE = Profile(split=SPLIT, codecs=("mulaw",))
QUIET = replace(
    PROFILE,
    backgrounds=("none",),
    burst_prob=0.0,
    barge_in_prob=0.0,
    losses=(0.0,),
    echo=EchoRanges(paths=("none",)),
)


def simulated(profile: Profile, seed: int = 3) -> Call:
    return simulate_call(small_bank(), seed, profile, duration_s=8.0)


def test_the_seed_decides() -> None:
    """The same call twice, another one for another seed."""
    call, again, other = simulated(PROFILE), simulated(PROFILE), simulated(PROFILE, seed=4)
    assert np.array_equal(call.capture, again.capture)
    assert np.array_equal(call.far_end, again.far_end)
    assert call.tags == again.tags
    assert not np.array_equal(call.capture, other.capture)


def test_tracks_are_aligned_whole_frames() -> None:
    """Capture and far end are as long as each other, and within them lies all that is marked."""
    call = simulated(PROFILE)
    assert call.capture.dtype == call.far_end.dtype == np.int16
    assert len(call.capture) == len(call.far_end) == 64000
    for start, end in (*call.agent_speaking, *call.caller_speech):
        assert 0 <= start < end <= 64000


def test_a_quiet_call_is_quiet() -> None:
    """No echo, no background, nobody interrupts: under the agent there is line noise alone."""
    call = simulated(QUIET)
    start, end = call.agent_speaking[0]
    assert np.std(call.far_end[start:end].astype(float)) > 300
    assert np.std(call.capture[start:end].astype(float)) < 80


def test_echo_is_in_the_capture() -> None:
    """At a return loss of 0 dB as loud as the far end."""
    echo = EchoRanges(paths=("hybrid",), minimum_erl_db=0.0, maximum_erl_db=0.1)
    call = simulated(replace(QUIET, echo=echo))
    ratio = np.std(call.capture.astype(float)) / np.std(call.far_end.astype(float))
    assert ratio == pytest.approx(1.0, abs=0.5)


def test_a_cleared_line_cuts_the_agent_off() -> None:
    """Turns end early, nothing is sent in the rest, and the lead never comes back as echo."""
    echo = EchoRanges(
        paths=("hybrid",), minimum_erl_db=0.0, maximum_erl_db=0.1, delay_jump_prob=0.0
    )
    profile = replace(QUIET, echo=echo)
    whole = simulated(profile)
    cut = simulated(replace(profile, clear_prob=1.0, line_lead_ms=(100.0, 200.0)))
    assert len(cut.agent_speaking) == len(whole.agent_speaking)
    for (start, end), (cut_start, cut_end) in zip(
        whole.agent_speaking, cut.agent_speaking, strict=True
    ):
        assert cut_start == start
        assert start < cut_end < end
        assert not np.any(cut.far_end[cut_end:end])


def test_bursts_are_heard_under_the_agent() -> None:
    """They are tagged, and louder than the line."""
    call = simulated(replace(QUIET, burst_prob=1.0))
    start, end = call.agent_speaking[0]
    assert call.tags["bursts"] == "true"
    assert np.max(np.abs(call.capture[start:end])) > 200


def test_an_agent_that_is_stopped_has_no_more_echo() -> None:
    """Up to the cut the call is the same to the sample; after the delay its echo fades."""
    echo = EchoRanges(
        paths=("hybrid",), minimum_erl_db=0.0, maximum_erl_db=0.1, delay_jump_prob=0.0
    )
    profile = replace(QUIET, echo=echo, losses=(0.04,))
    line = simulate_line(small_bank(), 3, profile, duration_s=8.0)
    whole = line.render()
    start, end = whole.agent_speaking[0]
    at = (start + end) // 2
    cut = line.render([(at, end)])
    assert cut.agent_speaking[0] == (start, at)
    assert cut.agent_speaking[1:] == whole.agent_speaking[1:]
    assert not np.any(cut.far_end[at:end])
    unchanged = slice(0, at + line.echo_delay_samples)
    assert np.array_equal(cut.capture[unchanged], whole.capture[unchanged])
    after = slice(at + line.echo_delay_samples + 2400, end)
    assert np.std(cut.capture[after].astype(float)) < 80
    assert np.array_equal(line.render().capture, whole.capture)


def test_a_line_without_noise_is_silent_to_the_last_bit() -> None:
    """No echo, no caller, no background, no line noise: nothing arrives."""
    call = simulated(replace(QUIET, silent_line_prob=1.0, codecs=("linear",)))
    assert not call.capture[: call.agent_speaking[0][1]].any()


def test_holes_are_lost_to_the_last_bit() -> None:
    """Between one and three stretches of 100 to 600 ms of a noisy call are all zero."""
    call = simulated(replace(PROFILE, hole_prob=1.0, losses=(0.0,)))
    lost = ~call.capture.reshape(-1, 160).any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lost, [False]]).astype(int)))
    lengths = np.diff(edges.reshape(-1, 2))
    assert 1 <= len(lengths) <= 3
    assert lengths.min() >= 4
    assert not np.any(~simulated(PROFILE).capture.reshape(-1, 160).any(axis=1))


def test_the_callers_device_may_change_levels() -> None:
    """A call through gain control and noise gate is another one; the far end stays the same."""
    plain = simulated(replace(PROFILE, losses=(0.0,)))
    processed = simulated(
        replace(PROFILE, losses=(0.0,), gain_control_prob=1.0, noise_gate_prob=1.0)
    )
    assert np.array_equal(plain.far_end, processed.far_end)
    assert not np.array_equal(plain.capture, processed.capture)
