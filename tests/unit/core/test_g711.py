"""ITU-T G.711 against its own tables of decision values."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import (
    decode,
    decode_alaw,
    decode_mulaw,
    encode,
    encode_alaw,
    encode_mulaw,
    encode_pcm16,
)

EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)
EVERY_CODE = bytes(range(256))

# G.711 tables 2a (mu-law, 14 bits) and 1a (A-law, 13 bits): the steps between decision values.
# mu-law: one of 1, 15 of 2, then 16 each of 4, 8, ... 256, up to the virtual value 8159.
# A-law: 32 of 2 (of 4096), then 16 each of 4, 8, ... 128, up to the virtual value 4096.
MULAW_STEPS = [1] + [2] * 15 + [4 << n // 16 for n in range(7 * 16)]
ALAW_STEPS = [2] * 32 + [4 << n // 16 for n in range(6 * 16)]
MULAW_DECISIONS = [0, *accumulate(MULAW_STEPS)]
ALAW_DECISIONS = [0, *accumulate(ALAW_STEPS)]


def reference_mulaw_code(sample: int) -> int:
    """Return the mu-law byte by looking the magnitude up among the decision values."""
    level = min(bisect_right(MULAW_DECISIONS, abs(sample) / 4) - 1, 127)
    return (0x7F if sample < 0 else 0xFF) - level


def reference_alaw_code(sample: int) -> int:
    """Return the A-law byte by looking the magnitude up among the decision values."""
    level = min(bisect_right(ALAW_DECISIONS, abs(sample) / 8) - 1, 127)
    return ((0x00 if sample < 0 else 0x80) | level) ^ 0x55


def reference_mulaw_value(code: int) -> int:
    """Return the midpoint between the decision values around the code; the first is 0."""
    level = 0x7F - (code & 0x7F)
    middle = (MULAW_DECISIONS[level] + MULAW_DECISIONS[level + 1]) // 2 if level else 0
    return middle * 4 if code & 0x80 else -middle * 4


def reference_alaw_value(code: int) -> int:
    """Return the midpoint between the decision values around the code."""
    level = (code ^ 0x55) & 0x7F
    middle = (ALAW_DECISIONS[level] + ALAW_DECISIONS[level + 1]) // 2
    return middle * 8 if (code ^ 0x55) & 0x80 else -middle * 8


def test_reference_ends_at_the_virtual_decision_values() -> None:
    """The tables that this file judges by are those of the standard."""
    assert MULAW_DECISIONS[-1] == 8159
    assert ALAW_DECISIONS[-1] == 4096
    assert len(MULAW_DECISIONS) == len(ALAW_DECISIONS) == 129


def test_mulaw_encodes_every_sample_as_the_decision_values_say() -> None:
    """All 65,536 inputs are bit-exact."""
    expected = bytes(reference_mulaw_code(sample) for sample in range(-32768, 32768))
    assert encode_mulaw(EVERY_SAMPLE) == expected


def test_alaw_encodes_every_sample_as_the_decision_values_say() -> None:
    """All 65,536 inputs are bit-exact."""
    expected = bytes(reference_alaw_code(sample) for sample in range(-32768, 32768))
    assert encode_alaw(EVERY_SAMPLE) == expected


def test_mulaw_decodes_every_code_to_its_midpoint() -> None:
    """All 256 codes are bit-exact."""
    assert decode_mulaw(EVERY_CODE).tolist() == [reference_mulaw_value(c) for c in EVERY_CODE]


def test_alaw_decodes_every_code_to_its_midpoint() -> None:
    """All 256 codes are bit-exact."""
    assert decode_alaw(EVERY_CODE).tolist() == [reference_alaw_value(c) for c in EVERY_CODE]


def test_every_alaw_code_round_trips() -> None:
    """Decoding and encoding again changes no A-law byte."""
    assert encode_alaw(decode_alaw(EVERY_CODE)) == EVERY_CODE


def test_every_mulaw_code_round_trips() -> None:
    """Decoding and encoding again changes no mu-law byte, but for negative zero."""
    assert encode_mulaw(decode_mulaw(EVERY_CODE)) == EVERY_CODE.replace(b"\x7f", b"\xff")


def test_silence_has_its_own_byte() -> None:
    """Zero is 0xFF in mu-law and 0xD5 in A-law, where it is decoded as the smallest step."""
    silence = np.zeros(3, np.int16)
    assert encode_mulaw(silence) == b"\xff\xff\xff"
    assert encode_alaw(silence) == b"\xd5\xd5\xd5"
    assert decode_mulaw(b"\xff").tolist() == [0]
    assert decode_alaw(b"\xd5").tolist() == [8]


@given(hnp.arrays(np.int16, st.integers(0, 200)))
def test_error_is_within_half_a_step(samples) -> None:
    """A decoded sample is off by at most half a step: 1/32 of itself and a bias, or clipping."""
    exact = samples.astype(np.int32)
    mulaw_error = np.abs(decode_mulaw(encode_mulaw(samples)) - np.clip(exact, -32635, 32635))
    alaw_error = np.abs(decode_alaw(encode_alaw(samples)) - exact)
    assert np.all(mulaw_error <= (np.abs(exact) + 132) / 32 + 4)
    assert np.all(alaw_error <= np.maximum(np.abs(exact) / 32, 8) + 8)


@pytest.mark.parametrize("encoding", list(Encoding))
def test_format_chooses_the_law(encoding) -> None:
    """Bytes of each format survive decoding and encoding, and silence is silence."""
    audio_format = AudioFormat(encoding, 8000)
    data = encode(np.arange(-3000, 3000, 7, dtype=np.int16), audio_format)
    samples = decode(data, audio_format)
    assert samples.dtype == np.int16
    assert len(data) == len(samples) * audio_format.sample_bytes
    assert encode(samples, audio_format).replace(b"\x7f", b"\xff") == data.replace(b"\x7f", b"\xff")
    assert encode(np.zeros(5, np.int16), audio_format) == audio_format.silence(
        5 * audio_format.sample_bytes
    )


@pytest.mark.parametrize("encoding", [Encoding.MULAW, Encoding.ALAW])
def test_pcm16_bytes_become_what_their_samples_would(encoding) -> None:
    """All of them, without the samples in between."""
    samples = np.arange(-32_768, 32_768).astype(np.int16)
    assert encode_pcm16(samples.astype("<i2").tobytes(), encoding) == encode(
        samples, AudioFormat(encoding, 8000)
    )


def test_formats_differ() -> None:
    """The same bytes are other samples in another format."""
    data = b"\x12\x34"
    assert decode(data, AudioFormat(Encoding.PCM16, 8000)).tolist() == [0x3412]
    assert decode(data, AudioFormat(Encoding.MULAW, 8000)).tolist() == [-14972, -3388]
    assert decode(data, AudioFormat(Encoding.ALAW, 8000)).tolist() == [-3008, -8960]


def test_pcm16_of_odd_length_is_refused() -> None:
    """Half a sample is an error that says how much came."""
    with pytest.raises(ValueError, match="data: 3 bytes"):
        decode(b"abc", AudioFormat())


@pytest.mark.parametrize("encoding", list(Encoding))
def test_samples_of_another_type_are_refused(encoding) -> None:
    """Floats or wide integers would be cut to nonsense, so they are an error."""
    with pytest.raises(TypeError, match="dtype is float32"):
        encode(np.zeros(2, np.float32), AudioFormat(encoding, 8000))
