"""Cutting recordings of a voice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from voxgate.lab.scenarios.signals import RATE_HZ, Audio
from voxgate.lab.voice_clips import cut_voice, trim_silence


def speech(seconds: float, *, peak: float = 0.3) -> Audio:
    """A tone that swells and fades as syllables do."""
    at = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    envelope = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * at)
    return np.asarray(peak * envelope * np.sin(2 * np.pi * 440 * at))


def pause(seconds: float) -> Audio:
    return np.zeros(int(seconds * RATE_HZ))


def seconds_of(clips: list[Audio]) -> list[float]:
    return [len(clip) / RATE_HZ for clip in clips]


def test_silence_around_speech_goes() -> None:
    """But for 50 ms on either side; a pause within stays."""
    audio = np.concatenate([pause(1.0), speech(0.5), pause(0.5), speech(0.5), pause(2.0)])
    trimmed = trim_silence(audio)
    assert trimmed is not None
    assert len(trimmed) / RATE_HZ == pytest.approx(1.6, abs=0.03)


def test_noise_around_speech_goes_too() -> None:
    """A recording in a loud room has no silence, only what is weaker than the voice."""
    rng = np.random.default_rng(1)
    noise = 0.01 * rng.standard_normal(4 * RATE_HZ)
    noise[RATE_HZ : 2 * RATE_HZ] += speech(1.0)
    trimmed = trim_silence(noise)
    assert trimmed is not None
    assert len(trimmed) / RATE_HZ == pytest.approx(1.1, abs=0.1)


@pytest.mark.parametrize("audio", [np.zeros(0), pause(1.0), np.full(8000, 0.2), speech(0.05)])
def test_what_holds_no_speech_is_none(audio: Audio) -> None:
    """Nothing, silence, an offset, a click."""
    assert trim_silence(audio) is None


def test_letters_are_joined_to_clips_of_two_seconds() -> None:
    """With a short gap between them; the rest is a clip if it is not too short."""
    clips = list(cut_voice([speech(0.5) for _ in range(6)], 60.0))
    assert seconds_of(clips) == pytest.approx([2.24, 1.08], abs=0.1)
    assert list(cut_voice([speech(0.2)], 60.0)) == []


def test_a_long_reading_is_cut_where_it_pauses() -> None:
    """Between 4 and 8 s, and nothing of it is lost but the silence."""
    sentences = [np.concatenate([speech(length), pause(0.4)]) for length in (5.0, 6.0, 5.5, 3.0)]
    clips = list(cut_voice([np.concatenate(sentences)], 60.0))
    assert seconds_of(clips) == pytest.approx([5.1, 6.1, 5.6, 3.1], abs=0.1)


def test_a_long_silence_is_no_clip() -> None:
    """Nor is a recording of nothing but that."""
    reading = np.concatenate([speech(7.9), pause(8.5), speech(2.0)])
    clips = list(cut_voice([pause(3.0), reading, pause(3.0)], 60.0))
    assert 2 <= len(clips) <= 3
    assert sum(seconds_of(clips)) == pytest.approx(9.9, abs=0.4)


def test_loud_and_quiet_recordings_come_out_alike() -> None:
    """All clips have one peak, joined or not."""
    clips = list(cut_voice([speech(1.5, peak=0.9), speech(1.5, peak=0.01), speech(0.6)], 60.0))
    assert [float(np.max(np.abs(clip))) for clip in clips] == pytest.approx([0.7] * 3)


def test_there_is_an_end_to_a_voice() -> None:
    """A package with hours of one voice must not drown the others; no more is read than needed."""
    read: list[int] = []

    def recordings() -> Iterator[Audio]:
        for n in range(100):
            read.append(n)
            yield speech(2.0)

    clips = list(cut_voice(recordings(), 10.0))
    assert 10.0 <= sum(seconds_of(clips)) < 12.2
    assert len(read) == len(clips)
