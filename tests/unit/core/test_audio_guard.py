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
from voxgate.core.call_stats import CallStats
from voxgate.core.config import AudioGuardConfig
from voxgate.core.gate_decision import GateAction, GateDecision, GateReason
from voxgate.core.guard.speech_evidence import (
    EvidenceRule,
    SpeechEvidence,
    packaged_speech_evidence,
)
from voxgate.core.levels import rms, zero_crossing_ratio
from voxgate.core.vad_manager import EnhancedVADManager, VADResult

SPEECH, HANGOVER = GuardVerdict.SPEECH, GuardVerdict.HANGOVER
SILENCE, NOISE, MUSIC = GuardVerdict.SILENCE, GuardVerdict.NOISE, GuardVerdict.MUSIC
TONE = GuardVerdict.TONE

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


class ScriptedNetwork:
    """Gives the same log odds for every frame, and counts how often it is asked."""

    def __init__(self, logit: float) -> None:
        self.logit = logit
        self.times_asked = 0

    def process(self, features: np.ndarray) -> float:
        self.times_asked += 1
        return self.logit


def scripted(network: ScriptedNetwork, **config: float) -> AudioGuard:
    """Return a guard whose network says what it is told to say."""
    return AudioGuard(AudioGuardConfig(**config), SpeechEvidence(network, EvidenceRule()))


def packaged(**config: float) -> AudioGuard:
    """Return a guard as calls have it."""
    return AudioGuard(AudioGuardConfig(**config), packaged_speech_evidence())


def hear(guard: AudioGuard, samples: np.ndarray) -> list[GuardVerdict]:
    """Return the guard's verdicts with the samples before it, as on a call."""
    vad = EnhancedVADManager()
    verdicts = []
    for frame in frames_of(samples):
        heard = np.frombuffer(frame, "<i2")
        voice = vad.process("call", frame)
        verdicts.append(guard.process(voice.energy, zero_crossing_ratio(heard), voice, heard))
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


def test_the_quiet_line_passes_for_400_ms_after_speech() -> None:
    """So that soft word ends survive; then nothing passes."""
    guard = AudioGuard(AudioGuardConfig())
    judge(guard, speech_like(1000, seed=8))
    verdicts = judge(guard, silence(2000))
    n_hangover = verdicts.count(HANGOVER)
    assert 20 <= n_hangover <= 22
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


# -- the network's evidence ------------------------------------------------------------------------


def test_silence_is_settled_without_the_network() -> None:
    """Digital silence, and line noise once its level is known, cost no inference."""
    network = ScriptedNetwork(9.0)
    guard = scripted(network)
    assert set(hear(guard, silence(1000))) == {SILENCE}
    hear(guard, white_noise(3000, level_dbfs=-50.0))
    asked = network.times_asked
    hear(guard, white_noise(3000, level_dbfs=-50.0, seed=1))
    assert network.times_asked == asked


def test_loud_sound_is_what_the_network_says() -> None:
    """The same syllables are speech or noise by the network's word alone."""
    samples = speech_like(1000, seed=1)
    assert set(hear(scripted(ScriptedNetwork(-9.0)), samples)) == {NOISE}
    verdicts = hear(scripted(ScriptedNetwork(9.0)), samples)
    assert verdicts.index(SPEECH) == 1
    assert set(verdicts[1:]) <= {SPEECH, HANGOVER}


def test_sound_that_is_no_speech_passes_for_a_shorter_time() -> None:
    """A provider would take what clatters after a word for the word going on."""
    network = ScriptedNetwork(9.0)
    guard = scripted(network, hangover_ms=400, noise_hangover_ms=200)
    hear(guard, speech_like(500, seed=1))
    network.logit = -9.0
    verdicts = hear(guard, speech_like(400, seed=2))
    n_speech = verdicts.count(SPEECH)
    assert n_speech <= 3  # what evidence was left over
    assert verdicts[n_speech : n_speech + 10] == [HANGOVER] * 10
    assert set(verdicts[n_speech + 10 :]) == {NOISE}
    assert HANGOVER in hear(guard, silence(100))


def test_less_evidence_goes_on_than_begins() -> None:
    """Within the hangover a single doubtful frame is speech; after it, none is."""
    network = ScriptedNetwork(9.0)
    guard = scripted(network, hangover_ms=400, noise_hangover_ms=400)
    hear(guard, speech_like(500, seed=1))
    network.logit = -0.9
    assert set(hear(guard, speech_like(300, seed=2))) == {SPEECH}
    network.logit = -9.0
    hear(guard, speech_like(500, seed=3))
    network.logit = -1.0
    assert hear(guard, speech_like(40, seed=4)) == [NOISE] * 2


def test_the_hangover_ends_that_over_noise() -> None:
    """An operator who sets only the hangover gets what was asked for."""
    network = ScriptedNetwork(9.0)
    guard = scripted(network, hangover_ms=100)
    hear(guard, speech_like(500, seed=1))
    network.logit = -9.0
    assert hear(guard, speech_like(1000, seed=2)).count(HANGOVER) == 5


def test_after_a_hole_evidence_begins_anew() -> None:
    """One frame before a hole and one after it are not two in a row."""
    network = ScriptedNetwork(9.0)
    guard = scripted(network)
    hear(guard, speech_like(20, seed=1))
    for _ in range(10):
        guard.pass_slot()
    assert hear(guard, speech_like(20, seed=2)) == [NOISE]


@pytest.mark.parametrize("frequencies_hz", [(425.0,), (440.0, 480.0), (770.0, 1336.0), (2100.0,)])
def test_tones_are_tones_even_to_a_network_that_hears_speech(frequencies_hz) -> None:
    """Ringing, a push button and a fax: from the first whole window on nothing else."""
    samples = sum(tone(1000, hz, level_dbfs=-20.0).astype(np.int32) for hz in frequencies_hz)
    verdicts = hear(scripted(ScriptedNetwork(9.0)), np.asarray(samples, np.int16))
    assert set(verdicts[2:]) == {TONE}
    assert not TONE.passes


@pytest.mark.parametrize("level_dbfs", [-38.0, -22.0, -12.0])
@pytest.mark.parametrize("seed", [0, 2, 3])
def test_the_packaged_network_hears_speech(level_dbfs, seed) -> None:
    """Voiced syllables on a quiet line, soft ones as well, within 100 ms and to the end."""
    guard = packaged()
    hear(guard, white_noise(1000, level_dbfs=-70.0))
    verdicts = hear(guard, speech_like(4000, level_dbfs=level_dbfs, seed=seed))
    assert verdicts.index(SPEECH) <= 5
    assert all(verdict.passes for verdict in verdicts[5:])


@pytest.mark.parametrize("level_dbfs", [-60.0, -40.0, -25.0])
def test_the_packaged_network_hears_no_speech_in_noise(level_dbfs) -> None:
    """Not in its first second, when its level is still unknown, nor later."""
    verdicts = hear(packaged(), white_noise(6000, level_dbfs=level_dbfs, seed=3))
    assert not any(verdict.passes for verdict in verdicts)


def test_the_packaged_network_hears_no_speech_in_clicks_and_hum() -> None:
    """A click every 300 ms, and a loud mains hum."""
    clicks = white_noise(6000, level_dbfs=-70.0)
    clicks[::2400] = 20_000
    assert not any(verdict.passes for verdict in hear(packaged(), clicks))
    hum = sum(tone(6000, 50.0 * n, level_dbfs=-30.0 - n).astype(np.int32) for n in (1, 2, 3, 5))
    verdicts = hear(packaged(), np.asarray(hum, np.int16))
    assert not any(verdict.passes for verdict in verdicts)


@pytest.mark.parametrize("gain", [0.7, 1.4])
def test_a_few_db_change_no_clear_case(gain) -> None:
    """3 dB softer or louder: the same frames pass, but for two at an edge."""
    samples = np.concatenate([silence(500), speech_like(2000, seed=2), silence(2000)])
    samples = samples + white_noise(4500, level_dbfs=-65.0)
    plain, scaled = hear(packaged(), samples), hear(packaged(), (samples * gain).astype(np.int16))
    differ = [a.passes is not b.passes for a, b in zip(plain, scaled, strict=True)]
    assert sum(differ) <= 2


# -- each state variable by what it changes --------------------------------------------------------


@pytest.mark.parametrize(("factor", "is_asked"), [(1.0, True), (4.0, True), (12.0, False)])
def test_the_factor_says_what_is_hard_silence(factor, is_asked) -> None:
    """RMS 100 over a floor of 20 is worth the network's time, unless 240 is the threshold."""
    network = ScriptedNetwork(9.0)
    guard = scripted(network, speech_threshold_factor=factor)
    guard.process(100.0, 0.1, VOICE, white_noise(20))
    assert bool(network.times_asked) is is_asked


def test_the_factor_can_be_changed_in_a_call() -> None:
    """It is state: the next frame is judged by it."""
    guard = AudioGuard(AudioGuardConfig())
    guard.speech_threshold_factor = 12.0
    assert guard.effective_threshold == 240.0
    assert guard.process(100.0, 0.1, None) is SILENCE


@pytest.mark.parametrize(("prev_rms", "expected"), [(100.0, NOISE), (60.0, SPEECH)])
def test_the_previous_level_tells_a_change_from_hum(prev_rms, expected) -> None:
    """Without crossings a level of 100 is hum if the last one was, and speech if it has risen."""
    guard = AudioGuard(AudioGuardConfig())
    guard.prev_rms = prev_rms
    assert guard.process(100.0, 0.0, None) is expected


def test_frames_that_the_guard_is_not_asked_about_teach_it_nothing() -> None:
    """While the agent speaks its echo moves neither floor nor previous level nor music."""
    guard = AudioGuard(AudioGuardConfig())
    judge(guard, white_noise(3000, level_dbfs=-60.0))
    before = (guard.noise_floor, guard.prev_rms, guard.music_mode)
    for _ in range(500):
        guard.pass_slot()
    assert (guard.noise_floor, guard.prev_rms, guard.music_mode) == before


def test_music_mode_passes_with_the_music() -> None:
    """It is entered after 4 s, half a second of quiet ends it, and the floor learns again."""
    guard = AudioGuard(AudioGuardConfig())
    modes = []
    for level in notes(260) + [30.0] * 200:
        guard.process(level, 0.1, NO_VOICE)
        modes.append(guard.music_mode)
    assert modes.index(True) == 199
    assert modes[200:] == [True] * 84 + [False] * 176
    assert guard.noise_floor < 60.0


def test_the_hangover_runs_on_while_the_guard_is_not_asked() -> None:
    """Speech of 200 ms before the agent spoke keeps nothing open 400 ms later."""
    for slots, expected in ((10, HANGOVER), (20, SILENCE)):
        guard = AudioGuard(AudioGuardConfig(hangover_ms=400))
        guard.hear_speech()
        for _ in range(slots):
            guard.pass_slot()
        assert guard.process(0.0, 0.0, NO_VOICE) is expected


# -- both settings of the switch -------------------------------------------------------------------


def noisy_call(*, audio_guard_enabled: bool) -> tuple[list[GateDecision], CallStats]:
    """Return what becomes of a noisy line that loses 60 ms, by a setting of the switch."""
    manager = AudioGatingManager(audio_guard_enabled=audio_guard_enabled)
    manager.start_call("call", provider="openai_realtime", now_ms=0.0)
    frames = frames_of(white_noise(2000, level_dbfs=-40.0))
    numbers = [number for number in range(len(frames)) if number not in (50, 51, 52)]
    decisions = [manager.process("call", frames[number], 20.0 * (number + 1)) for number in numbers]
    stats = manager.get_stats("call")
    assert stats is not None
    return decisions, stats


def test_switched_off_everything_passes_and_gaps_are_recovered() -> None:
    """The very frames go out, and 60 ms that the line lost are made up for."""
    decisions, stats = noisy_call(audio_guard_enabled=False)
    assert {decision.reason for decision in decisions} == {GateReason.AGENT_SILENT}
    assert all(decision.action is GateAction.FORWARD for decision in decisions)
    assert stats.gap_recovery_frames == 3
    assert stats.noise_frames == stats.withheld_frames == 0
    assert all(decision.measurements.noise_floor == 0.0 for decision in decisions)


def test_switched_on_noise_is_kept_out_and_gaps_are_not() -> None:
    """The guard's floor is measured, its noise counted, and no frame is invented."""
    decisions, stats = noisy_call(audio_guard_enabled=True)
    assert all(decision.action is GateAction.WITHHOLD for decision in decisions)
    assert stats.gap_recovery_frames == 0
    assert stats.noise_frames > 50
    assert stats.forwarded_frames == 0
    assert decisions[-1].measurements.noise_floor > 100.0


class RaisingNetwork:
    """Works for some frames, then raises."""

    def __init__(self, frames: int) -> None:
        self.left = frames

    def process(self, features: np.ndarray) -> float:
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("broken")
        return 9.0


def test_a_network_that_raises_costs_its_own_verdict_only() -> None:
    """The guard goes on by voice activity and level, with their longer hangover, and counts it."""
    guard = scripted(RaisingNetwork(5), hangover_ms=400, noise_hangover_ms=100)
    verdicts = hear(guard, speech_like(1000, seed=1))
    assert guard.degradations == 1
    assert verdicts.count(SPEECH) > 20
    assert hear(guard, silence(600)).count(HANGOVER) >= 19
    guard.pass_slot()
    assert guard.degradations == 1


class RaisingSkip(SpeechEvidence):
    """Raises where nothing is to be judged."""

    def skip(self, samples: np.ndarray | None = None) -> None:
        raise RuntimeError("broken")


@pytest.mark.parametrize("is_delivered", [True, False])
def test_evidence_that_raises_in_silence_is_given_up_too(is_delivered: bool) -> None:
    """With a frame of silence and without one."""
    guard = AudioGuard(AudioGuardConfig(), RaisingSkip(ScriptedNetwork(9.0), EvidenceRule()))
    if is_delivered:
        assert hear(guard, silence(100)) == [SILENCE] * 5
    else:
        guard.pass_slot()
    assert guard.degradations == 1
    assert SPEECH in hear(guard, speech_like(500, seed=1))


def test_a_tone_after_speech_ends_the_hangover() -> None:
    """Two frames may be a voice; what goes on is a tone, whatever the network says."""
    network = ScriptedNetwork(9.0)
    guard = scripted(network)
    hear(guard, speech_like(500, seed=1))
    verdicts = hear(guard, tone(500, 425.0))
    assert set(verdicts[5:]) == {GuardVerdict.TONE}


def test_lost_frames_teach_no_floor() -> None:
    """Noise with a tenth of its frames lost keeps its floor; silence that lasts has its own."""
    guard = AudioGuard(AudioGuardConfig())
    noise = white_noise(8000, level_dbfs=-40.0, seed=3).reshape(-1, 160)
    for number, frame in enumerate(noise):
        lost = number % 10 == 0
        judge(guard, np.zeros(160, np.int16) if lost else frame)
    assert guard.noise_floor == pytest.approx(rms(noise.ravel()), rel=0.2)
    judge(guard, silence(1000))
    assert guard.noise_floor < 2.0


def test_another_hangover_holds_at_once() -> None:
    """One that runs is as long as it is now; one that is over does not come back."""
    guard = AudioGuard(AudioGuardConfig(hangover_ms=400))
    judge(guard, speech_like(500, seed=1))
    assert judge(guard, silence(200))[-1] is GuardVerdict.HANGOVER
    guard.reconfigure(AudioGuardConfig(hangover_ms=1000))
    verdicts = judge(guard, silence(1000))
    assert verdicts.count(GuardVerdict.HANGOVER) == 40
    guard.reconfigure(AudioGuardConfig(hangover_ms=3000))
    assert judge(guard, silence(100))[0] is GuardVerdict.SILENCE
    judge(guard, speech_like(500, seed=1))
    guard.reconfigure(AudioGuardConfig(hangover_ms=0))
    assert judge(guard, silence(100))[0] is GuardVerdict.SILENCE


def test_the_factor_and_the_sensitivity_are_taken_too() -> None:
    """The floor is not: the line has taught it."""
    guard = packaged()
    judge(guard, white_noise(1000, level_dbfs=-50.0, seed=1))
    floor = guard.noise_floor
    guard.reconfigure(
        AudioGuardConfig(initial_noise_floor=2000.0, speech_threshold_factor=20.0, sensitivity=0.0)
    )
    assert guard.noise_floor == floor
    assert guard.effective_threshold == pytest.approx(20.0 * floor)
