"""What a phone line does to audio."""

from __future__ import annotations

import numpy as np
import pytest

from voxgate.lab.scenarios.line import apply_codec, apply_loss, limit_band
from voxgate.lab.scenarios.signals import Audio


@pytest.fixture
def speech() -> Audio:
    return np.asarray(0.2 * np.sin(2 * np.pi * 300 * np.arange(8000) / 8000), np.float32)


@pytest.mark.parametrize("codec", ["linear", "mulaw", "alaw", "gsm"])
def test_a_codec_adds_a_little_noise_and_no_length(codec: str, speech: Audio) -> None:
    """10 dB of signal to noise at the least; G.711 has some 35 dB."""
    if codec == "gsm":
        pytest.importorskip("soundfile")
    heard = apply_codec(speech, codec)
    assert len(heard) == len(speech)
    noise = np.mean((heard - speech)[400:-400] ** 2)
    least_db = {"linear": 70, "mulaw": 30, "alaw": 30, "gsm": 10}[codec]
    assert 10 * np.log10(np.mean(speech**2) / (noise + 1e-12)) > least_db


@pytest.mark.parametrize("mode", ["zeros", "repeat"])
def test_lost_packets_are_concealed_or_silent(mode: str) -> None:
    """About the share asked for changes, in whole packets; the first packet is never lost."""
    sent = np.ones(200 * 160)
    heard = apply_loss(sent, np.random.default_rng(1), probability=0.2, mode=mode)
    packets = heard.reshape(-1, 160)
    lost = np.flatnonzero(packets[:, 0] < 1.0)
    assert 0.1 < len(lost) / len(packets) < 0.35
    assert lost[0] > 0
    assert np.all(packets[lost].max(axis=1) == packets[lost].min(axis=1))
    assert np.all(packets[lost] == 0.0) if mode == "zeros" else np.all(packets[lost] > 0.0)
    assert np.all(sent == 1.0)


def test_without_loss_nothing_changes(speech: Audio) -> None:
    """A probability of zero loses nothing."""
    heard = apply_loss(speech, np.random.default_rng(1), probability=0.0, mode="zeros")
    assert np.array_equal(heard, speech)


def test_a_telephones_band_ends_before_4_khz(speech: Audio) -> None:
    """3.98 kHz is gone by more than 15 dB relative to 1 kHz, on any telephone."""
    t_s = np.arange(8000) / 8000
    both = np.sin(2 * np.pi * 1000 * t_s) + np.sin(2 * np.pi * 3980 * t_s)
    for seed in range(5):
        power = np.abs(np.fft.rfft(limit_band(both, np.random.default_rng(seed)))) ** 2
        assert power[1000] > 30 * power[3980]
