"""The noise floor by minimum statistics."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import at_level, frames_of, silence, speech_like, white_noise
from voxgate.core.levels import rms
from voxgate.core.noise_floor import NoiseFloor
from voxgate.core.units import dbfs_to_rms, rms_to_dbfs


def levels(samples: np.ndarray) -> list[float]:
    return [rms(np.frombuffer(frame, "<i2")) for frame in frames_of(samples)]


def noise(duration_ms: float, level: float, *, seed: int = 0) -> list[float]:
    """Return the frame levels of steady noise of an RMS."""
    return levels(white_noise(duration_ms, level_dbfs=rms_to_dbfs(level), seed=seed))


def coloured(kind: str, duration_ms: float, level_dbfs: float, *, seed: int = 0) -> list[float]:
    """Return the frame levels of noise whose power falls with frequency, or of mains hum."""
    samples = int(duration_ms * 8)
    if kind == "hum":
        t_s = np.arange(samples) / 8000
        wave = sum(np.sin(2 * np.pi * 50.0 * n * t_s + n) / n for n in (1, 2, 3, 5, 7))
        return levels(at_level(np.asarray(wave), level_dbfs))
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(samples))
    frequency_hz = np.maximum(np.fft.rfftfreq(samples, 1 / 8000), 60.0)
    spectrum /= frequency_hz ** {"white": 0.0, "pink": 0.5, "brown": 1.0}[kind]
    return levels(at_level(np.fft.irfft(spectrum, samples), level_dbfs))


def fluent(duration_ms: int, *, seed: int = 0) -> list[float]:
    """Return the frame levels of one who hardly pauses: over a line of -60 dBFS syllables at -22,
    a closure of 80 ms every 0.5 to 0.9 s, and a breath of 200 ms every fourth of them."""
    generator = np.random.default_rng(seed)
    parts: list[np.ndarray] = []
    while sum(map(len, parts)) < 8 * duration_ms:
        number = len(parts) // 2
        parts.append(speech_like(generator.uniform(500, 900), seed=100 * seed + number))
        parts.append(silence(200 if number % 4 == 3 else 80))
    words = np.concatenate(parts)[: 8 * duration_ms]
    return levels(words + white_noise(duration_ms, level_dbfs=-60.0, seed=seed))


def follow(floor: NoiseFloor, frame_levels: list[float]) -> list[float]:
    """Return the floor after each frame."""
    return [floor.update(level) or floor.rms for level in frame_levels]


def test_it_starts_where_it_is_told() -> None:
    """Before the first frame the floor is the configured one."""
    assert NoiseFloor(20.0).rms == 20.0


@pytest.mark.parametrize("seed", range(3))
def test_steady_noise_is_followed_up_within_two_seconds(seed) -> None:
    """RMS 300 from a floor of 20: no level condition keeps it from being learnt."""
    floors = follow(NoiseFloor(20.0), noise(10_000, 300.0, seed=seed))
    assert floors[99] == pytest.approx(300.0, rel=0.15)
    assert min(floors[99:]) > 250.0
    assert max(floors) < 350.0


def test_it_is_followed_up_over_30_db_as_well() -> None:
    """The size of the step does not matter."""
    assert follow(NoiseFloor(20.0), noise(2000, 5000.0))[-1] == pytest.approx(5000.0, rel=0.15)


def test_a_fall_is_followed_at_once() -> None:
    """When noise ends, half a second later the floor is near the new level."""
    floor = NoiseFloor(20.0)
    follow(floor, noise(3000, 300.0))
    assert follow(floor, noise(600, 30.0, seed=1))[-1] < 60.0


def test_speech_does_not_raise_it() -> None:
    """Talking with the usual pauses over quiet noise leaves the floor at the noise."""
    floor = NoiseFloor(20.0)
    hum = noise(20_000, 30.0)
    for number, level in enumerate(levels(speech_like(20_000, level_dbfs=-20.0))):
        is_pause = number % 60 >= 50  # 200 ms after each second of speech
        floor.update(hum[number] if is_pause else level)
        assert floor.rms < 90.0


def test_digital_silence_has_a_floor_of_one() -> None:
    """The floor is never zero, so that thresholds above it are none either."""
    assert follow(NoiseFloor(20.0), [0.0] * 200)[-1] == 1.0


def test_one_quiet_frame_is_forgotten_again() -> None:
    """A dropout lowers the floor for its window only."""
    floor = NoiseFloor(20.0)
    follow(floor, noise(3000, 300.0))
    follow(floor, [0.0] * 10)
    assert floor.rms < 100.0
    assert follow(floor, noise(2500, 300.0, seed=2))[-1] == pytest.approx(300.0, rel=0.15)


def test_a_rise_in_mid_call_is_followed_within_two_seconds() -> None:
    """Noise that grows by 20 dB is known 2 s later, and its end at once."""
    floor = NoiseFloor(20.0)
    follow(floor, noise(10_000, 30.0))
    assert follow(floor, noise(2000, 300.0, seed=1))[-1] == pytest.approx(300.0, rel=0.15)
    assert follow(floor, noise(600, 30.0, seed=2))[-1] < 60.0


@pytest.mark.parametrize("seed", range(4))
def test_speech_without_a_pause_does_not_raise_it(seed) -> None:
    """4 s of syllables on a quiet line: what is not steady has 5 s to show the noise below it."""
    floor = NoiseFloor(20.0)
    follow(floor, noise(6000, 20.0))
    floors = follow(floor, levels(speech_like(4000, level_dbfs=-20.0, seed=seed)))
    assert max(floors) < 25.0


def test_noise_that_begins_under_speech_is_followed_all_the_same() -> None:
    """Unsteady as the sum is, its lowest level in 6 s is the noise."""
    floor = NoiseFloor(20.0)
    words = levels(speech_like(6000, level_dbfs=-20.0))
    hum = noise(6000, 200.0)
    for number, level in enumerate(words):
        is_pause = number % 60 >= 50
        floor.update(hum[number] if is_pause else level)
    assert floor.rms == pytest.approx(200.0, rel=0.2)


@pytest.mark.parametrize("kind", ["white", "pink", "brown", "hum"])
@pytest.mark.parametrize("level_dbfs", [-60.0, -50.0, -40.0, -30.0])
@pytest.mark.parametrize("seed", range(2))
def test_every_steady_noise_is_followed_up_and_down(kind, level_dbfs, seed) -> None:
    """From a quiet line up within 2 s, as far as noise then is hard silence, and down in 200 ms."""
    floor, level = NoiseFloor(20.0), dbfs_to_rms(level_dbfs)
    follow(floor, noise(3000, 10.0, seed=seed))
    floors = follow(floor, coloured(kind, 6000, level_dbfs, seed=seed + 10))
    assert min(floors[99:]) > 0.5 * level
    assert max(floors) < 1.3 * level
    assert follow(floor, noise(200, 10.0, seed=seed + 20))[-1] < 20.0


@pytest.mark.parametrize("seed", range(3))
def test_twenty_seconds_of_fluent_speech_do_not_teach_it(seed) -> None:
    """A floor that speech raised would make silence of its soft parts: it stays at the noise."""
    floors = follow(NoiseFloor(20.0), fluent(20_000, seed=seed))
    assert max(floors) < 4.0 * dbfs_to_rms(-60.0)


# -- the first 200 ms ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_a_caller_who_speaks_at_once_is_not_the_noise(seed) -> None:
    """The first sound of a call raises nothing: the floor begins where it was told to."""
    assert max(follow(NoiseFloor(20.0), fluent(3000, seed=seed))) <= 40.0
    assert max(follow(NoiseFloor(20.0), levels(speech_like(200, seed=seed)))) == 20.0


@pytest.mark.parametrize("level_dbfs", [-60.0, -45.0, -30.0])
def test_noise_that_is_there_at_once_is_known_in_two_seconds(level_dbfs) -> None:
    """Till then the floor stands where it began, and never beside itself."""
    floors = follow(NoiseFloor(20.0), coloured("pink", 3000, level_dbfs))
    assert floors[9] <= 20.0
    assert floors[99] == pytest.approx(dbfs_to_rms(level_dbfs), rel=0.2)


def test_comfort_noise_that_begins_late_is_followed_from_nothing() -> None:
    """After 3 s of digital silence the floor is one, and 2 s later that of the noise."""
    floor = NoiseFloor(20.0)
    assert follow(floor, [0.0] * 150)[-1] == 1.0
    floors = follow(floor, noise(4000, 40.0, seed=1))
    assert floors[9] == 1.0
    assert floors[99] == pytest.approx(40.0, rel=0.15)
