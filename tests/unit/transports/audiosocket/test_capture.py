"""One capture format, whatever the frames are."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import tone, white_noise
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import decode_mulaw, encode_mulaw
from voxgate.transports.audiosocket.capture import AudioSocketCapture
from voxgate.transports.audiosocket.protocol import AudioReceived
from voxgate.transports.base import LineAudio, LineWarning


def codes(events: list[LineAudio | LineWarning]) -> list[str]:
    return [event.code for event in events if isinstance(event, LineWarning)]


def audio(events: list[LineAudio | LineWarning]) -> bytes:
    return b"".join(event.audio for event in events if isinstance(event, LineAudio))


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 48_000])
def test_first_frame_fixes_the_format(rate_hz: int):
    """The kind of the first frame is the rate of the call."""
    capture = AudioSocketCapture()
    assert capture.format is None
    frame = AudioReceived(bytes(640), rate_hz)
    assert capture.receive_audio(frame) == [LineAudio(bytes(640))]
    assert capture.format == AudioFormat(Encoding.PCM16, rate_hz)
    assert capture.fix_format() == capture.format


def test_call_without_audio_is_at_8_khz():
    """A caller with DTX sends nothing for seconds; the engine is not kept waiting."""
    capture = AudioSocketCapture()
    assert capture.fix_format() == AudioFormat(Encoding.PCM16, 8_000)
    assert capture.format == AudioFormat(Encoding.PCM16, 8_000)


def test_audio_at_the_fixed_rate_is_untouched():
    """Lengths are the line's business: 276 bytes come as 276 bytes, and are counted as short."""
    capture = AudioSocketCapture()
    for n_bytes in (320, 276, 2, 640):
        payload = bytes(range(1, n_bytes + 1)) if n_bytes < 256 else b"\x01\x02" * (n_bytes // 2)
        assert capture.receive_audio(AudioReceived(payload, 8_000)) == [LineAudio(payload)]
    assert capture.short_frames == 2


def test_short_is_measured_at_the_rate_of_the_frame():
    """320 bytes are 20 ms at 8 kHz and 10 ms at 16 kHz."""
    capture = AudioSocketCapture()
    capture.receive_audio(AudioReceived(bytes(320), 16_000))
    assert capture.short_frames == 1


def test_frames_of_another_rate_are_converted():
    """The format stays; a 1 kHz tone is the same tone at the same level, and a warning comes."""
    capture = AudioSocketCapture()
    capture.fix_format()
    samples = tone(400, 1000, level_dbfs=-20, rate_hz=16_000).astype("<i2").tobytes()
    events = [
        event
        for at in range(0, len(samples), 640)
        for event in capture.receive_audio(AudioReceived(samples[at : at + 640], 16_000))
    ]
    assert set(codes(events)) == {"audiosocket.rate_changed"}
    assert "16000 Hz is converted to 8000 Hz" in str(events[0])
    heard = np.frombuffer(audio(events), "<i2")[400:]
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(heard.size)))
    assert heard.size == 3200 - 400
    assert np.fft.rfftfreq(heard.size, 1 / 8000)[spectrum.argmax()] == pytest.approx(1000, abs=5)
    assert np.sqrt(np.mean(heard.astype(float) ** 2)) == pytest.approx(3276.8, rel=0.03)


def test_rates_may_change_back_and_forth():
    """A transfer changes the codec in the middle of a call; no audio is lost or stretched."""
    capture = AudioSocketCapture()
    durations_ms = []
    for rate_hz in (8_000, 16_000, 24_000, 8_000, 16_000):
        frame = AudioReceived(bytes(rate_hz // 50 * 2), rate_hz)
        durations_ms.append(len(audio(capture.receive_audio(frame))) / 16)
    assert durations_ms == [20] * 5


def test_odd_byte_is_dropped():
    """Half a sample would turn all audio behind it to noise."""
    events = AudioSocketCapture().receive_audio(AudioReceived(b"\x01\x02\x03", 8_000))
    assert codes(events) == ["audiosocket.odd_length"]
    assert audio(events) == b"\x01\x02"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", ["audiosocket.empty_audio"]),
        (b"\x01", ["audiosocket.odd_length", "audiosocket.empty_audio"]),
    ],
)
def test_frame_without_a_sample_is_no_audio(payload: bytes, expected: list[str]):
    """The engine never sees empty audio."""
    capture = AudioSocketCapture()
    events = capture.receive_audio(AudioReceived(payload, 8_000))
    assert codes(events) == expected
    assert audio(events) == b""
    assert capture.short_frames == 0


def test_mislabelled_mulaw_is_decoded_and_named():
    """The warning says what to change in the dialplan; the audio is as if it were changed."""
    data = encode_mulaw(white_noise(120, level_dbfs=-50))
    capture = AudioSocketCapture()
    events = [
        event
        for at in range(0, len(data), 160)
        for event in capture.receive_audio(AudioReceived(data[at : at + 160], 8_000))
    ]
    assert set(codes(events)) == {"audiosocket.mislabelled_mulaw"}
    assert "dial AudioSocket with /c(slin)" in str(events)
    assert audio(events) == decode_mulaw(data).astype("<i2").tobytes()
    assert capture.format == AudioFormat(Encoding.PCM16, 8_000)


def test_wide_audio_is_never_taken_for_g711():
    """Only kind 0x10 is used for what it is not."""
    data = encode_mulaw(white_noise(200, level_dbfs=-50))
    capture = AudioSocketCapture()
    for at in range(0, len(data), 160):
        payload = data[at : at + 160]
        assert capture.receive_audio(AudioReceived(payload, 16_000)) == [LineAudio(payload)]


def test_a_long_frame_comes_in_pieces_that_the_gate_takes():
    """The longest that a length can say are 4 s; the gate takes more than one for malformed."""
    payload = np.arange(32_000, dtype="<i2").tobytes()
    events = AudioSocketCapture().receive_audio(AudioReceived(payload, 8_000))
    assert audio(events) == payload
    assert {len(event.audio) for event in events if isinstance(event, LineAudio)} == {8000}


def test_a_plain_frame_is_taken_as_it_is():
    """20 ms in the fixed format: what nearly all are."""
    capture = AudioSocketCapture()
    frame = AudioReceived(bytes(320), 8_000)
    assert capture.receive_plain(frame) is None
    capture.fix_format()
    assert capture.receive_plain(frame) == LineAudio(bytes(320))


@pytest.mark.parametrize(("n_bytes", "rate_hz"), [(318, 8_000), (322, 8_000), (640, 16_000)])
def test_a_frame_that_needs_anything_done_is_not_plain(n_bytes: int, rate_hz: int):
    """Another length, or another rate."""
    capture = AudioSocketCapture()
    capture.fix_format()
    assert capture.receive_plain(AudioReceived(bytes(n_bytes), rate_hz)) is None


def test_no_frame_of_a_mislabelled_call_is_plain():
    """40 ms of mu-law are as long as 20 ms of PCM16."""
    capture = AudioSocketCapture()
    for at in range(0, 1600, 160):
        payload = encode_mulaw(tone(200, 425, level_dbfs=-15))[at : at + 160]
        capture.receive_audio(AudioReceived(payload, 8_000))
        assert capture.receive_plain(AudioReceived(bytes(320), 8_000)) is None
