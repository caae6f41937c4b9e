"""What goes out is what Asterisk plays at a time, and no byte is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.transports.asterisk_websocket.frame_assembly import FrameAssembly


def test_frames_that_fit_go_out_as_they_are():
    """The very same object: nothing is copied in the usual case."""
    assembly, frame = FrameAssembly(160, 80), bytes(160)
    assert assembly.add(frame) is frame
    assert assembly.held_frames == 0


def test_a_remainder_waits_for_the_next_frame():
    """30 ms at a time, of frames of 20 ms."""
    assembly = FrameAssembly(160, 240)
    frames = [bytes((number,)) * 160 for number in range(3)]
    sent = [assembly.add(frame) for frame in frames]
    assert [len(each) for each in sent] == [0, 240, 240]
    assert b"".join(sent) == b"".join(frames)


def test_what_is_cleared_never_goes_out():
    """The next frame starts anew."""
    assembly = FrameAssembly(160, 240)
    assembly.add(b"\x01" * 160)
    assembly.clear()
    assert assembly.held_frames == 0
    assert assembly.add(b"\x02" * 160) == b""
    assert assembly.add(b"\x03" * 160) == b"\x02" * 160 + b"\x03" * 80


@given(
    st.integers(1, 40),
    st.integers(1, 90),
    st.lists(st.integers(0, 255), max_size=30),
)
def test_nothing_is_lost_and_nothing_is_left_over(
    frame_bytes: int, optimal_bytes: int, numbers: list[int]
):
    """Whatever the sizes; the frames that are held are the newest."""
    assembly = FrameAssembly(frame_bytes, optimal_bytes)
    frames = [bytes((number,)) * frame_bytes for number in numbers]
    sent = b""
    for n_frames, frame in enumerate(frames, 1):
        out = assembly.add(frame)
        assert len(out) % optimal_bytes == 0
        sent += out
        whole = len(sent) // frame_bytes
        assert n_frames - assembly.held_frames == whole
    assert b"".join(frames).startswith(sent)
    assert len(b"".join(frames)) - len(sent) < optimal_bytes


@pytest.mark.parametrize("optimal_bytes", [7, 160, 1000])
def test_a_new_assembly_holds_nothing(optimal_bytes: int):
    """Nor has it anything to forget."""
    assembly = FrameAssembly(160, optimal_bytes)
    assembly.clear()
    assert assembly.held_frames == 0
