"""Audio in events: formats, base64, and the way from one format to another."""

from __future__ import annotations

from base64 import b64encode

import pytest

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.realtime_server.request_error import RequestError
from voxgate.realtime_server.session_config import PcmaFormat, PcmFormat, PcmuFormat
from voxgate.realtime_server.wire_audio import audio_format_of, decoded_audio, encoded_audio

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
