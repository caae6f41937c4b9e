"""One frame out for each frame in, whatever the gate gives for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.audio import AudioFormat
from voxgate.integrations.frame_lengths import FrameLengths

WIDE = AudioFormat(rate_hz=24_000)
MS = 48
"""Bytes of 1 ms."""


def tone(duration_ms: int) -> bytes:
    """Return audio without a silent sample, whose milliseconds are told apart."""
    return b"".join(bytes((1 + number % 200, 1)) * 24 for number in range(duration_ms))


def test_frames_of_20_ms_pass_as_they_are_judged() -> None:
    lengths = FrameLengths(WIDE)
    audio = tone(60)
    for at in (0, 20, 40):
        frame = audio[at * MS : (at + 20) * MS]
        assert lengths.exchange(frame, 20 * MS) == frame


def test_a_released_onset_comes_out_at_once_in_a_longer_frame() -> None:
    lengths = FrameLengths(WIDE)
    assert lengths.exchange(tone(320), 20 * MS) == tone(320)
    assert lengths.exchange(tone(20), 20 * MS) == tone(20)


def test_a_frame_left_out_is_10_ms_of_silence_which_the_next_silent_frame_makes_up_for() -> None:
    lengths = FrameLengths(WIDE)
    assert lengths.exchange(b"", 20 * MS) == bytes(10 * MS)
    assert lengths.added_bytes == 10 * MS
    assert lengths.exchange(tone(20), 20 * MS) == tone(20)
    assert lengths.exchange(bytes(20 * MS), 20 * MS) == bytes(10 * MS)
    assert lengths.added_bytes == 0
    assert lengths.exchange(bytes(20 * MS), 20 * MS) == bytes(20 * MS)


@pytest.mark.parametrize(("frame_ms", "late_ms"), [(10, 10), (50, 10), (30, 10), (40, 0)])
def test_frames_of_other_lengths_come_out_steady_and_a_little_later(
    frame_ms: int, late_ms: int
) -> None:
    """The gate gives 20 ms pieces as they are full: for 10 ms frames every second time."""
    lengths = FrameLengths(WIDE)
    audio, given_ms, out = tone(600), 0, b""
    for number in range(600 // frame_ms):
        full_ms = (number + 1) * frame_ms // 20 * 20
        frame = lengths.exchange(audio[given_ms * MS : full_ms * MS], frame_ms * MS)
        given_ms = full_ms
        assert len(frame) == frame_ms * MS
        out += frame
    assert out == bytes(late_ms * MS) + audio[: len(out) - late_ms * MS]


@given(
    st.lists(
        st.sampled_from([b"", tone(20), tone(300), bytes(960), bytes(4800)]),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from([10, 20, 40, 50]),
)
def test_no_frame_is_empty_sound_is_kept_and_silence_is_accounted_for(
    judged: list[bytes], frame_ms: int
) -> None:
    lengths = FrameLengths(WIDE)
    frames = [lengths.exchange(each, frame_ms * MS) for each in judged]
    assert all(frame and len(frame) % (10 * MS) == 0 for frame in frames)
    frames += [lengths.exchange(b"", frame_ms * MS) for _ in range(3)]
    sound = b"".join(judged).replace(b"\0", b"")
    assert b"".join(frames).replace(b"\0", b"") == sound
    late_ms = 0 if frame_ms % 20 == 0 else 10
    n_out = sum(map(len, frames)) - lengths.added_bytes
    assert abs(n_out - sum(map(len, judged))) <= late_ms * MS
