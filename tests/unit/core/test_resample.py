"""Steady streaming sample-rate conversion."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from support.signals import tone, white_noise
from voxgate.core.levels import rms
from voxgate.core.resample import Resampler
from voxgate.core.units import ratio_to_db

RATES_HZ = (8000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000)
PAIRS = list(permutations(RATES_HZ, 2))
COMMON_PAIRS = [(8000, 24_000), (24_000, 8000), (8000, 16_000), (16_000, 8000), (44_100, 8000)]


def in_chunks(resampler: Resampler, samples: NDArray[np.int16], chunk: int) -> NDArray[np.int16]:
    """Return what the resampler makes of the samples, fed in chunks of one size."""
    chunks = [samples[at : at + chunk] for at in range(0, len(samples), chunk)]
    return np.concatenate([resampler.process(part) for part in chunks])


def tone_gain_db(from_hz: int, to_hz: int, frequency_hz: float) -> float:
    """Return output over input level of a tone, after the filter has settled."""
    sound = tone(200, frequency_hz, level_dbfs=-10.0, rate_hz=from_hz)
    out = Resampler(from_hz, to_hz).process(sound)
    return ratio_to_db(rms(out[len(out) // 4 :]) / rms(sound))


@pytest.mark.parametrize(("from_hz", "to_hz"), PAIRS)
def test_each_20_ms_in_is_20_ms_out(from_hz, to_hz) -> None:
    """No chunk is late, early, longer or shorter than another, from the first one on."""
    resampler = Resampler(from_hz, to_hz)
    frame = white_noise(20, rate_hz=from_hz)
    assert [len(resampler.process(frame)) for _ in range(12)] == [to_hz // 50] * 12


@pytest.mark.parametrize(("from_hz", "to_hz"), PAIRS)
def test_tone_keeps_frequency_level_and_phase(from_hz, to_hz) -> None:
    """A tone comes out as the same tone, later by the stated delay, with over 50 dB SNR."""
    sound = tone(300, 1000, level_dbfs=-6.0, rate_hz=from_hz)
    resampler = Resampler(from_hz, to_hz)
    out = in_chunks(resampler, sound, from_hz // 50).astype(np.float64)
    when_s = (np.arange(len(out)) - resampler.delay_samples) / to_hz
    expected = 32768 * 10 ** (-6 / 20) * np.sqrt(2) * np.sin(2 * np.pi * 1000 * when_s)
    settled = slice(len(out) // 3, None)
    assert ratio_to_db(rms(expected[settled]) / rms(out[settled] - expected[settled])) > 50


@pytest.mark.parametrize(("from_hz", "to_hz"), PAIRS)
def test_passband_is_flat_to_nine_tenths_of_nyquist(from_hz, to_hz) -> None:
    """Telephone speech loses nothing up to 0.9 of the lower Nyquist frequency."""
    nyquist_hz = min(from_hz, to_hz) / 2
    for part in (0.05, 0.5, 0.8, 0.9):
        assert tone_gain_db(from_hz, to_hz, part * nyquist_hz) == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize(("from_hz", "to_hz"), [pair for pair in PAIRS if pair[0] > pair[1]])
def test_what_would_alias_is_removed(from_hz, to_hz) -> None:
    """Sound above the new Nyquist frequency is 50 dB down instead of folded into the band."""
    for above in (1.005, 1.1):
        frequency_hz = above * to_hz / 2
        if frequency_hz < from_hz / 2:
            assert tone_gain_db(from_hz, to_hz, frequency_hz) < -50


@pytest.mark.parametrize(("from_hz", "to_hz"), [pair for pair in PAIRS if pair[0] < pair[1]])
def test_images_are_removed(from_hz, to_hz) -> None:
    """Upsampled sound has nothing above the old Nyquist frequency."""
    sound = white_noise(400, level_dbfs=-12.0, seed=1, rate_hz=from_hz)
    out = Resampler(from_hz, to_hz).process(sound).astype(np.float64)
    power = np.abs(np.fft.rfft(out * np.hanning(len(out)))) ** 2
    frequency_hz = np.fft.rfftfreq(len(out), 1 / to_hz)
    above = power[frequency_hz > 1.02 * from_hz / 2].mean()
    assert 10 * np.log10(above / power[frequency_hz < 0.85 * from_hz / 2].mean()) < -50


@given(
    st.sampled_from(COMMON_PAIRS),
    st.lists(st.integers(0, 700), max_size=12),
    st.integers(0, 3),
)
def test_chunking_does_not_show(pair, sizes, seed) -> None:
    """Any chunking of a stream gives bit for bit what the whole stream gives at once."""
    samples = white_noise(100, level_dbfs=-10.0, seed=seed, rate_hz=pair[0])
    cuts = [0, *np.minimum(np.cumsum(sizes, dtype=int), len(samples)), len(samples)]
    resampler = Resampler(*pair)
    streamed = [resampler.process(samples[start:end]) for start, end in pairwise(cuts)]
    assert np.array_equal(np.concatenate(streamed), Resampler(*pair).process(samples))


def test_samples_short_of_a_granule_wait() -> None:
    """What does not yet make a whole output waits, and is not lost."""
    resampler = Resampler(24_000, 8000)
    assert resampler.granule_samples == 3
    assert len(resampler.process(np.zeros(2, np.int16))) == 0
    assert len(resampler.process(np.zeros(1, np.int16))) == 1


@pytest.mark.parametrize(("from_hz", "to_hz"), PAIRS)
def test_constant_comes_out_as_the_same_constant(from_hz, to_hz) -> None:
    """The gain at 0 Hz is exactly 1 at every phase."""
    out = Resampler(from_hz, to_hz).process(np.full(from_hz // 10, 12_345, np.int16))
    assert np.all(out[len(out) // 2 :] == 12_345)


@pytest.mark.parametrize(("from_hz", "to_hz"), COMMON_PAIRS)
def test_overshoot_saturates(from_hz, to_hz) -> None:
    """A full-scale square wave overshoots in any filter; it is clipped, not wrapped."""
    half = np.full(from_hz // 400, 32767, np.int16)
    square = np.tile(np.concatenate([half, -half - 1]), 20)
    out = Resampler(from_hz, to_hz).process(square).astype(int)
    assert out.max() == 32767
    assert out.min() == -32768
    # Wrapped samples would stand as jumps of nearly the whole range within a half wave.
    delay = int(Resampler(from_hz, to_hz).delay_samples)
    per_half = to_hz // 400
    for start in range(delay + 4 * per_half, len(out) - per_half, 2 * per_half):
        assert out[start + per_half // 4 : start + 3 * per_half // 4].min() > 20_000


@pytest.mark.parametrize(("from_hz", "to_hz"), COMMON_PAIRS)
def test_output_is_rounded_to_the_nearest_step(from_hz, to_hz) -> None:
    """A tone of a few steps is off by rounding alone: twice 0.29 steps rms, and not by cutting."""
    sound = tone(400, 997, level_dbfs=-75.0, rate_hz=from_hz)
    resampler = Resampler(from_hz, to_hz)
    out = resampler.process(sound).astype(np.float64)
    when_s = (np.arange(len(out)) - resampler.delay_samples) / to_hz
    amplitude = 32768 * 10 ** (-75 / 20) * np.sqrt(2)
    error = out - amplitude * np.sin(2 * np.pi * 997 * when_s)
    assert rms(error[len(out) // 4 :]) < 0.5


def test_equal_rates_change_nothing() -> None:
    """The very same array comes back, without delay."""
    resampler = Resampler(8000, 8000)
    samples = white_noise(20)
    assert resampler.process(samples) is samples
    assert resampler.delay_samples == 0
    assert resampler.granule_samples == 1


def test_reset_forgets_the_stream() -> None:
    """After a reset the same input gives the same output as at first."""
    resampler = Resampler(24_000, 8000)
    samples = white_noise(21, rate_hz=24_000)[:-1]
    first = resampler.process(samples)
    resampler.reset()
    assert np.array_equal(resampler.process(samples), first)


def test_streams_do_not_share_state() -> None:
    """Two calls with the same rates do not hear each other."""
    loud, quiet = Resampler(8000, 24_000), Resampler(8000, 24_000)
    loud.process(white_noise(20, level_dbfs=-6.0))
    assert not quiet.process(np.zeros(160, np.int16)).any()


def test_delay_is_4_ms_at_8_khz() -> None:
    """The delay is stated in output samples: 32 at the lower rate."""
    assert Resampler(24_000, 8000).delay_samples == 32
    assert Resampler(8000, 24_000).delay_samples == 96
    assert Resampler(16_000, 24_000).from_hz == 16_000
    assert Resampler(16_000, 24_000).to_hz == 24_000


@pytest.mark.parametrize(("from_hz", "to_hz"), [(8000, 11_025), (0, 8000)])
def test_unknown_rate_is_refused(from_hz, to_hz) -> None:
    """A rate that no line has is an error that names it."""
    with pytest.raises(ValueError, match="rate_hz: "):
        Resampler(from_hz, to_hz)


def test_samples_of_another_type_are_refused() -> None:
    """Floats at a scale of 1 would become silence, so they are an error."""
    with pytest.raises(TypeError, match="dtype is float64"):
        Resampler(8000, 16_000).process(np.zeros(160))
