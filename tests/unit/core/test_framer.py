"""Cutting chunks of any size into frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.framer import Framer, is_malformed


def test_whole_frame_comes_back_as_the_same_object() -> None:
    """The usual case copies nothing: the line's own frame object goes through."""
    framer = Framer(320)
    chunk = bytes(320)
    assert framer.push(chunk)[0] is chunk
    assert framer.pending_bytes == 0


@given(st.integers(1, 50), st.lists(st.binary(max_size=120), max_size=20))
def test_chunking_does_not_show(frame_bytes, chunks) -> None:
    """Frames and tail are the stream cut at multiples of the frame size, however it came."""
    framer = Framer(frame_bytes)
    frames = []
    for chunk in chunks:
        frames += framer.push(chunk)
        assert framer.pending_bytes < frame_bytes
    stream = b"".join(chunks)
    whole = len(stream) // frame_bytes * frame_bytes
    assert frames == [stream[at : at + frame_bytes] for at in range(0, whole, frame_bytes)]
    assert framer.pending_bytes == len(stream) - whole
    assert framer.flush() == stream[whole:]


def test_flush_hands_out_the_tail_once() -> None:
    """The incomplete tail is handed out and forgotten."""
    framer = Framer(4)
    framer.push(b"abcdef")
    assert framer.flush() == b"ef"
    assert framer.flush() == b""
    assert framer.push(b"ghij") == [b"ghij"]


def test_reset_forgets_the_tail() -> None:
    """After a reset the next byte begins a frame."""
    framer = Framer(4)
    framer.push(b"abcdef")
    framer.reset()
    assert framer.pending_bytes == 0
    assert framer.push(b"ghij") == [b"ghij"]


def test_frame_size_is_known() -> None:
    """The frame size can be asked for."""
    assert Framer(160).frame_bytes == 160


@pytest.mark.parametrize("frame_bytes", [0, -1])
def test_frame_of_no_size_is_refused(frame_bytes) -> None:
    """A frame has at least one byte."""
    with pytest.raises(ValueError, match="frame_bytes: "):
        Framer(frame_bytes)


@pytest.mark.parametrize(
    ("n_bytes", "encoding", "expected"),
    [
        (0, Encoding.PCM16, True),
        (2, Encoding.PCM16, False),
        (321, Encoding.PCM16, True),
        (321, Encoding.MULAW, False),
        (16_000, Encoding.PCM16, False),
        (16_002, Encoding.PCM16, True),
    ],
)
def test_a_chunk_is_whole_samples_of_a_second_at_most(n_bytes, encoding, expected) -> None:
    """Nothing, half a sample and more than a second are no audio of a line."""
    assert is_malformed(bytes(n_bytes), AudioFormat(encoding)) is expected
