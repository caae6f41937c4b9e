"""The sound of a call within a page's bound."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from support.signals import tone
from voxgate.core.g711 import decode_mulaw
from voxgate.lab.report import page_audio as module
from voxgate.lab.report.page_audio import has_room_for_provider, page_audio
from voxgate.recordings import CallTracks


def tracks(rate_hz: int = 8000) -> CallTracks:
    far_end = tone(1000, 440.0, level_dbfs=-12.0, rate_hz=rate_hz)
    capture = tone(1000, 600.0, level_dbfs=-30.0, rate_hz=rate_hz)
    return CallTracks(far_end=far_end, capture=capture, rate_hz=rate_hz, origin_ms=0.0)


def fmt(wav: bytes) -> tuple[int, int, int]:
    """Return format tag, channels and rate."""
    assert wav[:4] == b"RIFF"
    assert struct.unpack("<I", wav[4:8])[0] == len(wav) - 8
    return struct.unpack("<HHI", wav[20:28])


def samples_of(wav: bytes) -> bytes:
    at = wav.index(b"data")
    return wav[at + 8 :]


def test_a_short_call_is_as_it_was_recorded() -> None:
    """Stereo, far end on the left; what the provider got beside it."""
    call = tracks()
    audio = page_audio(call, call.capture)
    assert audio is not None
    assert has_room_for_provider(call)
    assert fmt(audio.call) == (1, 2, 8000)
    both = np.frombuffer(samples_of(audio.call), "<i2").reshape(-1, 2)
    assert (both[:, 0] == call.far_end).all()
    assert (both[:, 1] == call.capture).all()
    assert audio.provider is not None
    assert fmt(audio.provider) == (1, 1, 8000)
    assert audio.notes == ()


def test_a_longer_one_is_mu_law_at_8_khz(monkeypatch: pytest.MonkeyPatch) -> None:
    """And says so; it is in step with what was recorded."""
    monkeypatch.setattr(module, "MAX_AUDIO_BYTES", 30_000)
    call = tracks(16_000)
    audio = page_audio(call, call.capture)
    assert audio is not None
    assert fmt(audio.call) == (7, 2, 8000)
    left = decode_mulaw(samples_of(audio.call)[::2]).astype(float)
    there = call.far_end[::2].astype(float)
    assert len(left) == len(there)
    middle = slice(500, 7500)
    assert np.corrcoef(left[middle], there[middle])[0, 1] > 0.999
    assert audio.provider is not None
    assert "mu-law" in audio.notes[0]


def test_then_the_providers_side_is_left_out_and_then_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bound is a bound."""
    call = tracks()
    monkeypatch.setattr(module, "MAX_AUDIO_BYTES", 20_000)
    audio = page_audio(call, call.capture)
    assert audio is not None
    assert audio.provider is None
    assert "mu-law" in audio.notes[0]
    assert not has_room_for_provider(call)
    monkeypatch.setattr(module, "MAX_AUDIO_BYTES", 10_000)
    assert page_audio(call, call.capture) is None
    assert page_audio(call, None) is None
