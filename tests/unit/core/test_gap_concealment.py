"""Sound for lost frames: how near it comes to what was lost, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from support.signals import speech_like, white_noise
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import decode, encode
from voxgate.core.gap_concealment import GapConcealment

Samples = npt.NDArray[np.int16]

FORMATS = [
    AudioFormat(),
    AudioFormat(Encoding.MULAW),
    AudioFormat(Encoding.ALAW),
    AudioFormat(rate_hz=16_000),
    AudioFormat(rate_hz=48_000),
]
BEFORE_MS = 100


def buzz(duration_ms: int, audio_format: AudioFormat, *, pitch_hz: float = 125.0) -> Samples:
    """Return a voiced sound that repeats exactly: five harmonics."""
    t = np.arange(duration_ms * audio_format.rate_hz // 1000) / audio_format.rate_hz
    harmonics = [np.sin(2 * np.pi * k * pitch_hz * t + k) / k for k in range(1, 6)]
    return (4000 * np.sum(harmonics, axis=0)).astype(np.int16)


def concealed(
    sound: Samples, n_frames: int, audio_format: AudioFormat, *, is_last: bool
) -> Samples:
    """Return what is made up for frames that are lost 100 ms after the beginning of a sound."""
    n = audio_format.frame_samples
    frames = [encode(sound[at : at + n], audio_format) for at in range(0, len(sound), n)]
    lost = BEFORE_MS // 20
    concealment = GapConcealment(audio_format)
    for frame in frames[:lost]:
        concealment.receive(frame)
    after = None if is_last else frames[lost + n_frames]
    made_up = concealment.conceal(n_frames, after)
    assert [len(frame) for frame in made_up] == [audio_format.frame_bytes] * n_frames
    return decode(b"".join(made_up), audio_format)


def level(samples: npt.NDArray[np.generic]) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


@pytest.mark.parametrize("audio_format", FORMATS, ids=str)
@pytest.mark.parametrize("pitch_hz", [80.0, 125.0, 190.0])
def test_a_voice_that_goes_on_is_restored(audio_format: AudioFormat, pitch_hz: float) -> None:
    """Of a sound that repeats itself hardly anything is missing, whatever its format and pitch."""
    sound = buzz(300, audio_format, pitch_hz=pitch_hz)
    made_up = concealed(sound, 2, audio_format, is_last=False)
    start = BEFORE_MS * audio_format.rate_hz // 1000
    lost = sound[start : start + len(made_up)]
    error = made_up.astype(np.float64) - lost
    assert level(error) < 0.3 * level(lost)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_frames", [2, 3, 4])
def test_what_is_made_up_has_the_spectrum_of_what_was_lost(seed: int, n_frames: int) -> None:
    """By the log-spectral distance it is much nearer than silence."""
    audio_format = AudioFormat()
    sound = speech_like(400, level_dbfs=-18.0, seed=seed)
    made_up = concealed(sound, n_frames, audio_format, is_last=False)
    lost = sound[800 : 800 + len(made_up)]
    distance_db = log_spectral_distance_db(lost, made_up)
    assert distance_db < 0.7 * log_spectral_distance_db(lost, np.zeros_like(lost))


def log_spectral_distance_db(one: Samples, other: Samples) -> float:
    floor = 30.0**2 * 96  # of a quiet line
    window = np.hanning(256)
    starts = range(0, len(one) - 255, 64)
    spectra = [
        [np.abs(np.fft.rfft(x[at : at + 256] * window)) ** 2 + floor for at in starts]
        for x in (one, other)
    ]
    difference = 10 * (np.log10(spectra[0]) - np.log10(spectra[1]))
    return float(np.mean(np.sqrt(np.mean(difference**2, axis=1))))


@pytest.mark.parametrize("audio_format", FORMATS, ids=str)
def test_the_edges_do_not_click(audio_format: AudioFormat) -> None:
    """From sample to sample it never steps further than the sound itself does."""
    sound = buzz(300, audio_format)
    made_up = concealed(sound, 3, audio_format, is_last=False).astype(np.float64)
    start = BEFORE_MS * audio_format.rate_hz // 1000
    around = np.concatenate([sound[:start], made_up, sound[start + len(made_up) :]])
    assert np.abs(np.diff(around)).max() < 1.5 * np.abs(np.diff(sound.astype(np.float64))).max()


def test_what_is_not_followed_by_anything_fades_out() -> None:
    """Full for 10 ms, then down to silence after 60 ms."""
    sound = buzz(300, AudioFormat())
    made_up = concealed(sound, 5, AudioFormat(), is_last=True)
    levels = [level(made_up[at : at + 80]) for at in range(0, 800, 80)]
    assert levels[0] > 0.9 * level(sound)
    assert levels[:6] == sorted(levels[:6], reverse=True)
    assert not made_up[480:].any()


def test_the_middle_of_a_long_gap_is_the_softest() -> None:
    """What went on fades out and what comes fades in."""
    made_up = concealed(buzz(400, AudioFormat()), 6, AudioFormat(), is_last=False)
    middle = level(made_up[440:520])
    assert middle < 0.2 * min(level(made_up[:80]), level(made_up[-80:]))


@pytest.mark.parametrize("audio_format", FORMATS, ids=str)
def test_silence_stays_silence(audio_format: AudioFormat) -> None:
    """Nothing is made of nothing."""
    concealment = GapConcealment(audio_format)
    frame = audio_format.silence(audio_format.frame_bytes)
    for _ in range(3):
        concealment.receive(frame)
    assert level(decode(concealment.conceal(2, frame)[0], audio_format)) <= 8.0  # A-law has no 0


def test_before_enough_was_heard_there_is_silence() -> None:
    """60 ms are needed, and again after a reset."""
    audio_format = AudioFormat()
    frames = [white_noise(20, level_dbfs=-20.0, seed=n).tobytes() for n in range(4)]
    concealment = GapConcealment(audio_format)
    for frame in frames[:2]:
        concealment.receive(frame)
    assert not concealment.is_ready
    assert concealment.conceal(2, frames[3]) == (bytes(320), bytes(320))
    concealment.receive(frames[2])
    assert concealment.is_ready
    assert any(concealment.conceal(1, frames[3])[0])
    concealment.reset()
    assert concealment.conceal(1, frames[3]) == (bytes(320),)


def test_a_second_gap_goes_on_from_the_first() -> None:
    """What was made up counts as heard: gaps with a frame between them are all filled."""
    audio_format = AudioFormat()
    sound = buzz(400, audio_format)
    frames = [sound[at : at + 160].tobytes() for at in range(0, 3200, 160)]
    concealment = GapConcealment(audio_format)
    for frame in frames[:4]:
        concealment.receive(frame)
    concealment.conceal(2, frames[6])
    concealment.receive(frames[6])
    again = np.frombuffer(b"".join(concealment.conceal(2, frames[9])), np.int16)
    assert level(again) > 0.7 * level(sound)


def test_the_loudest_sound_does_not_wrap() -> None:
    """At full scale what is made up is clipped."""
    audio_format = AudioFormat()
    sound = (np.sign(buzz(300, audio_format)).astype(np.int32) * 32767).astype(np.int16)
    made_up = concealed(sound, 2, audio_format, is_last=False)
    start = BEFORE_MS * 8
    agreeing = np.mean(np.sign(made_up) == np.sign(sound[start : start + len(made_up)]))
    assert agreeing > 0.95
