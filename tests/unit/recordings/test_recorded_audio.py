"""The audio of a recorded call, from the bytes of its files."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import tone
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.config import GatingConfig
from voxgate.core.g711 import decode, encode
from voxgate.core.gate_tape import GateBegun
from voxgate.recordings.recorded_audio import RecordedAudio
from voxgate.recordings.trace_lines import AudioPlace, TracksLine
from voxgate.recordings.wav_head import wav_head

PCM, MULAW, WIDE = AudioFormat(), AudioFormat(Encoding.MULAW), AudioFormat(rate_hz=16_000)


def stereo(far_end: bytes, capture: bytes, audio_format: AudioFormat = MULAW) -> RecordedAudio:
    width = f"V{audio_format.sample_bytes}"
    both = np.stack([np.frombuffer(each, width) for each in (far_end, capture)], axis=1)
    plan = TracksLine(far_end=audio_format, capture=audio_format, origin_ms=5.0)
    data = wav_head(audio_format, n_channels=2) + both.tobytes()
    return RecordedAudio(plan, {"audio.wav": data})


def test_the_very_bytes_come_back() -> None:
    """Mu-law's second zero among them, which no sample would keep apart."""
    audio = stereo(bytes(range(200)), b"\x7f\xff" * 100)
    assert audio.bytes_at("far_end_played", AudioPlace(n_bytes=3, at=7)) == b"\x07\x08\x09"
    assert audio.bytes_at("frame_captured", AudioPlace(n_bytes=3, at=0)) == b"\x7f\xff\x7f"


def test_what_is_beyond_the_end_is_missing() -> None:
    """The recording broke off."""
    audio = stereo(bytes(100), bytes(100))
    assert audio.bytes_at("far_end_played", AudioPlace(n_bytes=10, at=90)) is not None
    assert audio.bytes_at("far_end_played", AudioPlace(n_bytes=11, at=90)) is None
    assert audio.bytes_at("far_end_played", AudioPlace(n_bytes=11)) is None
    assert audio.bytes_at("far_end_played", AudioPlace(n_bytes=4, unplaced=b"abc")) is None


def test_what_is_on_no_track_comes_back() -> None:
    """Nothing, silence of the format in force, and what had no place."""
    audio = stereo(bytes(10), bytes(10))
    kind = "frame_captured"
    assert audio.bytes_at(kind, AudioPlace(n_bytes=0)) == b""
    assert audio.bytes_at(kind, AudioPlace(n_bytes=2, is_silent=True)) == b"\xff\xff"
    assert audio.bytes_at(kind, AudioPlace(n_bytes=3, unplaced=b"odd")) == b"odd"
    audio.follow(
        GateBegun(
            now_ms=0.0,
            provider="x",
            capture_format=PCM,
            far_end_format=PCM,
            config=GatingConfig(),
        )
    )
    assert audio.bytes_at(kind, AudioPlace(n_bytes=2, is_silent=True)) == b"\0\0"


def test_tracks_are_samples_of_both_sides() -> None:
    """Decoded, on one axis."""
    far_end, capture = tone(100, frequency_hz=440.0, level_dbfs=-10.0), np.zeros(800, np.int16)
    audio = stereo(encode(far_end, MULAW), encode(capture, MULAW))
    tracks = audio.tracks()
    assert (tracks.rate_hz, tracks.origin_ms) == (8000, 5.0)
    assert np.array_equal(tracks.far_end, decode(encode(far_end, MULAW), MULAW))
    assert not tracks.capture.any()


def test_sides_of_two_rates_meet_at_the_higher_one() -> None:
    """Sounds that were at the same time still are; the shorter is filled with silence."""
    narrow = tone(200, frequency_hz=500.0, level_dbfs=-10.0)
    wide = tone(150, frequency_hz=500.0, level_dbfs=-10.0, rate_hz=16_000)
    plan = TracksLine(far_end=PCM, capture=WIDE, origin_ms=0.0)
    files = {
        "far_end.wav": wav_head(PCM, n_channels=1) + encode(narrow, PCM),
        "capture.wav": wav_head(WIDE, n_channels=1) + encode(wide, WIDE),
    }
    assert set(RecordedAudio.file_names(plan)) == files.keys()
    tracks = RecordedAudio(plan, files).tracks()
    assert tracks.rate_hz == 16_000
    assert len(tracks.far_end) == len(tracks.capture) == 3200
    assert not tracks.capture[2400:].any()
    middle = slice(400, 2000)
    likeness = np.corrcoef(tracks.far_end[middle], tracks.capture[middle])[0, 1]
    assert likeness > 0.99


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"RIFF",
        wav_head(PCM, n_channels=2) + bytes(40),
        wav_head(MULAW, n_channels=1) + bytes(40),
    ],
    ids=["no file", "empty", "cut short", "another encoding", "one channel"],
)
def test_a_file_that_is_another_holds_nothing(data: bytes | None) -> None:
    """So that inputs end where their audio should be."""
    plan = TracksLine(far_end=MULAW, capture=MULAW, origin_ms=0.0)
    audio = RecordedAudio(plan, {"audio.wav": data})
    assert audio.bytes_at("frame_captured", AudioPlace(n_bytes=1, at=0)) is None
    assert audio.tracks().capture.size == 0
