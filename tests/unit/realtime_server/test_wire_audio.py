"""Audio in events: formats, base64, and the way from one format to another."""

from __future__ import annotations

from base64 import b64encode

import numpy as np
import pytest

from support.signals import at_level, speech_like, tone
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import decode, encode
from voxgate.core.levels import rms
from voxgate.realtime_server.request_error import RequestError
from voxgate.realtime_server.session_config import PcmaFormat, PcmFormat, PcmuFormat
from voxgate.realtime_server.wire_audio import (
    SpeechConverter,
    audio_format_of,
    decoded_audio,
    encoded_audio,
)

MULAW = AudioFormat(Encoding.MULAW)
ALAW = AudioFormat(Encoding.ALAW)
PCM_24K = AudioFormat(Encoding.PCM16, 24_000)


def test_each_wire_format_is_one_audio_format() -> None:
    """The three formats of the API, and no other."""
    assert audio_format_of(PcmFormat(type="audio/pcm", rate=24000)) == PCM_24K
    assert audio_format_of(PcmuFormat(type="audio/pcmu")) == MULAW
    assert audio_format_of(PcmaFormat(type="audio/pcma")) == ALAW


def test_base64_there_and_back() -> None:
    """What was encoded is decoded."""
    assert decoded_audio(encoded_audio(b"\x00\x01\xfe\xff"), PCM_24K) == b"\x00\x01\xfe\xff"
    assert decoded_audio("", PCM_24K) == b""


@pytest.mark.parametrize("text", ["%%%%", "AAA", "AA==AA", "ÄÄÄÄ", "AAAA\n", " AAAA"])
def test_what_is_not_base64_is_refused(text: str) -> None:
    """Nothing is guessed: a foreign character or a wrong length is an error."""
    with pytest.raises(RequestError) as caught:
        decoded_audio(text, MULAW, param="audio")
    assert (caught.value.code, caught.value.param) == ("invalid_value", "audio")
    assert "mono G.711 mu-law at 8kHz" in caught.value.message


def test_half_a_sample_is_refused() -> None:
    """PCM16 has an even number of bytes; one byte of mu-law is a sample."""
    odd = b64encode(b"\x00\x01\x02").decode()
    with pytest.raises(RequestError, match="mono PCM16 at 24kHz"):
        decoded_audio(odd, PCM_24K)
    assert len(decoded_audio(odd, MULAW)) == 3


def test_equal_formats_pass_the_very_bytes() -> None:
    """No decoding, no loss."""
    audio = bytes(range(256))
    assert SpeechConverter(MULAW, MULAW).process(audio) is audio


def test_mulaw_to_24_khz_keeps_level_and_length() -> None:
    """Three samples for one, at the same level."""
    source = encode(tone(1000, 440, level_dbfs=-20), MULAW)
    converter = SpeechConverter(MULAW, PCM_24K)
    result = b"".join(converter.process(source[at : at + 160]) for at in range(0, 8000, 160))
    samples = decode(result, PCM_24K)
    assert len(samples) == 24_000
    assert rms(samples[2400:]) == pytest.approx(rms(tone(1000, 440, level_dbfs=-20)), rel=0.02)


def test_mulaw_to_alaw_is_the_same_sound() -> None:
    """Both laws keep about 38 dB of signal to noise."""
    samples = speech_like(500)
    result = decode(SpeechConverter(MULAW, ALAW).process(encode(samples, MULAW)), ALAW)
    error = result.astype(float) - samples
    assert rms(at_level(error, -10.0)) > 0  # there is some, and it is small:
    assert np.sqrt(np.mean(error**2)) < 0.05 * rms(samples)
