"""What the guard's network is told of a frame."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import silence, speech_like, tone, white_noise
from voxgate.core.guard.frame_features import (
    BAND_COUNT,
    BAND_EDGES_HZ,
    FEATURE_COUNT,
    FrameFeatures,
    FrameReading,
)
from voxgate.core.levels import rms, zero_crossing_ratio

OVER_FLOOR = slice(0, BAND_COUNT)
SHAPE = slice(BAND_COUNT, 2 * BAND_COUNT)
(
    LEVEL_OVER_NOISE,
    LEVEL_UNDER_PEAK,
    LEVEL_CHANGE,
    HARMONICITY,
    PITCH,
    GLIDE,
    FLATNESS,
    CONCENTRATION,
) = range(2 * BAND_COUNT, 2 * BAND_COUNT + 8)
GAP = FEATURE_COUNT - 2


def describe(
    features: FrameFeatures, samples: np.ndarray, *, noise_floor: float = 20.0
) -> list[FrameReading]:
    """Return the readings of all whole frames."""
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    return [
        features.describe(
            frame,
            rms(frame),
            zcr_ratio=zero_crossing_ratio(frame),
            is_voice=True,
            noise_floor=noise_floor,
        )
        for frame in frames
    ]


def rows(samples: np.ndarray, **changes: float) -> np.ndarray:
    return np.array([reading.row for reading in describe(FrameFeatures(), samples, **changes)])


def test_a_row_has_its_length_and_is_finite() -> None:
    """Whatever comes, digital silence and full scale included."""
    loudest = np.tile(np.array([32767, -32768], np.int16), 800)
    for samples in (silence(200), loudest, white_noise(200), speech_like(400)):
        described = rows(samples)
        assert described.shape[1:] == (FEATURE_COUNT,)
        assert described.dtype == np.float32
        assert np.isfinite(described).all()
        assert np.abs(described).max() <= 5.0


@pytest.mark.parametrize("band", range(BAND_COUNT))
def test_a_tone_is_in_its_band(band) -> None:
    """The band of a tone is the strongest, over its noise and over the frame's mean."""
    centre_hz = (BAND_EDGES_HZ[band] + BAND_EDGES_HZ[band + 1]) / 2
    row = rows(tone(80, centre_hz))[-1]
    assert row[OVER_FLOOR].argmax() == band
    assert row[SHAPE].argmax() == band


def test_the_same_sound_at_another_level_gives_the_same_row() -> None:
    """8 dB louder, line noise included: only what compares with the start of the call differs."""
    samples = speech_like(4000, level_dbfs=-30.0, seed=3)
    soft = rows(samples, noise_floor=20.0)
    loud = rows((samples * 2.5).astype(np.int16), noise_floor=50.0)
    told = [*range(*SHAPE.indices(99)), *range(LEVEL_OVER_NOISE, FEATURE_COUNT)]
    told.remove(FEATURE_COUNT - 1)
    late = slice(100, None)
    assert np.abs(soft[late][:, told] - loud[late][:, told]).max() < 0.15


def test_steady_noise_sinks_to_its_floor() -> None:
    """After a fall, and after a rise of 20 dB within some seconds, bands are near 0 over noise."""
    features = FrameFeatures()
    describe(features, white_noise(1000, level_dbfs=-50.0))
    after_rise = [
        reading.row[OVER_FLOOR].mean()
        for reading in describe(features, white_noise(8000, level_dbfs=-30.0, seed=1))
    ]
    assert after_rise[2] > 1.5
    assert np.mean(after_rise[-50:]) < 0.5
    after_fall = [
        reading.row[OVER_FLOOR].mean()
        for reading in describe(features, white_noise(1000, level_dbfs=-50.0, seed=2))
    ]
    assert np.mean(after_fall[-20:]) < 0.5


def test_syllables_do_not_teach_the_floor() -> None:
    """After 4 s of speech with pauses, speech is as far over the floor as it was."""
    features = FrameFeatures()
    words = np.concatenate([speech_like(800, seed=4), silence(200)])
    means = []
    for _ in range(4):
        readings = describe(features, words)
        means.append(np.mean([reading.row[OVER_FLOOR].mean() for reading in readings[:40]]))
    assert means[3] > means[0] - 0.5


def test_pitch_and_harmonicity() -> None:
    """A pulse train of 100 Hz is periodic, and an octave over 200 Hz's; noise is not."""
    pulses = np.zeros(1600, np.int16)
    pulses[::80] = 20_000
    low = rows(pulses)[-1]
    pulses[::40] = 20_000
    high = rows(pulses)[-1]
    assert min(low[HARMONICITY], high[HARMONICITY]) > 0.9
    assert low[PITCH] - high[PITCH] == pytest.approx(1.0, abs=0.1)
    assert rows(white_noise(200))[-1][HARMONICITY] < 0.6


def test_glide_is_that_of_voiced_neighbours() -> None:
    """A steady pitch does not glide; without a pitch in both frames the glide is the greatest."""
    pulses = np.zeros(1600, np.int16)
    pulses[::80] = 20_000
    assert rows(pulses)[-1][GLIDE] < 0.05
    assert rows(white_noise(200))[-1][GLIDE] == pytest.approx(1.0)


def test_concentration_of_tones_and_noise() -> None:
    """One line 0.5, two 0.25, noise next to nothing."""
    two = tone(200, 900.0) // 2 + tone(200, 2000.0) // 2
    assert describe(FrameFeatures(), tone(200, 900.0))[-1].concentration == pytest.approx(
        0.5, abs=0.03
    )
    assert describe(FrameFeatures(), two)[-1].concentration == pytest.approx(0.25, abs=0.03)
    assert describe(FrameFeatures(), white_noise(200))[-1].concentration < 0.05


def test_a_gap_is_told() -> None:
    """The first frame after a pause says how long it was, up to a second; the next says nothing."""
    features = FrameFeatures()
    assert describe(features, speech_like(20))[0].row[GAP] == pytest.approx(1.0)
    for _ in range(10):
        features.skip()
    first, second = describe(features, speech_like(40))
    assert first.row[GAP] == pytest.approx(0.2)
    assert second.row[GAP] == 0.0


def test_a_skipped_frame_is_the_past_of_the_next() -> None:
    """The window reaches into a frame that was settled without it, and into silence for none."""
    samples = speech_like(60, seed=5)
    whole, skipping, holed = FrameFeatures(), FrameFeatures(), FrameFeatures()
    expected = describe(whole, samples)[-1]
    skipping.skip(samples[160:320])
    holed.skip()
    got = describe(skipping, samples[320:480])[0]
    assert got.row[SHAPE] == pytest.approx(expected.row[SHAPE])
    assert describe(holed, samples[320:480])[0].row[SHAPE] != pytest.approx(expected.row[SHAPE])
