"""What a phone line does to audio: companding, GSM, loss, a band of its own.

Invariant: length in is length out.
"""

from __future__ import annotations

__all__ = ["CODECS", "apply_codec", "apply_loss", "limit_band"]

import io

import numpy as np

from .signals import FRAME_SAMPLES, RATE_HZ, Audio, Rng, shape_spectrum
from .sound_files import soundfile_module

CODECS = ("linear", "mulaw", "alaw", "gsm")
"""What a line may code its audio with; linear leaves it as it is."""

_MEAN_BURST = 1.6
"""Mean length of the bursts below, in packets."""
_BURSTS = (1, 1, 1, 2, 3)
_REPEAT_GAIN = 0.7
"""What is left of a packet each time it is repeated; G.711 Appendix I fades as fast."""


def apply_codec(signal: Audio, codec: str) -> Audio:
    """Pass a signal through one of :data:`CODECS`.

    Raises:
        ModuleNotFoundError: for ``gsm``, where soundfile is not installed.
    """
    if codec == "linear":
        return np.asarray(np.round(signal * 32768) / 32768, np.float32)
    if codec == "gsm":
        return _gsm(signal)
    return _mulaw(signal) if codec == "mulaw" else _alaw(signal)


def _mulaw(signal: Audio) -> Audio:
    """Quantise with the continuous mu-law of ITU-T G.711, 8 bits."""
    x = np.clip(signal, -1.0, 1.0)
    y = np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256)
    y = np.round(y * 127.0) / 127.0
    return np.asarray(np.sign(y) * (256 ** np.abs(y) - 1) / 255, np.float32)


def _alaw(signal: Audio) -> Audio:
    """Quantise with the continuous A-law of ITU-T G.711, 8 bits."""
    x = np.clip(signal, -1.0, 1.0)
    a = 87.6
    knee = 1 + np.log(a)
    is_small = np.abs(x) < 1 / a
    curve = np.where(is_small, a * np.abs(x), 1 + np.log(np.maximum(a * np.abs(x), 1e-9)))
    y = np.sign(x) * curve / knee
    y = (np.floor(np.abs(y) * 128.0).clip(0, 127) + 0.5) / 128.0 * np.sign(y)
    z = np.abs(y) * knee
    return np.asarray(np.sign(y) * np.where(z < 1, z / a, np.exp(z - 1) / a), np.float32)


def _gsm(signal: Audio) -> Audio:
    """Pass through GSM 06.10 full rate."""
    soundfile = soundfile_module()
    store = io.BytesIO()
    soundfile.write(store, np.clip(signal, -1, 0.999), RATE_HZ, format="WAV", subtype="GSM610")
    store.seek(0)
    decoded, _ = soundfile.read(store, dtype="float32")
    out = np.zeros(len(signal), np.float32)
    count = min(len(out), len(decoded))
    out[:count] = decoded[:count]
    return out


def apply_loss(signal: Audio, rng: Rng, *, probability: float, mode: str) -> Audio:
    """Lose 20 ms packets, in bursts of one to three.

    Args:
        signal: What was sent.
        rng: Decides which packets are lost.
        probability: Share of the packets that is lost, about.
        mode: ``zeros`` leaves silence; ``repeat`` conceals by repeating what was last heard.
    """
    out = signal.copy()
    frames = len(signal) // FRAME_SAMPLES
    lost = rng.random(frames) < probability / _MEAN_BURST
    gain = 0.0 if mode == "zeros" else _REPEAT_GAIN
    for index in np.flatnonzero(lost):
        for burst in range(int(rng.choice(_BURSTS))):
            at = (index + burst) * FRAME_SAMPLES
            if at < FRAME_SAMPLES or at + FRAME_SAMPLES > len(out):
                continue
            out[at : at + FRAME_SAMPLES] = gain * out[at - FRAME_SAMPLES : at]
    return out


def limit_band(signal: Audio, rng: Rng) -> Audio:
    """Band-limit and tilt like some telephone."""
    low_hz, high_hz = rng.uniform(80, 380), rng.uniform(3000, 3900)
    tilt_db = rng.uniform(-8, 8)
    points_hz = [1, low_hz * 0.6, low_hz, 1000, high_hz, 4000]
    gains_db = [-40, -14, -tilt_db * 0.5, rng.uniform(-3, 3), tilt_db * 0.5, -30]
    return shape_spectrum(signal, points_hz, gains_db)
