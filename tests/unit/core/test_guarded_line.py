"""What the guard's verdicts stand for."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from support.signals import frames_of, silence, speech_like, white_noise
from voxgate.core.audio import AudioFormat
from voxgate.core.audio_guard import AudioGuard
from voxgate.core.call_stats import CallStats
from voxgate.core.capture_analyzer import CaptureAnalysis
from voxgate.core.config import AudioGuardConfig, WithheldAudio
from voxgate.core.gate_decision import GateAction, GateEventType, GateReason
from voxgate.core.gate_output import GateOutput, Outlet
from voxgate.core.guarded_line import GuardedLine
from voxgate.core.levels import rms, zero_crossing_ratio
from voxgate.core.vad_manager import EnhancedVADManager, VADResult


class Line:
    """A guarded line that is fed samples."""

    def __init__(self, preroll_ms: int = 300, **config: float) -> None:
        self.stats = CallStats()
        outlet = Outlet(WithheldAudio.SILENCE, AudioFormat(), 0.0, self.stats)
        settings = AudioGuardConfig(preroll_ms=preroll_ms, **config)
        guard = AudioGuard(settings)
        self.guarded = GuardedLine(guard, outlet, self.stats, config=settings, start_ms=0.0)
        self.outputs: list[GateOutput] = []
        self.heard: list[bool] = []
        self._vad = EnhancedVADManager()

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
