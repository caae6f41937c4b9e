"""The capture of a call whose agent may be paused, delayed and stopped."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from support.simulated_lines import simulated_line
from voxgate.lab.bench.live_capture import LiveCapture
from voxgate.lab.scenarios.call_simulation import SimulatedLine
from voxgate.lab.scenarios.sound_files import soundfile_module

TURNS = [(3200, 16_000), (32_000, 40_000)]
"""Slots 20 to 100 and 200 to 250 of 300; the echo comes 5 slots later."""
Pcm = npt.NDArray[np.int16]


def planned_sources() -> list[int | None]:
    agent = {*range(20, 100), *range(200, 250)}
    return [slot if slot in agent else None for slot in range(300)]


def captured(line: SimulatedLine, sources: list[int | None]) -> Pcm:
    capture = LiveCapture(line, line.render())
    return np.concatenate([capture.frame(source) for source in sources])


def caller_of(line: SimulatedLine) -> Pcm:
    return np.round((line.capture - line.echo) * 32768).astype(np.int16)


@pytest.mark.parametrize("delay_samples", [0, 80, 800, 5000])
def test_what_goes_as_planned_is_captured_as_planned(delay_samples: int) -> None:
    """To the sample."""
    line = simulated_line(TURNS, delay_samples=delay_samples)
    assert np.array_equal(captured(line, planned_sources()), line.render().capture)


@pytest.mark.parametrize("codec", ["mulaw", "gsm"])
@pytest.mark.parametrize("delay_samples", [0, 800, 4321])
def test_an_agent_that_is_stopped_leaves_what_a_cut_leaves(codec: str, delay_samples: int) -> None:
    """The echo fades; up to there, and in the next turn, the call is the one that was planned."""
    if codec == "gsm":
        pytest.importorskip("soundfile")
        soundfile_module()
    line = simulated_line(TURNS, delay_samples=delay_samples, codec=codec, loss=0.05)
    sources = planned_sources()
    sources[60:100] = [None] * 40
    stopped = captured(line, sources)
    cut = line.render([(9600, 16_000)]).capture
    # A codec makes more of a difference of rounding: next steps here and there, other parameters.
    error = stopped.astype(float) - cut
    assert np.sum(error**2) < 0.05 * np.sum(cut.astype(float) ** 2)
    if codec == "mulaw":
        assert np.mean(error != 0) < 0.001
    whole = line.render().capture
    assert np.array_equal(stopped[: 60 * 160 + delay_samples - 160], whole[: 9440 + delay_samples])


def test_the_echo_of_a_pause_is_silence_and_then_comes_late() -> None:
    """As late as the agent; the caller is captured in the caller's own time."""
    line = simulated_line(TURNS)
    sources: list[int | None] = planned_sources()
    sources[60:110] = [*[None] * 10, *range(60, 100)]
    heard = captured(line, sources).astype(float) - caller_of(line)
    echo = np.round(line.echo * 32768)
    assert np.abs(heard[: 65 * 160] - echo[: 65 * 160]).max() <= 1
    ringing = slice(65 * 160, 75 * 160)
    assert np.abs(heard[ringing][:160]).max() > 100
    assert np.sum(heard[ringing] ** 2) < 0.25 * np.sum(echo[ringing] ** 2)
    assert np.abs(heard[75 * 160 : 115 * 160] - echo[65 * 160 : 105 * 160]).max() <= 1
    assert np.abs(heard[115 * 160 : 205 * 160]).max() <= 1
    assert np.abs(heard[205 * 160 :] - echo[205 * 160 :]).max() <= 1


def test_a_pause_that_lasts_into_the_next_turn_delays_that_too() -> None:
    """What was planned there is not heard before it is played."""
    line = simulated_line(TURNS)
    sources: list[int | None] = planned_sources()
    sources[60:300] = [None] * 240
    sources[210:250] = range(60, 100)
    sources[285:300] = range(200, 215)
    heard = captured(line, sources).astype(float) - caller_of(line)
    echo = np.round(line.echo * 32768)
    assert np.abs(heard[90 * 160 : 215 * 160]).max() <= 1
    assert np.abs(heard[215 * 160 : 255 * 160] - echo[65 * 160 : 105 * 160]).max() <= 1
    assert np.abs(heard[255 * 160 : 290 * 160]).max() <= 1
    assert np.abs(heard[290 * 160 :] - echo[205 * 160 : 215 * 160]).max() <= 1


def test_an_echo_that_may_become_earlier_is_not_heard_before_its_cause() -> None:
    """A delay that jumps is taken for 100 ms shorter."""
    line = simulated_line(TURNS, delay_samples=1600, tags={"delay_jump": "true"})
    sources = planned_sources()
    sources[60:100] = [None] * 40
    stopped, whole = captured(line, sources), line.render().capture
    first = np.flatnonzero(stopped != whole)[0]
    assert 60 * 160 + 800 <= first < 60 * 160 + 1000


def test_a_line_without_echo_never_changes() -> None:
    """Whatever the agent does."""
    line = simulated_line(TURNS, gain=0.0)
    assert np.array_equal(captured(line, [None] * 300), line.render().capture)
