"""Reads sound files of any usual kind as mono at 8 kHz.

16-bit WAV is read by the evaluation's own reader; everything else needs soundfile, of the ``bench``
extra. Invariant: what is no sound is None, not an exception.
"""

from __future__ import annotations

__all__ = ["SOUND_SUFFIXES", "read_sound", "resample_to_8_khz", "soundfile_module", "write_wav"]

import wave
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np

from ...core.wav import parse_wav
from .signals import RATE_HZ, Audio

SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".gsm")
"""File name endings that are read as sound; GSM is the headerless kind of telephone prompts."""
_HEADERLESS = {
    ".gsm": {"format": "RAW", "subtype": "GSM610", "samplerate": RATE_HZ, "channels": 1},
}


def soundfile_module() -> ModuleType:
    """Return soundfile.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    return import_module("soundfile")


def read_sound(path: Path, max_s: float) -> Audio | None:
    """Read a file as float64 [shape=(n,), mono, 8 kHz], at most ``max_s`` long.

    Returns:
        The audio; channels are averaged. None if the file is no sound that can be read.

    Raises:
        ModuleNotFoundError: it is no plain WAV, and soundfile is not installed.
    """
    if path.suffix.lower() == ".wav":
        try:
            wav = parse_wav(path.read_bytes())
        except (OSError, ValueError):
            pass  # another kind of WAV, perhaps
        else:
            samples = np.frombuffer(wav.audio, "<i2") / 32768.0
            rate_hz = wav.audio_format.rate_hz
            return resample_to_8_khz(samples[: int(max_s * rate_hz)], rate_hz)
    return _read_with_soundfile(path, max_s)


def _read_with_soundfile(path: Path, max_s: float) -> Audio | None:
    soundfile = soundfile_module()
    try:
        with soundfile.SoundFile(str(path), **_HEADERLESS.get(path.suffix.lower(), {})) as sound:
            audio = sound.read(int(max_s * sound.samplerate), always_2d=True).mean(axis=1)
            return resample_to_8_khz(audio, sound.samplerate)
    except RuntimeError:  # soundfile's own error is one
        return None


def resample_to_8_khz(audio: Audio, rate_hz: int) -> Audio:
    """Resample a whole recording by cutting its spectrum: offline, at zero phase."""
    if rate_hz == RATE_HZ or len(audio) == 0:
        return audio
    count = max(1, round(len(audio) * RATE_HZ / rate_hz))
    spectrum = np.fft.rfft(audio)
    keep = min(len(spectrum), count // 2 + 1)
    out = np.zeros(count // 2 + 1, complex)
    out[:keep] = spectrum[:keep]
    return np.asarray(np.fft.irfft(out, count) * (count / len(audio)))


def write_wav(path: Path, audio: Audio) -> None:
    """Write float audio as a mono 16-bit WAV at 8 kHz; what does not fit is clipped."""
    pcm = np.clip(np.round(audio * 32768), -32768, 32767).astype("<i2")
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE_HZ)
        wav.writeframes(pcm.tobytes())
