"""The audio guard: its pure first stage, its state, and what it makes of a line."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.signals import frames_of, silence, speech_like, tone, white_noise
from voxgate.core import audio_guard
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.audio_guard import (
    AUDIO_GUARD_ENABLED,
    AudioGuard,
    GuardVerdict,
    is_probable_speech,
)
from voxgate.core.config import AudioGuardConfig
from voxgate.core.levels import rms, zero_crossing_ratio
from voxgate.core.vad_manager import EnhancedVADManager, VADResult

SPEECH, HANGOVER = GuardVerdict.SPEECH, GuardVerdict.HANGOVER
SILENCE, NOISE, MUSIC = GuardVerdict.SILENCE, GuardVerdict.NOISE, GuardVerdict.MUSIC

VOICE = VADResult(is_speech=True, confidence=1.0, energy=500.0, webrtc_result=True)
NO_VOICE = VADResult(is_speech=False, confidence=0.0, energy=500.0, webrtc_result=False)


def judge(guard: AudioGuard, samples: np.ndarray) -> list[GuardVerdict]:
    """Return the guard's verdicts with a voice detector of its own beside it."""
    vad = EnhancedVADManager()
    verdicts = []
    for frame in frames_of(samples):
        frame_samples = np.frombuffer(frame, "<i2")
        verdicts.append(
            guard.process(
                rms(frame_samples), zero_crossing_ratio(frame_samples), vad.process("call", frame)
            )
        )
    return verdicts


# -- the pure first stage --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "zcr", "prev_rms", "expected"),
    [
        (0.0, 0.1, 0.0, False),  # nothing
        (49.9, 0.1, 500.0, False),  # hard silence, whatever else is said for it
        (50.0, 0.1, 50.0, True),  # in between: crossings of speech
        (100.0, 0.0, 100.0, False),  # hum, steady
        (100.0, 0.009, 100.0, False),
        (100.0, 0.01, 100.0, True),
        (100.0, 0.45, 100.0, True),
        (100.0, 0.46, 100.0, False),  # hiss, steady
        (100.0, 0.9, 60.0, True),  # a rise of 40 %
        (60.0, 0.9, 100.0, True),  # a fall of 40 %
        (100.0, 0.9, 80.0, False),  # 20 % is how noise goes
        (150.0, 0.9, 150.0, False),  # still in between
        (150.1, 0.0, 150.1, True),  # loud speech, whatever speaks against it
        (32_768.0, 1.0, 32_768.0, True),
    ],
)
def test_first_stage(level, zcr, prev_rms, expected) -> None:
    """With a threshold of 100: silence below 50, loud above 150, crossings and change between."""
    assert is_probable_speech(level, zcr, 100.0, prev_rms) is expected


@given(st.floats(0, 32_768), st.floats(0, 1), st.floats(1, 5000), st.floats(0, 32_768))
def test_first_stage_is_pure_and_settles_both_ends(level, zcr, threshold, prev_rms) -> None:
    """The same numbers give the same verdict, and level alone settles silence and loud speech."""
    verdict = is_probable_speech(level, zcr, threshold, prev_rms)
    assert verdict is is_probable_speech(level, zcr, threshold, prev_rms)
    if level < 0.5 * threshold:
        assert not verdict
    if level > 1.5 * threshold:
        assert verdict


# -- the switch ------------------------------------------------------------------------------------


def test_the_switch_is_a_constant_in_code() -> None:
    """It is on, it is a plain bool, and nothing in the module reads an environment."""
    assert AUDIO_GUARD_ENABLED is True
    assert "environ" not in inspect.getsource(audio_guard)


def test_the_manager_takes_the_constant_as_its_default() -> None:
    """To compare both settings in one process it is an argument; its default is the switch."""
    parameter = inspect.signature(AudioGatingManager).parameters["audio_guard_enabled"]
    assert parameter.default is AUDIO_GUARD_ENABLED
    assert parameter.kind is inspect.Parameter.KEYWORD_ONLY


# -- state -----------------------------------------------------------------------------------------


def test_state_at_the_beginning_of_a_call() -> None:
    """The named state variables and where they start."""
    guard = AudioGuard(AudioGuardConfig())
    assert guard.noise_floor == 20.0
    assert guard.speech_threshold_factor == 4.0
    assert guard.effective_threshold == 80.0
    assert guard.prev_rms == 0.0
    assert guard.music_mode is False


def test_state_follows_the_configuration() -> None:
    """Floor and factor are the operator's."""
    guard = AudioGuard(AudioGuardConfig(initial_noise_floor=50.0, speech_threshold_factor=3.0))
    assert guard.effective_threshold == 150.0


def test_noise_floor_follows_the_line() -> None:
    """Steady noise of RMS 300 raises the floor within 2 s, and its end lowers it."""
    guard = AudioGuard(AudioGuardConfig())
    judge(guard, white_noise(2000, level_dbfs=-40.77, seed=1))
    assert guard.noise_floor == pytest.approx(300, rel=0.15)
    assert guard.effective_threshold == pytest.approx(4 * guard.noise_floor)
    judge(guard, white_noise(1000, level_dbfs=-65.0, seed=2))
    assert guard.noise_floor < 40


def test_previous_level_is_that_of_the_last_frame() -> None:
    """It is what the level change is measured against."""
    guard = AudioGuard(AudioGuardConfig())
    guard.process(123.0, 0.1, NO_VOICE)
    assert guard.prev_rms == 123.0


# -- verdicts --------------------------------------------------------------------------------------


def test_silence_is_silence() -> None:
    """Digital silence from the first frame on."""
    assert set(judge(AudioGuard(AudioGuardConfig()), silence(2000))) == {SILENCE}


@pytest.mark.parametrize("seed", range(3))
def test_steady_noise_is_kept_out_once_it_is_known(seed) -> None:
    """After 2 s of it no frame of steady noise passes."""
    guard = AudioGuard(AudioGuardConfig())
    verdicts = judge(guard, white_noise(8000, level_dbfs=-40.0, seed=seed))
    assert not any(verdict.passes for verdict in verdicts[150:])


@pytest.mark.parametrize("level_dbfs", [-34.0, -24.0, -15.0])
def test_speech_is_heard_within_60_ms_and_kept(level_dbfs) -> None:
    """Continuous speech at soft, usual and loud levels passes from the third frame on."""
    guard = AudioGuard(AudioGuardConfig())
    judge(guard, silence(1000))
    verdicts = judge(guard, speech_like(6000, level_dbfs=level_dbfs, seed=4))
    assert verdicts.index(SPEECH) <= 2
    assert all(verdict.passes for verdict in verdicts[3:])


def test_speech_over_noise_is_heard() -> None:
    """15 dB over known steady noise, most frames are speech and none is lost."""
    guard = AudioGuard(AudioGuardConfig())
    judge(guard, white_noise(4000, level_dbfs=-40.0, seed=5))
    mixed = speech_like(4000, level_dbfs=-25.0, seed=6).astype(np.int32)
    mixed += white_noise(4000, level_dbfs=-40.0, seed=7)
    verdicts = judge(guard, mixed.astype(np.int16))
    assert all(verdict.passes for verdict in verdicts[5:])


def test_hangover_lasts_longer_than_the_providers_end_of_turn() -> None:
    """800 ms of what follows speech pass, then nothing; 500 ms is what the provider waits for."""
    guard = AudioGuard(AudioGuardConfig())
    judge(guard, speech_like(1000, seed=8))
    verdicts = judge(guard, silence(2000))
    n_hangover = verdicts.count(HANGOVER)
    assert 40 <= n_hangover <= 42
    assert verdicts[n_hangover:] == [SILENCE] * (100 - n_hangover)


def test_hangover_is_the_operators() -> None:
    """200 ms and none at all."""
    for hangover_ms, n_frames in ((200, 10), (0, 0)):
        guard = AudioGuard(AudioGuardConfig(hangover_ms=hangover_ms))
        guard.process(2000.0, 0.1, VOICE)
        verdicts = [guard.process(0.0, 0.0, NO_VOICE) for _ in range(30)]
        assert verdicts.count(HANGOVER) == n_frames


def test_a_call_begins_without_hangover() -> None:
    """Nothing passes because of speech that never was."""
    assert AudioGuard(AudioGuardConfig()).process(30.0, 0.1, NO_VOICE) is SILENCE


def test_speech_that_the_gate_heard_counts_as_well() -> None:
    """A caller heard over the agent has the hangover too."""
    guard = AudioGuard(AudioGuardConfig())
    guard.hear_speech()
    assert guard.process(0.0, 0.0, NO_VOICE) is HANGOVER


def test_a_loud_click_is_noise() -> None:
    """Loud and short is not speech: the voice detector's smoothing has the last word."""
    guard = AudioGuard(AudioGuardConfig())
    judge(guard, silence(200))
    assert judge(guard, tone(20, 1000.0, level_dbfs=-10.0)) == [NOISE]


def test_without_a_voice_detector_the_first_stage_decides() -> None:
    """A call whose voice detector has failed goes on: what is probably speech is heard."""
    guard = AudioGuard(AudioGuardConfig())
    assert guard.process(2000.0, 0.1, None) is SPEECH
    guard = AudioGuard(AudioGuardConfig())
    assert guard.process(20.0, 0.1, None) is SILENCE


def notes(n_frames: int) -> list[float]:
    """Return the levels of notes that swell and fade around RMS 1000."""
    return [1000.0 * (1.0 + 0.25 * math.sin(number / 8.0)) for number in range(n_frames)]


def test_music_on_the_line_is_kept_out_and_the_caller_over_it_is_heard() -> None:
    """In music mode frames at the music's level are music; well above it the caller is speech."""
    guard = AudioGuard(AudioGuardConfig(hangover_ms=0))
    for level in notes(250):
        guard.process(level, 0.1, VOICE)
    assert guard.music_mode
    assert guard.process(1000.0, 0.1, VOICE) is MUSIC
    assert is_probable_speech(1800.0, 0.1, guard.effective_threshold, guard.prev_rms)
    assert guard.process(1800.0, 0.1, VOICE) is MUSIC
    assert guard.process(9000.0, 0.1, VOICE) is SPEECH


def test_music_does_not_teach_the_noise_floor() -> None:
    """The floor stays where it was when the music was recognised."""
    guard = AudioGuard(AudioGuardConfig())
    floors = []
    for level in notes(1000):
        guard.process(level, 0.1, VOICE)
        if guard.music_mode:
            floors.append(guard.noise_floor)
    assert len(floors) > 700
    assert len(set(floors)) == 1


@pytest.mark.parametrize("seed", range(6))
def test_fast_continuous_speech_does_not_become_music(seed) -> None:
    """20 s without a pause: no music mode, and nothing of it kept back."""
    guard = AudioGuard(AudioGuardConfig())
    verdicts = judge(guard, speech_like(20_000, seed=seed))
    assert not guard.music_mode
    assert MUSIC not in verdicts
    assert all(verdict.passes for verdict in verdicts[3:])


def test_which_verdicts_pass() -> None:
    """Speech and its hangover; nothing else."""
    assert {verdict for verdict in GuardVerdict if verdict.passes} == {SPEECH, HANGOVER}


def test_two_guards_share_nothing() -> None:
    """What one line teaches its guard does not change the verdicts on another."""
    alone, beside = AudioGuard(AudioGuardConfig()), AudioGuard(AudioGuardConfig())
    other = AudioGuard(AudioGuardConfig())
    samples = speech_like(2000, seed=9, level_dbfs=-35.0)
    expected = judge(alone, samples)
    judge(other, white_noise(3000, level_dbfs=-20.0))
    assert judge(beside, samples) == expected
