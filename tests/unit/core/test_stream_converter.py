"""One direction of a call's audio."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.signals import tone
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import decode, encode
from voxgate.core.stream_converter import StreamConverter

NARROW = AudioFormat()
MULAW = AudioFormat(Encoding.MULAW)
ALAW = AudioFormat(Encoding.ALAW)
WIDE = AudioFormat(Encoding.PCM16, 24_000)


@pytest.mark.parametrize("audio_format", [NARROW, MULAW, ALAW, WIDE])
def test_equal_formats_pass_the_very_object(audio_format: AudioFormat) -> None:
    """Nothing is copied, and nothing waits, not even half a sample."""
    converter = StreamConverter(audio_format, audio_format)
    chunk = bytes(range(161))

    assert converter.process(chunk) is chunk
    assert converter.delay_ms == 0.0


def test_narrow_linear_audio_becomes_mulaw_without_resampling() -> None:
    """The bytes are those of the G.711 encoder, one for each sample, at once."""
    samples = tone(200.0, 440.0)
    converter = StreamConverter(NARROW, MULAW)

    assert converter.process(samples.tobytes()) == encode(samples, MULAW)
    assert converter.delay_ms == 0.0


def test_mulaw_becomes_linear_for_the_line() -> None:
    """The way back of the same."""
    wire = encode(tone(100.0, 440.0), MULAW)

    out = StreamConverter(MULAW, NARROW).process(wire)
    assert np.array_equal(decode(out, NARROW), decode(wire, MULAW))


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 48_000])
def test_wide_lines_come_out_at_once_and_in_full_length(rate_hz: int) -> None:
    """20 ms in, 20 ms out: nothing in bursts."""
    line = AudioFormat(Encoding.PCM16, rate_hz)
    converter = StreamConverter(line, WIDE)

    assert len(converter.process(line.silence(line.frame_bytes))) == WIDE.frame_bytes
    assert 0.0 <= converter.delay_ms < 5.0


def test_a_constant_keeps_its_value_through_a_change_of_rate() -> None:
    """Once the filter is filled, direct current comes out as it went in."""
    line = AudioFormat(Encoding.PCM16, 16_000)
    converter = StreamConverter(WIDE, line)
    out = converter.process(np.full(4800, 1000, np.int16).tobytes())

    assert set(decode(out, line)[-800:].tolist()) == {1000}


@given(
    st.sampled_from([(NARROW, MULAW), (MULAW, NARROW), (ALAW, NARROW), (WIDE, NARROW)]),
    st.lists(st.integers(0, 700), max_size=8),
)
def test_chunking_does_not_show(formats: tuple[AudioFormat, AudioFormat], cuts: list[int]) -> None:
    """Half samples at the end of a chunk wait for their other half."""
    stream = np.random.default_rng(7).integers(0, 256, 960, np.uint8).tobytes()
    whole = StreamConverter(*formats).process(stream)
    converter = StreamConverter(*formats)
    edges = [0, *sorted(cuts), len(stream)]
    pieces = [converter.process(stream[a:b]) for a, b in itertools.pairwise(edges)]

    assert b"".join(pieces) == whole


def test_reset_forgets_the_stream() -> None:
    """Neither half a sample nor the filter's memory reaches the next stream."""
    loud = np.full(480, 20_000, np.int16).tobytes()
    silence = WIDE.silence(960)
    used = StreamConverter(WIDE, NARROW)
    used.process(loud + b"\1")
    used.reset()

    assert used.process(silence) == StreamConverter(WIDE, NARROW).process(silence)


def test_a_converter_says_what_it_converts() -> None:
    """Source and target are those it was made with."""
    converter = StreamConverter(NARROW, MULAW)

    assert (converter.source, converter.target) == (NARROW, MULAW)
