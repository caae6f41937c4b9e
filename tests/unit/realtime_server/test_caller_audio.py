"""The caller's side: what a turn takes out of the buffer, and what is kept of it."""

from __future__ import annotations

from typing import Any

import pytest

from support.signals import silence, speech_like
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import encode
from voxgate.realtime_server.caller_audio import CallerAudio
from voxgate.realtime_server.session_config import InputConfig
from voxgate.realtime_server.turn_detector import IdleTimeout, SpeechStarted, SpeechStopped

MULAW = AudioFormat(Encoding.MULAW)
PCM_24K = AudioFormat(Encoding.PCM16, 24_000)


def config(format_type: str = "audio/pcmu", **turn_detection: Any) -> InputConfig:
    """Return an input configuration; ``type=None`` has no turn detection."""
    detection: dict[str, Any] | None = {"type": "server_vad", **turn_detection}
    if turn_detection.get("type", "") is None:
        detection = None
    wire = {"type": format_type, **({"rate": 24000} if format_type == "audio/pcm" else {})}
    return InputConfig.model_validate({"format": wire, "turn_detection": detection})


def mulaw(*parts: Any) -> bytes:
    """Return signals as mu-law."""
    return b"".join(encode(part, MULAW) for part in parts)


def test_a_turn_takes_its_audio_with_the_padding() -> None:
    """From the start announced to the end announced, to the byte."""
    caller = CallerAudio(config())
    audio = mulaw(silence(1000), speech_like(1000), silence(600))
    started, stopped = caller.append(audio)
    assert isinstance(started, SpeechStarted)
    assert isinstance(stopped, SpeechStopped)
    start_ms = caller.begin_turn(started)
    assert start_ms == started.audio_start_ms == pytest.approx(700, abs=60)
    turn = caller.take_turn(stopped)
    assert turn == audio[round(start_ms * 8) : round(stopped.audio_end_ms * 8)]


@pytest.mark.parametrize(
    ("format_type", "audio_format"),
    [("audio/pcm", PCM_24K), ("audio/pcmu", MULAW), ("audio/pcma", AudioFormat(Encoding.ALAW))],
)
def test_every_input_format_is_heard(format_type: str, audio_format: AudioFormat) -> None:
    """The same speech makes a turn in each of the three formats, at the same time."""
    caller = CallerAudio(config(format_type, prefix_padding_ms=0))
    parts = (silence(500), speech_like(1000), silence(600))
    if audio_format.rate_hz != 8000:
        parts = (
            silence(500, rate_hz=24_000),
            speech_like(1000, rate_hz=24_000),
            silence(600, rate_hz=24_000),
        )
    assert caller.audio_format == audio_format
    started, stopped = caller.append(b"".join(encode(part, audio_format) for part in parts))
    assert isinstance(started, SpeechStarted)
    assert started.audio_start_ms == pytest.approx(500, abs=60)
    assert isinstance(stopped, SpeechStopped)
    assert stopped.audio_end_ms == pytest.approx(2000, abs=60)
    assert caller.position_ms == 2100


def test_padding_does_not_reach_into_the_turn_before() -> None:
    """Two turns close together share no audio."""
    caller = CallerAudio(config(prefix_padding_ms=1000, silence_duration_ms=200))
    events = caller.append(
        mulaw(speech_like(800), silence(300), speech_like(800, seed=1), silence(300))
    )
    first_start, first_stop, second_start, second_stop = events
    assert isinstance(first_start, SpeechStarted)
    assert isinstance(first_stop, SpeechStopped)
    assert isinstance(second_start, SpeechStarted)
    assert isinstance(second_stop, SpeechStopped)
    caller.begin_turn(first_start)
    caller.take_turn(first_stop)
    assert second_start.audio_start_ms < first_stop.audio_end_ms
    assert caller.begin_turn(second_start) == first_stop.audio_end_ms
    assert len(caller.take_turn(second_stop)) / 8 == pytest.approx(
        second_stop.audio_end_ms - first_stop.audio_end_ms
    )


def test_without_turn_detection_nothing_happens_by_itself() -> None:
    """The client commits; all audio since the last commit is in it."""
    caller = CallerAudio(config(type=None))
    audio = mulaw(speech_like(1000), silence(2000))
    assert caller.append(audio) == []
    caller.forget_silence()
    assert caller.held_ms == 3000
    assert caller.take_all() == audio
    assert caller.held_ms == 0


def test_silence_is_not_kept_for_ever() -> None:
    """While nobody speaks, a bounded stretch is enough; the clock counts all of it."""
    caller = CallerAudio(config())
    for _ in range(60):
        caller.append(mulaw(silence(1000)))
        caller.forget_silence()
    assert caller.position_ms == 60_000
    assert caller.held_ms <= 11_000


def test_a_commit_during_speech_ends_that_turn() -> None:
    """The rest of the speech is a new turn, with audio of its own only."""
    caller = CallerAudio(config())
    (started,) = caller.append(mulaw(speech_like(1000)))
    assert isinstance(started, SpeechStarted)
    caller.begin_turn(started)
    assert len(caller.take_all()) == 8000
    (again,) = caller.append(mulaw(speech_like(1000, seed=1)))
    assert isinstance(again, SpeechStarted)
    assert caller.begin_turn(again) >= 1000


def test_clear_drops_the_turn_and_its_audio() -> None:
    """Nothing of it comes later."""
    caller = CallerAudio(config())
    caller.append(mulaw(speech_like(1000)))
    caller.clear()
    assert caller.held_ms == 0
    assert caller.append(mulaw(silence(2000))) == []


def test_a_new_format_starts_a_new_stream_on_the_old_clock() -> None:
    """Bytes of the old format are gone; times go on."""
    caller = CallerAudio(config())
    caller.append(mulaw(silence(1000)))
    caller.configure(config("audio/pcm", prefix_padding_ms=0))
    assert (caller.position_ms, caller.held_ms) == (1000, 0)
    assert caller.audio_format == PCM_24K
    (started,) = caller.append(encode(speech_like(1000, rate_hz=24_000), PCM_24K))
    assert isinstance(started, SpeechStarted)
    assert started.audio_start_ms == pytest.approx(1000, abs=60)


def test_new_settings_apply_in_mid_turn() -> None:
    """A longer silence set while the caller speaks is waited for."""
    caller = CallerAudio(config(silence_duration_ms=200))
    (started,) = caller.append(mulaw(speech_like(1000)))
    assert isinstance(started, SpeechStarted)
    caller.begin_turn(started)
    caller.configure(config(silence_duration_ms=1000))
    assert caller.append(mulaw(silence(800))) == []
    (stopped,) = caller.append(mulaw(silence(400)))
    assert isinstance(stopped, SpeechStopped)


def test_turn_detection_can_be_turned_off_and_on() -> None:
    """Off, a turn that was going on is forgotten; on again, speech is found again."""
    caller = CallerAudio(config())
    caller.append(mulaw(speech_like(500)))
    caller.configure(config(type=None))
    assert caller.append(mulaw(silence(2000))) == []
    caller.configure(config())
    (started,) = caller.append(mulaw(speech_like(500, seed=1)))
    assert isinstance(started, SpeechStarted)


def test_the_idle_timer_needs_turn_detection() -> None:
    """Without it, asking for the timer does nothing."""
    caller = CallerAudio(config(type=None))
    caller.start_idle_timer(0)
    assert caller.append(mulaw(silence(20_000))) == []
    caller = CallerAudio(config(idle_timeout_ms=5000))
    caller.start_idle_timer(1000)
    (idle,) = caller.append(mulaw(silence(7000)))
    assert idle == IdleTimeout(1000, 6000)
    assert isinstance(idle, IdleTimeout)
    assert len(caller.take_turn(idle)) == 5000 * 8
