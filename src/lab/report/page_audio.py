"""The sound of a call as a page carries it: WAV files within a bound on its size.

Invariant: the files of one call are of one length and rate, so that a time in one is the same time
in the other.
"""

from __future__ import annotations

__all__ = ["MAX_AUDIO_BYTES", "PageAudio", "has_room_for_provider", "page_audio"]

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...core.audio import G711_RATE_HZ, AudioFormat, Encoding
from ...core.g711 import encode
from ...core.resample import Resampler
from ...recordings import CallTracks
from ...recordings.wav_head import wav_head

MAX_AUDIO_BYTES = 24 * 1024 * 1024
"""All audio files of a page; base64 makes a third more of them. 8 kHz calls: 9 min as they are
recorded, 17 min as mu-law, 26 min without what the provider got, none beyond."""

_BLOCK_SAMPLES = 1 << 20

Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAudio:
    """WAV files for one page."""

    call: bytes
    """Stereo: far end on the left, capture on the right."""
    provider: bytes | None
    """Mono: what the provider was given; None where that is not known or too much."""
    rate_hz: int
    notes: tuple[str, ...] = ()
    """What is not as it was recorded, in sentences."""


def page_audio(tracks: CallTracks, provider: Samples | None) -> PageAudio | None:
    """Return the files that fit; None where the call is too long for any.

    Args:
        tracks: What was said and heard.
        provider: What the provider was given, aligned with it.
    """
    for attempt in _attempts(tracks.rate_hz, has_provider=provider is not None):
        if _fits(tracks, attempt):
            return _written(tracks, provider if attempt.has_provider else None, attempt)
    return None


def has_room_for_provider(tracks: CallTracks) -> bool:
    """Say whether what the provider was given would be among the files of a call."""
    attempts = _attempts(tracks.rate_hz, has_provider=True)
    return any(attempt.has_provider and _fits(tracks, attempt) for attempt in attempts)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One way to write a call's sound."""

    audio_format: AudioFormat
    has_provider: bool
    notes: tuple[str, ...] = ()


def _fits(tracks: CallTracks, attempt: _Attempt) -> bool:
    seconds = len(tracks.capture) / tracks.rate_hz
    width = attempt.audio_format.sample_bytes * (3 if attempt.has_provider else 2)
    return seconds * attempt.audio_format.rate_hz * width <= MAX_AUDIO_BYTES


def _attempts(rate_hz: int, *, has_provider: bool) -> Iterator[_Attempt]:
    """Yield the ways to write it, the best first."""
    yield _Attempt(AudioFormat(Encoding.PCM16, rate_hz), has_provider)
    note = "The call is long: its sound is mu-law at 8 kHz here."
    yield _Attempt(AudioFormat(Encoding.MULAW, G711_RATE_HZ), has_provider, (note,))
    if has_provider:
        yield _Attempt(AudioFormat(Encoding.MULAW, G711_RATE_HZ), has_provider=False, notes=(note,))


def _written(tracks: CallTracks, provider: Samples | None, attempt: _Attempt) -> PageAudio:
    audio_format = attempt.audio_format
    sides = [tracks.far_end, tracks.capture]
    return PageAudio(
        call=_wav(sides, tracks.rate_hz, audio_format),
        provider=None if provider is None else _wav([provider], tracks.rate_hz, audio_format),
        rate_hz=audio_format.rate_hz,
        notes=attempt.notes,
    )


def _wav(channels: list[Samples], rate_hz: int, audio_format: AudioFormat) -> bytes:
    """Return a WAV file of channels that are as long as each other."""
    sounds = [_at_rate(channel, rate_hz, audio_format.rate_hz) for channel in channels]
    audio = encode(np.ascontiguousarray(np.stack(sounds, axis=1)).reshape(-1), audio_format)
    head = wav_head(audio_format, n_channels=len(channels), n_bytes=len(audio))
    return head + audio


def _at_rate(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Return samples at another rate, without the converter's delay."""
    if from_hz == to_hz:
        return samples
    resampler = Resampler(from_hz, to_hz)
    delay = round(resampler.delay_samples)
    silence = np.zeros(from_hz // 10, np.int16)  # a whole number of granules, and past the delay
    whole = np.concatenate([samples, silence])
    blocks = [
        resampler.process(whole[at : at + _BLOCK_SAMPLES])
        for at in range(0, len(whole), _BLOCK_SAMPLES)
    ]
    n_samples = round(len(samples) * to_hz / from_hz)
    return np.concatenate(blocks)[delay : delay + n_samples]
