"""What the guard's verdicts stand for."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from support.signals import frames_of, silence, speech_like, white_noise
from voxgate.core.audio import AudioFormat
from voxgate.core.audio_guard import AudioGuard, GuardVerdict
from voxgate.core.call_stats import CallStats
from voxgate.core.capture_analyzer import CaptureAnalysis
from voxgate.core.config import AudioGuardConfig, QuieterVoices, WithheldAudio
from voxgate.core.gate_decision import GateAction, GateEventType, GateReason
from voxgate.core.gate_output import GateOutput, Outlet
from voxgate.core.guarded_line import QUIETER_VOICE_ATTENUATION_DB, GuardedLine
from voxgate.core.levels import rms, zero_crossing_ratio
from voxgate.core.vad_manager import EnhancedVADManager, VADResult


class Line:
    """A guarded line that is fed samples."""

    def __init__(self, preroll_ms: int = 300, **config: float | QuieterVoices) -> None:
        self.stats = CallStats()
        outlet = Outlet(WithheldAudio.SILENCE, AudioFormat(), 0.0, self.stats)
        settings = AudioGuardConfig(preroll_ms=preroll_ms, **config)
        self.guard = self.make_guard(settings)
        self.guarded = GuardedLine(self.guard, outlet, self.stats, config=settings, start_ms=0.0)
        self.outputs: list[GateOutput] = []
        self.heard: list[bool] = []
        self._vad = EnhancedVADManager()

    def make_guard(self, settings: AudioGuardConfig) -> AudioGuard:
        return AudioGuard(settings)

    def capture(self, samples: np.ndarray) -> list[bytes]:
        frames = frames_of(samples)
        for frame in frames:
            as_samples = np.frombuffer(frame, "<i2")
            self.judge(frame, rms(as_samples), zero_crossing_ratio(as_samples))
        return frames

    def judge(
        self, frame: bytes, level: float, zcr: float, voice: VADResult | None = None
    ) -> GateOutput:
        output = GateOutput(20.0 * (len(self.outputs) + 1), GateReason.INCOMPLETE_FRAME)
        analysis = CaptureAnalysis(
            audio=frame,
            level=level,
            zcr_ratio=zcr,
            voice=voice or self._vad.process("call", frame),
            near_end=None,
            is_caller=False,
        )
        self.heard.append(self.guarded.process(frame, analysis, output))
        self.outputs.append(output)
        return output

    @property
    def sound(self) -> list[bytes]:
        return [audio for output in self.outputs for audio in output.audio if any(audio)]


def test_speech_goes_out_whole_and_in_order() -> None:
    """The onset that was held until speech was heard goes out before it; no frame is lost."""
    line = Line()
    line.capture(silence(1000))
    frames = line.capture(speech_like(2000, seed=1))
    assert line.sound == frames
    first = next(output for output in line.outputs if output.released)
    assert first.events[0].type is GateEventType.ONSET_RELEASED
    assert first.audio == [*first.released, frames[2]]


def test_an_onset_is_delayed_by_less_than_50_ms() -> None:
    """The first frame of speech goes out no later than with the second after it."""
    line = Line()
    line.capture(silence(1000))
    line.capture(speech_like(1000, seed=2))
    opened = next(i for i, output in enumerate(line.outputs) if output.released)
    assert (opened - 50) * 20 < 50


@pytest.mark.parametrize(("preroll_ms", "n_frames"), [(300, 15), (100, 5), (0, 0), (500, 25)])
def test_the_preroll_is_as_long_as_configured(preroll_ms, n_frames) -> None:
    """What was before the first frame of speech, at most so much of it."""
    line = Line(preroll_ms)
    line.capture(silence(1000))
    line.capture(speech_like(200, seed=1))
    released = [output.released for output in line.outputs if output.released]
    assert [len(frames) for frames in released] == ([n_frames] if n_frames else [])


def test_noise_is_kept_and_replaced_by_silence() -> None:
    """Once it is known, every frame of noise is withheld, counted, and silence goes out."""
    line = Line()
    line.capture(white_noise(6000, level_dbfs=-40.0, seed=3))
    later = line.outputs[150:]
    assert {output.action for output in later} == {GateAction.WITHHOLD}
    assert {output.reason for output in later} <= {GateReason.LINE_NOISE, GateReason.LINE_SILENCE}
    assert all(output.audio == [bytes(320)] for output in later)


def test_the_caller_is_told_apart_from_the_hangover() -> None:
    """It returns True for speech only, not for what still passes after it."""
    line = Line()
    line.capture(speech_like(1000, seed=4))
    n_heard = sum(line.heard)
    line.capture(silence(1000))
    assert sum(line.heard) <= n_heard + 2
    reasons = [output.reason for output in line.outputs[55:68]]
    assert set(reasons) == {GateReason.HANGOVER}


def test_summaries_count_what_was_kept_of_noise_and_music_only() -> None:
    """20 s of silence give none; with noise there is at most one in 5 s."""
    line = Line()
    line.capture(silence(20_000))
    line.capture(white_noise(20_000, level_dbfs=-40.0, seed=5))
    events = [
        event
        for output in line.outputs
        for event in output.events
        if event.type is GateEventType.GUARD_SUMMARY
    ]
    times = [event.t_ms for event in events]
    assert times
    assert min(times) > 20_000
    assert all(b - a >= 5000 for a, b in pairwise(times))
    assert sum(event.count for event in events) <= line.stats.noise_frames


def test_music_is_told_when_it_begins_and_when_it_ends() -> None:
    """One event each, and the frames kept are counted as music."""
    line = Line(hangover_ms=0)
    voice = VADResult(is_speech=True, confidence=1.0, energy=1000.0, webrtc_result=True)
    for number in range(300):
        line.judge(b"\1" * 320, 1000.0 * (1 + 0.25 * np.sin(number / 8)), 0.1, voice)
    line.capture(silence(1000))
    types = [event.type for output in line.outputs for event in output.events]
    told = [t for t in types if t in (GateEventType.MUSIC_ENTERED, GateEventType.MUSIC_LEFT)]
    assert told == [GateEventType.MUSIC_ENTERED, GateEventType.MUSIC_LEFT]
    assert line.stats.music_frames > 80


def test_what_the_gate_heard_begins_a_hangover() -> None:
    """After a barge-in the caller's pauses pass."""
    line = Line()
    line.guarded.hear_speech()
    output = line.judge(bytes(320), 0.0, 0.0)
    assert (output.action, output.reason) == (GateAction.FORWARD, GateReason.HANGOVER)


def test_the_hangover_runs_on_while_the_line_delivers_nothing() -> None:
    """What comes after a long hole is judged by itself, not as the end of what was before it."""
    line = Line()
    line.capture(speech_like(1000, seed=6))
    for _ in range(100):
        line.guarded.pass_slot()
    assert line.judge(bytes(320), 0.0, 0.0).action is GateAction.WITHHOLD


def test_the_noise_floor_can_be_seen() -> None:
    """It is the guard's, for the measurements of a decision."""
    line = Line()
    assert line.guarded.noise_floor == 20.0
    line.capture(white_noise(3000, level_dbfs=-40.0))
    assert line.guarded.noise_floor > 200.0


BELOW_DB = 16.0
"""A television, well below the caller."""


class ToldGuard(AudioGuard):
    """A guard that says what a test says."""

    verdict = GuardVerdict.SPEECH

    def process(self, *measured: object) -> GuardVerdict:
        return self.verdict


class Room(Line):
    """A line on which a caller and a television are heard, frame by frame."""

    def __init__(self, quieter_voices: QuieterVoices) -> None:
        super().__init__(quieter_voices=quieter_voices)
        self._rng = np.random.default_rng(7)

    def make_guard(self, settings: AudioGuardConfig) -> AudioGuard:
        return ToldGuard(settings)

    def talk(
        self,
        duration_ms: int,
        *,
        below_db: float = 0.0,
        verdict: GuardVerdict = GuardVerdict.SPEECH,
    ) -> list[GateOutput]:
        self.guard.verdict = verdict
        outputs = []
        for _ in range(duration_ms // 20):
            level = 4000.0 * 10 ** ((self._rng.uniform(-6.0, 0.0) - below_db) / 20)
            frame = np.full(160, round(level), np.int16)
            outputs.append(self.judge(frame.tobytes(), level, 0.1))
        return outputs

    def make_known(self) -> None:
        """The caller is heard above a television once."""
        self.talk(2000)
        self.talk(1500, below_db=BELOW_DB)
        self.talk(1500)


def level_of(audio: bytes) -> float:
    return rms(np.frombuffer(audio, "<i2"))


def test_every_voice_passes_where_none_is_turned_down() -> None:
    """The very frames go out, and nothing is said of levels."""
    room = Room(QuieterVoices.PASS)
    room.make_known()
    outputs = room.talk(2000, below_db=BELOW_DB)
    assert {output.reason for output in outputs} == {GateReason.CALLER_SPEECH}
    assert all(output.attenuation_db == 0.0 for output in room.outputs)
    assert room.stats.quieter_frames == 0
    assert all(room.heard[-100:])


def test_a_known_television_is_turned_down_and_is_not_the_caller() -> None:
    """Its frames go out, 24 dB softer, say why, and are counted."""
    room = Room(QuieterVoices.ATTENUATE)
    room.make_known()
    assert room.stats.quieter_frames == 0
    outputs = room.talk(2000, below_db=BELOW_DB)
    later = outputs[40:]
    assert {output.action for output in outputs} == {GateAction.FORWARD}
    assert {output.reason for output in later} == {GateReason.QUIETER_VOICE}
    assert {output.attenuation_db for output in later} == {QUIETER_VOICE_ATTENUATION_DB}
    assert max(level_of(audio) for output in later for audio in output.audio) < 50.0
    assert room.stats.quieter_frames >= len(later)
    assert not any(room.heard[-len(later) :])


def test_the_caller_is_at_full_level_again_within_60_ms() -> None:
    """One frame rises, and those after it are the very frames."""
    room = Room(QuieterVoices.ATTENUATE)
    room.make_known()
    room.talk(2000, below_db=BELOW_DB)
    outputs = room.talk(200)
    reasons = [output.reason for output in outputs]
    assert reasons[3:] == [GateReason.CALLER_SPEECH] * 7
    assert all(level_of(output.audio[0]) > 1900.0 for output in outputs[3:])


def test_a_known_television_is_kept_back_and_the_onset_comes_with_the_caller() -> None:
    """Silence goes out in its place; 300 ms of it are released before the caller's first frame."""
    room = Room(QuieterVoices.WITHHOLD)
    room.make_known()
    later = room.talk(2000, below_db=BELOW_DB)[40:]
    assert {output.action for output in later} == {GateAction.WITHHOLD}
    assert {output.reason for output in later} == {GateReason.QUIETER_VOICE}
    assert all(output.audio == [bytes(320)] for output in later)
    released = [output.released for output in room.talk(200) if output.released]
    assert [len(frames) for frames in released] == [15]


def test_held_frames_of_a_known_television_are_turned_down_too() -> None:
    """What was held as noise before it goes out as soft as it does."""
    room = Room(QuieterVoices.ATTENUATE)
    room.make_known()
    room.talk(1000, below_db=BELOW_DB)
    room.talk(600, below_db=BELOW_DB, verdict=GuardVerdict.NOISE)
    (opened,) = room.talk(20, below_db=BELOW_DB)
    assert opened.reason is GateReason.QUIETER_VOICE
    assert len(opened.released) == 15
    assert max(level_of(frame) for frame in opened.released) < 50.0


def test_what_the_gate_heard_is_never_turned_down() -> None:
    """After a barge-in a voice is measured anew, and the first frame is the very frame."""
    room = Room(QuieterVoices.ATTENUATE)
    room.make_known()
    assert room.talk(1000, below_db=BELOW_DB)[-1].reason is GateReason.QUIETER_VOICE
    room.guarded.hear_speech()
    frame = np.full(160, 400, np.int16).tobytes()
    output = room.judge(frame, 400.0, 0.1)
    assert output.reason is GateReason.CALLER_SPEECH
    assert output.audio == [frame]


def test_what_was_heard_before_a_turn_of_the_agent_is_no_measure_after_it() -> None:
    """2 s without a frame, and a voice is measured anew."""
    room = Room(QuieterVoices.ATTENUATE)
    room.make_known()
    room.talk(1000, below_db=BELOW_DB)
    for _ in range(100):
        room.guarded.pass_slot()
    assert room.talk(20, below_db=BELOW_DB)[0].reason is GateReason.CALLER_SPEECH


def reconfigured(room: Room, quieter_voices: QuieterVoices, **keys: float) -> None:
    room.guarded.reconfigure(AudioGuardConfig(quieter_voices=quieter_voices, **keys))


def test_what_becomes_of_a_television_can_be_changed_in_a_call() -> None:
    """Turned down, kept back, let pass, turned down again: the caller is known still."""
    room = Room(QuieterVoices.ATTENUATE)
    room.make_known()
    room.talk(1000, below_db=BELOW_DB)
    reconfigured(room, QuieterVoices.WITHHOLD)
    assert {output.action for output in room.talk(200, below_db=BELOW_DB)} == {GateAction.WITHHOLD}
    reconfigured(room, QuieterVoices.PASS)
    passed = room.talk(200, below_db=BELOW_DB)
    assert {output.reason for output in passed} == {GateReason.CALLER_SPEECH}
    assert passed[-1].attenuation_db == 0.0
    assert level_of(passed[-1].audio[0]) > 100.0
    reconfigured(room, QuieterVoices.ATTENUATE)
    (output, *_) = room.talk(40, below_db=BELOW_DB)
    assert output.reason is GateReason.QUIETER_VOICE


def test_a_call_in_which_every_voice_passed_learns_from_then_on() -> None:
    """Nothing was measured before."""
    room = Room(QuieterVoices.PASS)
    room.make_known()
    reconfigured(room, QuieterVoices.ATTENUATE)
    assert room.talk(400, below_db=BELOW_DB)[-1].reason is GateReason.CALLER_SPEECH
    room.make_known()
    assert room.talk(2000, below_db=BELOW_DB)[-1].reason is GateReason.QUIETER_VOICE


def test_the_preroll_can_be_changed_in_a_call() -> None:
    """Of what is held, as much goes out as is configured when it does."""
    line = Line(preroll_ms=0)
    line.capture(silence(1000))
    line.guarded.reconfigure(AudioGuardConfig(preroll_ms=200))
    line.capture(speech_like(400, seed=1))
    released = [output.released for output in line.outputs if output.released]
    assert [len(frames) for frames in released] == [10]
