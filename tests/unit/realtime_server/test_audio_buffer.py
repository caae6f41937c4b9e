"""The input buffer keeps one clock for all audio received."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.realtime_server.audio_buffer import InputAudioBuffer

MULAW = AudioFormat(Encoding.MULAW)
PCM_24K = AudioFormat(Encoding.PCM16, 24_000)


def numbered(duration_ms: int) -> bytes:
    """Return mu-law bytes whose value says in which 10 ms they stand."""
    return b"".join(bytes([n % 256]) * 80 for n in range(duration_ms // 10))


def test_times_count_all_audio_ever_received() -> None:
    """Taking, clearing and forgetting do not turn the clock back."""
    buffer = InputAudioBuffer(MULAW)
    buffer.append(numbered(100))
    assert (buffer.start_ms, buffer.end_ms, buffer.held_ms) == (0.0, 100.0, 100.0)
    buffer.take()
    buffer.append(numbered(50))
    assert (buffer.start_ms, buffer.end_ms, buffer.held_ms) == (100.0, 150.0, 50.0)
    buffer.clear()
    assert (buffer.start_ms, buffer.end_ms, buffer.held_ms) == (150.0, 150.0, 0.0)
    buffer.append(numbered(30))
    buffer.forget_before(170.0)
    assert (buffer.start_ms, buffer.end_ms) == (170.0, 180.0)


def test_take_returns_what_stands_between_two_times() -> None:
    """What stood before goes with it, what stands behind stays."""
    buffer = InputAudioBuffer(MULAW)
    buffer.append(numbered(100))
    assert buffer.take(from_ms=20.0, until_ms=40.0) == numbered(100)[160:320]
    assert buffer.start_ms == 40.0
    assert buffer.take() == numbered(100)[320:]


def test_times_outside_are_moved_in() -> None:
    """Audio that is gone or not there yet is just not part of it."""
    buffer = InputAudioBuffer(MULAW)
    buffer.append(numbered(100))
    buffer.forget_before(50.0)
    assert buffer.take(from_ms=-10.0, until_ms=70.0) == numbered(100)[400:560]
    assert buffer.take(from_ms=500.0, until_ms=900.0) == b""
    assert buffer.end_ms == 100.0


def test_the_clock_goes_on_in_another_format() -> None:
    """A new buffer starts where the old one ended."""
    buffer = InputAudioBuffer(PCM_24K, start_ms=1234.5)
    buffer.append(b"\x00\x01" * 480)
    assert (buffer.start_ms, buffer.end_ms) == (1234.5, 1254.5)
    assert buffer.take(from_ms=1244.5) == b"\x00\x01" * 240
    assert buffer.audio_format == PCM_24K


@given(st.lists(st.integers(0, 500), max_size=12), st.integers(0, 4000))
def test_no_byte_is_lost_or_doubled(sizes: list[int], cut_ms: int) -> None:
    """Whatever the chunks and the cut, both halves together are what was appended."""
    buffer = InputAudioBuffer(MULAW)
    stream = b""
    for n, size in enumerate(sizes):
        chunk = bytes([n]) * size
        stream += chunk
        buffer.append(chunk)
    first = buffer.take(until_ms=float(cut_ms))
    assert first + buffer.take() == stream
    assert len(first) == min(len(stream), cut_ms * 8)
