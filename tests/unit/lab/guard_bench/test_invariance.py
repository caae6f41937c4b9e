"""How often the guard decides otherwise of the same line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from support.signals import silence, speech_like, tone, white_noise
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.audio_guard import GuardVerdict
from voxgate.core.config import GatingConfig
from voxgate.core.levels import peak, rms
from voxgate.lab.guard_bench import invariance as module
from voxgate.lab.guard_bench.cells import Cell
from voxgate.lab.guard_bench.invariance import (
    VARIANTS,
    Flips,
    Variant,
    VariantGroup,
    compare,
    count_flips,
    measure_invariance,
    with_headroom,
)
from voxgate.lab.guard_bench.measure import GuardBenchPlan
from voxgate.lab.guard_bench.watched_line import WatchedFrame
from voxgate.lab.guard_scenes import GuardScene

PLAN = GuardBenchPlan(bank=Path("none"), split="all", scenes=2, seed=1, config=GatingConfig())
WORDS = Cell(kind="none", snr_db=30.0)
NOISE = Cell(kind="steady")
_CHUNKS = ("chunks of 10 ms", "chunks of 20.125 ms")
PLAIN = Variant(name="plain", group=VariantGroup.SHIFT)


def flags(text: str) -> np.ndarray:
    """Return decisions drawn as dots and bars."""
    return np.array([mark == "|" for mark in text], bool)


def frame(verdict: GuardVerdict) -> WatchedFrame:
    return WatchedFrame(
        verdict=verdict,
        level=0.0,
        noise_floor=1.0,
        effective_threshold=4.0,
        music_mode=False,
        logit=None,
        evidence_sum=None,
    )


# -- what a flip is --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("...|||...", "...|||...", (0, 0)),
        ("...|||...", "..||||...", (1, 1)),  # begins a frame earlier
        ("...|||...", "....||...", (1, 1)),
        ("...|||...", "...||||..", (1, 1)),
        ("...|||...", "..|||....", (2, 2)),  # all of it a frame earlier
        ("...|||...", ".|||||...", (2, 0)),  # two frames are no edge
        ("...|||...", ".........", (3, 0)),
        ("...|.....", ".........", (1, 0)),  # a run of its own
        ("||||||", "||.|||", (1, 0)),  # a hole
        ("....", "...|", (1, 0)),  # what follows is not known: no edge
        ("|...", "....", (1, 0)),  # nor what was before
        ("|", ".", (1, 0)),
        ("", "", (0, 0)),
    ],
)
def test_flips_and_edges(before, after, expected) -> None:
    """A run that begins or ends a frame earlier or later is an edge; everything else is not."""
    assert count_flips(flags(before), flags(after)) == expected


def test_what_goes_out_and_what_is_speech_are_told_apart() -> None:
    """Speech that becomes its hangover still goes out; noise that becomes music never did."""
    speech, hangover = frame(GuardVerdict.SPEECH), frame(GuardVerdict.HANGOVER)
    noise, music = frame(GuardVerdict.NOISE), frame(GuardVerdict.MUSIC)
    flips = compare([speech, speech, noise, noise], [speech, hangover, music, hangover], PLAIN)
    assert flips == Flips(slots=4, forwarded=1, forwarded_edges=0, speech=1, speech_edges=1)


def test_slots_are_compared_with_the_nearest_in_time() -> None:
    """Up to half a frame the same slot, beyond it the next; what is heard of neither is left."""
    first, second = frame(GuardVerdict.NOISE), frame(GuardVerdict.SPEECH)
    for shift, expected in ((0, 0), (1, 0), (80, 0), (81, 1), (159, 1)):
        variant = Variant(name="", group=VariantGroup.SHIFT, shift_samples=shift)
        assert variant.slots_later == expected
        heard = [first, second][expected:]
        assert compare([first, second], heard, variant) == Flips(slots=2 - expected)


# -- what is heard again ---------------------------------------------------------------------------


def test_variants_are_told_apart_by_name() -> None:
    """And each group has some."""
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS)
    assert {variant.group for variant in VARIANTS} == set(VariantGroup)


@pytest.mark.parametrize("gain_db", [-6.0, 3.0])
def test_gain(gain_db) -> None:
    """The level moves by as much."""
    samples = white_noise(200, level_dbfs=-30.0)
    heard = Variant(name="", group=VariantGroup.GAIN, gain_db=gain_db).apply(samples)
    assert heard.dtype == np.int16
    assert 20 * np.log10(rms(heard) / rms(samples)) == pytest.approx(gain_db, abs=0.02)


def test_shift() -> None:
    """Frames begin later: the first samples are left out."""
    samples = white_noise(100)
    variant = Variant(name="", group=VariantGroup.FEW_SAMPLES, shift_samples=3)
    assert np.array_equal(variant.apply(samples), samples[3:])


def test_other_rates_hold_the_same_sound() -> None:
    """A tone at 16 kHz has twice the samples and the same level; mu-law is left to the line."""
    samples = tone(400, 600.0)
    wide = Variant(name="", group=VariantGroup.FORMAT, line_format=AudioFormat(rate_hz=16_000))
    assert len(wide.apply(samples)) == 2 * len(samples)
    assert rms(wide.apply(samples)[800:]) == pytest.approx(rms(samples), rel=0.01)
    mulaw = Variant(name="", group=VariantGroup.FORMAT, line_format=AudioFormat(Encoding.MULAW))
    assert np.array_equal(mulaw.apply(samples), samples)


def test_headroom_for_the_largest_gain() -> None:
    """A loud line is made softer so that 6 dB more do not clip; others stay as they are."""
    loud = tone(100, 500.0, level_dbfs=-4.0)
    room = with_headroom(loud)
    assert peak(room) * 10 ** (6 / 20) == pytest.approx(32767, rel=1e-3)
    for variant in VARIANTS:
        assert peak(variant.apply(room)) < 32767.5
    soft = tone(100, 500.0, level_dbfs=-20.0)
    assert with_headroom(soft) is soft
    assert len(with_headroom(silence(0))) == 0


# -- the measurement -------------------------------------------------------------------------------


def scene(samples: np.ndarray) -> GuardScene:
    frames = len(samples) // 160
    return GuardScene(
        capture=samples,
        labels=np.zeros(frames, np.int8),
        caller_speech=(),
        is_asked=np.ones(frames, bool),
    )


@pytest.fixture
def _scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace cells, bank and scenes by two made here."""
    words = np.concatenate([silence(1000), speech_like(800, seed=1), silence(1400)])
    made = {WORDS.name: scene(words), NOISE.name: scene(white_noise(2000, level_dbfs=-40.0))}
    monkeypatch.setattr(module, "CELLS", (WORDS, NOISE))
    monkeypatch.setattr(module, "_bank_at", lambda folder: None)
    monkeypatch.setattr(
        module, "draw_cell_scene", lambda bank, cell, seed, split, duration_s: made[cell.name]
    )


@pytest.mark.usefixtures("_scenes")
def test_a_cell_is_heard_again_in_every_way() -> None:
    """All slots of all scenes are compared, and other chunks flip nothing."""
    variants = [of for of in VARIANTS if of.name in ("gain -6 dB", *_CHUNKS)]
    words, noise = measure_invariance(PLAN, jobs=1, variants=variants)
    assert (words.cell, noise.cell) == (WORDS, NOISE)
    assert words.scenes == 2
    assert set(words.flips) == {variant.name for variant in variants}
    assert words.flips["gain -6 dB"].slots == 2 * 160
    assert {words.flips[name].slots for name in _CHUNKS} == {2 * 160}
    assert all(words.flips[name] == Flips(slots=2 * 160) for name in _CHUNKS)


@pytest.mark.usefixtures("_scenes")
def test_a_guard_that_hears_levels_alone_flips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise decided by its absolute level is otherwise 6 dB louder: the measure sees it."""

    def judge(samples, config, **_options):
        passes = rms(samples[:160]) > 400.0
        return [frame(GuardVerdict.SPEECH if passes else GuardVerdict.NOISE)] * 100

    monkeypatch.setattr(module, "watch_line", judge)
    gains = [variant for variant in VARIANTS if variant.group is VariantGroup.GAIN]
    *_, noise = measure_invariance(PLAN, jobs=1, variants=gains)
    assert {name: flips.forwarded for name, flips in noise.flips.items()} == {
        "gain -6 dB": 0,
        "gain -3 dB": 0,
        "gain +3 dB": 200,
        "gain +6 dB": 200,
    }
