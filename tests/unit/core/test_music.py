"""The music detector: sound without the dips of speech."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import frames_of, speech_like, tone, white_noise
from voxgate.core.levels import rms
from voxgate.core.music import MusicDetector


def levels(samples: np.ndarray) -> list[float]:
    return [rms(np.frombuffer(frame, "<i2")) for frame in frames_of(samples)]


def hear(detector: MusicDetector, frame_levels: list[float]) -> list[bool]:
    """Feed frames and return the mode after each."""
    modes = []
    for level in frame_levels:
        detector.update(level)
        modes.append(detector.music_mode)
    return modes


def notes(n_frames: int, level: float = 1000.0) -> list[float]:
    """Return the levels of notes that swell and fade by 4 dB around a level."""
    return [level * (1.0 + 0.25 * np.sin(number / 8.0)) for number in range(n_frames)]


def chords(duration_ms: int) -> np.ndarray:
    """Return notes of 400 ms that fade by 6 dB into one another."""
    samples = np.zeros(duration_ms * 8)
    for number, frequency_hz in enumerate([262, 330, 392, 523] * (duration_ms // 1600)):
        start = number * 3200
        note = tone(800, frequency_hz, level_dbfs=-20.0).astype(float)
        fade = 10 ** (-6 / 20 * np.arange(len(note)) / 3200)
        end = min(start + len(note), len(samples))
        samples[start:end] += (note * fade)[: end - start]
    return samples.astype(np.int16)


def test_held_notes_are_music_after_four_seconds() -> None:
    """Sound that goes on without a dip enters the mode, not before 4 s of it."""
    modes = hear(MusicDetector(), levels(chords(8000)))
    assert not any(modes[:199])
    assert all(modes[200:])


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("level_dbfs", [-40.0, -15.0])
def test_fast_continuous_speech_is_not_music(seed, level_dbfs) -> None:
    """20 s of syllables without a pause, at any level: between them the level falls."""
    samples = speech_like(20_000, level_dbfs=level_dbfs, seed=seed)
    assert not any(hear(MusicDetector(), levels(samples)))


@pytest.mark.parametrize("noise_dbfs", [-42.0, -37.0])
def test_speech_over_noise_is_not_music(noise_dbfs) -> None:
    """20 or 15 dB over noise the falls are still there."""
    mixed = speech_like(20_000, level_dbfs=-22.0, seed=2).astype(np.int32)
    mixed += white_noise(20_000, level_dbfs=noise_dbfs, seed=3)
    assert not any(hear(MusicDetector(), levels(mixed.astype(np.int16))))


@pytest.mark.parametrize("level_dbfs", [-50.0, -20.0])
def test_steady_noise_is_not_music(level_dbfs) -> None:
    """A minute of hiss has no falls either, but nothing that swells."""
    assert not any(hear(MusicDetector(), levels(white_noise(60_000, level_dbfs=level_dbfs))))


def test_what_can_hardly_be_heard_is_not_music() -> None:
    """Below -52 dBFS nothing enters the mode."""
    assert not any(hear(MusicDetector(), notes(1000, 50.0)))


def test_music_ends_after_half_a_second_of_quiet() -> None:
    """A rest between notes keeps the mode, 500 ms of quiet end it."""
    detector = MusicDetector()
    assert hear(detector, notes(250))[-1]
    assert all(hear(detector, [0.0] * 24 + notes(50)))
    assert hear(detector, [0.0] * 25) == [True] * 24 + [False]


def test_music_ends_when_syllables_begin() -> None:
    """Speech at the level of the music is not muted by it for long: a second, and the mode ends."""
    detector = MusicDetector()
    hear(detector, notes(250, 2600.0))
    modes = hear(detector, levels(speech_like(4000, level_dbfs=-22.0, seed=5)))
    assert modes.index(False) < 100


def test_after_the_music_it_takes_as_long_again() -> None:
    """Leaving starts the count at nothing."""
    detector = MusicDetector()
    hear(detector, notes(250) + [0.0] * 30)
    assert detector.music_frames == 0
    modes = hear(detector, notes(300))
    assert 199 <= modes.index(True) <= 210


def test_a_caller_over_music_is_above_it() -> None:
    """6 dB over the music's level is not the music; the music itself is not above itself."""
    detector = MusicDetector()
    hear(detector, notes(300))
    assert detector.is_above_music(2400.0)
    assert not detector.is_above_music(1600.0)


def test_without_music_nothing_is_above_it() -> None:
    """Outside the mode there is no level to be above of."""
    detector = MusicDetector()
    hear(detector, notes(100))
    assert not detector.is_above_music(30_000.0)


def test_a_caller_does_not_raise_the_level_of_the_music() -> None:
    """A word over the music leaves the measure of the music where it was."""
    detector = MusicDetector()
    hear(detector, notes(300))
    hear(detector, [5000.0] * 40)
    assert detector.is_above_music(2400.0)


# -- the counters ----------------------------------------------------------------------------------


def test_the_counters_begin_at_nothing() -> None:
    """Neither music nor quiet was heard yet."""
    detector = MusicDetector()
    assert (detector.music_mode, detector.music_frames, detector.music_cooldown_frames) == (
        False,
        0,
        0,
    )


def test_every_frame_of_sound_without_a_fall_counts() -> None:
    """Up to the 200th, on which the mode begins."""
    detector = MusicDetector()
    for number, level in enumerate(notes(200), 1):
        detector.update(level)
        assert detector.music_frames == number
        assert detector.music_mode is (number == 200)


@pytest.mark.parametrize("level", [400.0, 79.9, 0.0])
def test_a_fall_or_quiet_starts_the_count_anew(level) -> None:
    """A frame 5 dB below the peak, or one that can't be heard, is no music."""
    detector = MusicDetector()
    hear(detector, notes(150))
    detector.update(level)
    assert detector.music_frames == 0
    assert not any(hear(detector, notes(190)))


def test_quiet_counts_towards_the_end_and_sound_takes_it_back() -> None:
    """The cooldown is of frames on end; a note in between starts it anew."""
    detector = MusicDetector()
    hear(detector, notes(250))
    for number in range(1, 21):
        detector.update(0.0)
        assert detector.music_cooldown_frames == number
    detector.update(1000.0)
    assert detector.music_cooldown_frames == 0
    assert hear(detector, [0.0] * 25)[-2:] == [True, False]


def test_a_piece_that_begins_anew_has_a_cooldown_of_its_own() -> None:
    """What was counted before the mode ended does not shorten the next one."""
    detector = MusicDetector()
    hear(detector, notes(250) + [0.0] * 25 + notes(260))
    assert detector.music_mode
    assert detector.music_cooldown_frames == 0
    assert all(hear(detector, [0.0] * 24))


def test_falls_close_together_are_syllables() -> None:
    """Four falls within half a second end the mode; as many spread over 6 s do not."""
    for gap_frames, expected in ((5, False), (80, True)):
        detector = MusicDetector()
        hear(detector, notes(250))
        for _ in range(4):
            hear(detector, [300.0] + [1000.0] * gap_frames)
        assert detector.music_mode is expected
