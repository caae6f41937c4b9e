"""The buffer of a simulated phone."""

from __future__ import annotations

import numpy as np

from support.simulated_calls import SILENT
from voxgate.lab.jitter_buffer import JITTER_DELAY_MS, JitterBuffer


def frame(number: int) -> np.ndarray:
    """Return a loud frame that can be told from others."""
    return np.full(160, 1000 + number, np.int16)


def played(buffer: JitterBuffer, n_slots: int) -> list[int]:
    """Return the numbers of what is played; 0 for silence."""
    heard = (int(buffer.pop()[0]) for _ in range(n_slots))
    return [max(0, sample - 1000) for sample in heard]


def test_frames_that_come_evenly_are_played_after_the_buffers_delay() -> None:
    """Each once, in order, without a hole."""
    buffer = JitterBuffer()
    heard = []
    for number in range(1, 6):
        buffer.push(frame(number))
        heard += played(buffer, 1)
    n_waiting = JITTER_DELAY_MS // 20
    assert heard == [0, 1, 2, 3, 4][2 - n_waiting :]


def test_a_frame_that_comes_late_leaves_no_hole() -> None:
    """That is what the delay is for."""
    buffer = JitterBuffer()
    heard = []
    for arriving in ([1], [2], [], [3, 4], [5]):
        for number in arriving:
            buffer.push(frame(number))
        heard += played(buffer, 1)
    assert heard == [0, 1, 2, 3, 4]


def test_a_buffer_that_ran_dry_is_filled_before_it_plays_again() -> None:
    """Else every frame after a gap would be as late as the first."""
    buffer = JitterBuffer()
    for number in (1, 2):
        buffer.push(frame(number))
    assert played(buffer, 3) == [1, 2, 0]
    buffer.push(frame(3))
    assert played(buffer, 1) == [0]
    buffer.push(frame(4))
    assert played(buffer, 2) == [3, 4]


def test_of_a_burst_half_a_second_is_kept() -> None:
    """The oldest frames are lost: nothing paces what Asterisk is sent."""
    buffer = JitterBuffer()
    for number in range(1, 101):
        buffer.push(frame(number))
    assert len(buffer) == 25
    assert played(buffer, 26) == [*range(76, 101), 0]


def test_after_a_burst_silence_is_left_out_and_speech_is_not() -> None:
    """So the delay is small again when the agent next speaks."""
    buffer = JitterBuffer()
    buffer.push(frame(1))
    for _ in range(10):
        buffer.push(SILENT)
    for number in (2, 3, 4, 5, 6):
        buffer.push(frame(number))
    assert played(buffer, 7) == [1, 2, 3, 4, 5, 6, 0]


def test_silence_that_comes_evenly_is_played() -> None:
    """A pause of the agent keeps its length while nothing waits needlessly."""
    buffer = JitterBuffer()
    buffer.push(SILENT)
    for _ in range(50):
        buffer.push(SILENT)
        buffer.pop()
    assert len(buffer) == 1
