"""The spectrogram of a call's capture."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from matplotlib.image import imread

from support.signals import silence, tone
from voxgate.lab.report.spectrogram import spectrogram, spectrogram_png


def test_a_tone_is_a_line_at_its_frequency() -> None:
    """1 kHz is a quarter of the way up to 4 kHz, and silence is black."""
    samples = np.concatenate([tone(1000, 1000.0, level_dbfs=-45.0), silence(1000)])
    levels = spectrogram(samples, 8000)
    n_bins, n_columns = levels.shape
    sounding, silent = levels[:, : n_columns // 3], levels[:, -n_columns // 3 :]
    assert (sounding.argmax(axis=0) == (n_bins - 1) // 4).all()
    assert silent.max() == 0
    assert 0 <= levels.min() <= levels.max() <= 1


def test_a_long_call_is_as_wide_as_a_page_can_show() -> None:
    """The picture does not grow with the call."""
    assert spectrogram(silence(200_000), 8000).shape[1] == 2400
    assert spectrogram(silence(200_000), 8000, max_columns=100).shape[1] == 100


def test_a_call_without_sound_has_one_too() -> None:
    """One column of silence."""
    assert spectrogram(silence(0), 16_000).shape == (257, 1)


def test_low_frequencies_are_at_the_bottom_of_the_picture() -> None:
    """As every spectrogram has them."""
    png = spectrogram_png(tone(1000, 500.0, level_dbfs=-10.0), 8000)
    brightness = imread(BytesIO(png), format="png")[..., :3].sum(axis=(1, 2))
    assert brightness.argmax() > len(brightness) // 2
