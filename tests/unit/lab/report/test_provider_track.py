"""What the provider was given, as sound beside the call."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support.taped_calls import (
    MULAW,
    START_MS,
    MemoryCall,
    Talk,
    eventful_call,
    reencoded,
    speech,
    taped_call,
)
from voxgate.core.g711 import decode
from voxgate.core.gate_tape import FrameCaptured
from voxgate.lab.report.provider_track import provider_track
from voxgate.recordings import CallTracks, RecordedDecision


def track(recorded: MemoryCall, *, rate_hz: int = 8000, n: int = 16_000) -> np.ndarray | None:
    tracks = CallTracks(
        far_end=np.zeros(n, np.int16),
        capture=np.zeros(n, np.int16),
        rate_hz=rate_hz,
        origin_ms=START_MS,
    )
    return provider_track(recorded, tracks)  # type: ignore[arg-type]


def asked(call: Talk) -> None:
    """A second of silence, and a second of the caller."""
    call.quiet(1000)
    call.play(speech(1000, seed=3))


def captured(recorded: MemoryCall) -> np.ndarray:
    frames = [each.given.audio for each in recorded.taped if isinstance(each.given, FrameCaptured)]
    return np.frombuffer(b"".join(frames), "<i2")


def test_what_went_out_lies_where_it_was_captured() -> None:
    """The caller's words, sample by sample, the first of them too, which were released later."""
    recorded = taped_call(asked)
    heard = track(recorded)
    assert heard is not None
    assert (heard[8000:] == captured(recorded)[8000:]).all()
    assert not heard[:8000].any()


def test_it_is_as_long_as_the_call_and_no_longer() -> None:
    """What does not fit on its axis is left out."""
    recorded = taped_call(asked)
    for n in (4000, 12_000, 20_000):
        heard = track(recorded, n=n)
        assert heard is not None
        assert len(heard) == n


def test_a_line_of_another_rate_is_brought_to_the_tracks() -> None:
    """As where the far end has more samples."""
    recorded = taped_call(
        lambda call: call.play(reencoded(speech(1000, seed=3), MULAW)), audio_format=MULAW
    )
    heard = track(recorded, rate_hz=16_000)
    assert heard is not None
    frames = [each.given.audio for each in recorded.taped if isinstance(each.given, FrameCaptured)]
    there = np.repeat(decode(b"".join(frames), MULAW), 2).astype(float)
    part = slice(6000, 14_000)
    assert np.corrcoef(heard[part].astype(float), there[part])[0, 1] > 0.95


def test_late_frames_follow_one_another() -> None:
    """Jitter of the line is not heard as gaps."""

    def talk(call: Talk) -> None:
        call.quiet(1000)
        for n, frame in enumerate(speech(1000, seed=3)):
            call.now_ms += n % 3
            call.slot(frame)
            call.now_ms -= n % 3

    recorded = taped_call(talk)
    heard = track(recorded)
    assert heard is not None
    sounding = heard[9000:15_000]
    there = captured(recorded)[9000:15_000]
    best = max(
        np.corrcoef(np.roll(sounding, shift).astype(float), there.astype(float))[0, 1]
        for shift in range(-40, 41, 8)
    )
    assert best > 0.99


def test_nothing_is_made_up_where_the_gate_decides_otherwise_today() -> None:
    """One other digest is enough."""
    recorded = taped_call(asked)
    at = next(n for n, each in enumerate(recorded.taped) if each.decision is not None)
    decision = recorded.taped[at].decision
    assert isinstance(decision, RecordedDecision)
    other = replace(recorded.taped[at], decision=replace(decision, audio_digest="00"))
    changed = replace(recorded, taped=[*recorded.taped[:at], other, *recorded.taped[at + 1 :]])
    assert track(changed) is None


def test_a_call_in_which_everything_happens_has_a_track() -> None:
    """Bursts, malformed chunks and a gate that takes over included."""
    heard = track(eventful_call(), n=8000 * 34)
    assert heard is not None
    assert heard.any()


@pytest.mark.parametrize("provider", ["deepgram"])
def test_what_passes_through_is_what_was_captured(provider: str) -> None:
    """An ungated provider gets the very frames."""
    recorded = taped_call(asked, provider=provider)
    heard = track(recorded)
    assert heard is not None
    assert (heard == captured(recorded)).all()


def test_it_lies_where_the_call_was_recorded() -> None:
    """A burst after a stall too: what the provider got is heard beside what the line delivered."""

    def talk(call: Talk) -> None:
        call.quiet(1000)
        frames = speech(1000, seed=3)
        for _ in range(24):
            call.slot()
        call.slot(*frames[:25])
        call.play(frames[25:])

    recorded = taped_call(talk, provider="deepgram")
    n_captured = 0
    taped = []
    for each in recorded.taped:
        is_chunk = isinstance(each.given, FrameCaptured)
        taped.append(replace(each, track_ms=START_MS + 20 * n_captured) if is_chunk else each)
        n_captured += is_chunk
    heard = track(replace(recorded, taped=taped))
    assert heard is not None
    assert (heard == captured(recorded)).all()


def test_each_gate_of_a_call_has_its_format() -> None:
    """A provider that takes over may be given another one."""

    def talk(call: Talk) -> None:
        call.play(speech(500, seed=3))
        call.audio_format = MULAW
        call.manager.cleanup_call("call-1")
        call.begin("deepgram")
        call.play(reencoded(speech(500, seed=4), MULAW))

    recorded = taped_call(talk, provider="deepgram")
    heard = track(recorded, n=8000)
    assert heard is not None
    frames = [each.given.audio for each in recorded.taped if isinstance(each.given, FrameCaptured)]
    assert (heard[:4000] == np.frombuffer(b"".join(frames[:25]), "<i2")).all()
    assert (heard[4000:] == decode(b"".join(frames[25:]), MULAW)).all()


def test_what_nobody_judges_is_what_the_line_delivered() -> None:
    """Its chunks are not told to a gate that lets all pass; a gate that takes over is."""

    def talk(call: Talk) -> None:
        call.now_ms += 1000.0
        call.manager.receive_provider_speech_started("call-1", call.now_ms)
        call.manager.cleanup_call("call-1")
        call.begin("openai_realtime")
        call.quiet(500)

    recorded = taped_call(talk, provider="deepgram")
    noise = np.arange(1, 16_001, dtype=np.int16)
    tracks = CallTracks(far_end=noise, capture=noise, rate_hz=8000, origin_ms=START_MS)
    heard = provider_track(recorded, tracks)  # type: ignore[arg-type]
    assert heard is not None
    assert (heard[:8000] == noise[:8000]).all()
    assert not heard[8000:].any()
