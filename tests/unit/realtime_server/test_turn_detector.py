"""Turns are found in audio time: no audio, no end of a turn."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

import numpy as np
import pytest
from numpy.typing import NDArray

from support.signals import silence, speech_like, white_noise
from voxgate.core.g711 import decode_mulaw
from voxgate.core.units import db_to_ratio
from voxgate.realtime_server.session_config import SemanticVad, ServerVad
from voxgate.realtime_server.turn_detector import (
    IdleTimeout,
    SpeechStarted,
    SpeechStopped,
    TurnDetector,
    TurnEvent,
    TurnSettings,
    settings_of,
)
from voxgate.realtime_server.voice_library import VoiceLibrary

CALLER = VoiceLibrary.load(files("voxgate.lab") / "voices")

NO_PADDING = TurnSettings(prefix_padding_ms=0)


def caller(line_id: str, *, gain_db: float = 0.0) -> NDArray[np.int16]:
    """Return a sentence of the rendered caller, which begins and ends with 60 ms of silence."""
    samples = decode_mulaw(CALLER[line_id].audio)
    return np.round(samples * db_to_ratio(gain_db)).astype(np.int16)


def events_of(
    parts: Sequence[NDArray[np.int16]], settings: TurnSettings = NO_PADDING, *, start_ms: float = 0
) -> list[TurnEvent]:
    """Return what a fresh detector finds."""
    return TurnDetector(settings, start_ms=start_ms).process(np.concatenate(parts))


def test_a_turn_begins_and_ends() -> None:
    """One sentence between two silences is one turn."""
    speech = caller("interruption")
    speech_end_ms = 1000 + len(speech) / 8 - 60
    started, stopped = events_of([silence(1000), speech, silence(2000)])
    assert isinstance(started, SpeechStarted)
    assert isinstance(stopped, SpeechStopped)
    assert speech_end_ms < stopped.audio_end_ms <= speech_end_ms + 500 + 20


@pytest.mark.parametrize("gain_db", [0.0, -10.0, -24.0])
@pytest.mark.parametrize("line_id", ["question", "interruption", "thanks", "stop", "hello"])
def test_the_start_is_right_within_60_ms(line_id: str, gain_db: float) -> None:
    """Real speech at -20, -30 and -44 dBFS; the sound begins 60 ms into each file."""
    started = events_of([silence(1000), caller(line_id, gain_db=gain_db), silence(1000)])[0]
    assert isinstance(started, SpeechStarted)
    assert started.audio_start_ms == pytest.approx(1060, abs=60)


def test_the_start_includes_the_prefix_padding() -> None:
    """300 ms earlier by default, but never before the first sample."""
    parts = [silence(1000), caller("hello"), silence(1000)]
    bare = events_of(parts, NO_PADDING)[0]
    padded = events_of(parts, TurnSettings())[0]
    assert isinstance(bare, SpeechStarted)
    assert isinstance(padded, SpeechStarted)
    assert padded.audio_start_ms == bare.audio_start_ms - 300
    early = events_of([silence(100), caller("hello")], TurnSettings())[0]
    assert early == SpeechStarted(0.0)


def test_a_starved_detector_never_ends_the_turn() -> None:
    """Without further audio there is nothing to wait for: time is what was received."""
    detector = TurnDetector(NO_PADDING)
    (started,) = detector.process(caller("interruption")[:-480])
    assert isinstance(started, SpeechStarted)
    for _ in range(1000):
        assert detector.process(np.zeros(0, np.int16)) == []
    assert detector.is_speaking


@pytest.mark.parametrize("silence_duration_ms", [200, 500, 1200])
def test_silence_ends_the_turn_within_its_duration(silence_duration_ms: int) -> None:
    """The end comes no later than the silence asked for, and the times are exact."""
    speech = speech_like(1500)
    settings = TurnSettings(prefix_padding_ms=0, silence_duration_ms=silence_duration_ms)
    detector = TurnDetector(settings)
    detector.process(speech)
    n_frames = silence_duration_ms // 20
    assert detector.process(silence(20 * (n_frames - 3))) == []
    (stopped,) = detector.process(silence(3 * 20))
    assert isinstance(stopped, SpeechStopped)
    assert stopped.audio_end_ms <= 1500 + silence_duration_ms
    assert not detector.is_speaking


def test_a_pause_shorter_than_that_does_not() -> None:
    """A breath between two sentences is part of the turn."""
    settings = TurnSettings(prefix_padding_ms=0, silence_duration_ms=500)
    parts = [speech_like(1000), silence(400), speech_like(1000, seed=1), silence(1000)]
    assert [type(e) for e in events_of(parts, settings)] == [SpeechStarted, SpeechStopped]


@pytest.mark.parametrize("level_dbfs", [-60.0, -40.0, -25.0])
def test_steady_noise_is_no_turn(level_dbfs: float) -> None:
    """Nor is it when it goes on for ten seconds."""
    assert events_of([white_noise(10_000, level_dbfs=level_dbfs)]) == []


def test_an_echo_at_minus_44_dbfs_is_a_turn() -> None:
    """The detector hears the agent's own voice: what the gate is there to keep from it."""
    echo = np.round(speech_like(3000, level_dbfs=-20) * db_to_ratio(-24)).astype(np.int16)
    assert isinstance(events_of([silence(1000), echo])[0], SpeechStarted)


def test_a_click_is_no_turn() -> None:
    """Neither a single loud frame nor a few samples start anything."""
    click = np.zeros(8000, np.int16)
    click[4000:4040] = 20_000
    assert events_of([click, silence(2000)]) == []


def test_a_higher_threshold_asks_for_more() -> None:
    """At 1.0 only surely spoken frames count; at 0 what might be speech starts a turn."""
    faint = (speech_like(2000, level_dbfs=-45) + white_noise(2000, level_dbfs=-47)).astype(np.int16)
    starts = {
        threshold: events_of([silence(500), faint], TurnSettings(threshold=threshold))
        for threshold in (0.0, 0.5, 1.0)
    }
    assert starts[0.0]
    assert len(starts[1.0]) <= len(starts[0.5]) <= len(starts[0.0])
    first_ms = [
        (events[0].audio_start_ms if events else float("inf"))  # type: ignore[union-attr]
        for events in starts.values()
    ]
    assert first_ms == sorted(first_ms)


def test_the_cut_into_messages_does_not_show() -> None:
    """One message, 20 ms, or 7 samples at a time: the same events."""
    stream = np.concatenate([silence(500), caller("stop"), silence(900), caller("hello")])
    whole = TurnDetector(NO_PADDING).process(stream)
    for size in (7, 160, 1000):
        detector = TurnDetector(NO_PADDING)
        pieces = [detector.process(stream[at : at + size]) for at in range(0, len(stream), size)]
        assert [event for piece in pieces for event in piece] == whole


def test_the_clock_may_start_anywhere() -> None:
    """Times are on the session's audio clock, of which this stream is a part."""
    parts = [silence(500), caller("hello"), silence(1000)]
    early, late = events_of(parts), events_of(parts, start_ms=60_000)
    assert [type(event) for event in late] == [type(event) for event in early]
    first = late[0]
    assert isinstance(first, SpeechStarted)
    assert first.audio_start_ms == pytest.approx(60_560, abs=60)


def test_an_idle_timeout_counts_silence_after_the_answer() -> None:
    """It names the silent stretch, comes once, and only after the answer was played."""
    detector = TurnDetector(TurnSettings(idle_timeout_ms=5000))
    assert detector.process(silence(10_000)) == []
    detector.start_idle_timer(12_000)
    assert detector.process(silence(6_980)) == []
    assert detector.process(silence(20)) == [IdleTimeout(12_000, 17_000)]
    assert detector.process(silence(10_000)) == []


def test_speech_stops_the_idle_timer() -> None:
    """A caller who speaks is not asked whether they are there."""
    detector = TurnDetector(TurnSettings(idle_timeout_ms=5000))
    detector.start_idle_timer(0)
    events = detector.process(np.concatenate([speech_like(1000), silence(12_000)]))
    assert [type(event) for event in events] == [SpeechStarted, SpeechStopped]


def test_end_turn_forgets_the_turn_without_an_event() -> None:
    """After a commit by the client the speech that goes on is a turn of its own."""
    detector = TurnDetector(NO_PADDING)
    detector.process(speech_like(1000))
    detector.end_turn()
    assert not detector.is_speaking
    (started,) = detector.process(speech_like(1000, seed=2))
    assert isinstance(started, SpeechStarted)
    assert started.audio_start_ms >= 1000


def test_settings_come_from_the_session_object() -> None:
    """server_vad field by field; semantic_vad as a silence by eagerness."""
    server = ServerVad(
        type="server_vad",
        threshold=0.7,
        prefix_padding_ms=100,
        silence_duration_ms=250,
        idle_timeout_ms=6000,
    )
    assert settings_of(server) == TurnSettings(
        threshold=0.7, prefix_padding_ms=100, silence_duration_ms=250, idle_timeout_ms=6000
    )
    silences = [
        settings_of(SemanticVad(type="semantic_vad", eagerness=eagerness)).silence_duration_ms
        for eagerness in ("low", "medium", "high")
    ]
    assert silences == sorted(silences, reverse=True)
    automatic = SemanticVad(type="semantic_vad")
    medium = SemanticVad(type="semantic_vad", eagerness="medium")
    assert settings_of(automatic) == settings_of(medium)
