"""The detectors of one call: what they are fed, what they say, and what happens when one raises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support.gate_calls import AdamantVad, BrokenVad, ScriptedCanceller, ScriptedNearEnd
from support.signals import frames_of, silence, speech_like, tone, white_noise
from voxgate.core import g711
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.capture_analyzer import CaptureAnalysis, CaptureAnalyzer
from voxgate.core.config import ForwardedAudio, GatingMode, ProviderGatingPolicy
from voxgate.core.echo.near_end import NearEndDetector, NearEndVerdict, NullNearEndDetector
from voxgate.core.gate_decision import GateMeasurements
from voxgate.core.vad_manager import EnhancedVADManager

PCM_8K = AudioFormat()


def make(
    mode: GatingMode = GatingMode.VAD,
    *,
    vad: EnhancedVADManager | None = None,
    near_end: NearEndDetector | None = None,
    capture: AudioFormat = PCM_8K,
    far_end: AudioFormat = PCM_8K,
    **policy: float,
) -> CaptureAnalyzer:
    return CaptureAnalyzer(
        "call",
        policy=ProviderGatingPolicy(gating_enabled=True, mode=mode, **policy),
        vad_manager=EnhancedVADManager() if vad is None else vad,
        near_end=NullNearEndDetector() if near_end is None else near_end,
        capture_format=capture,
        far_end_format=far_end,
    )


def analyze(analyzer: CaptureAnalyzer, frames: list[bytes]) -> list[CaptureAnalysis]:
    return [
        analyzer.analyze(frame, 20.0 * number, agent_audible=True)
        for number, frame in enumerate(frames, 1)
    ]


def encoded(samples: np.ndarray, audio_format: AudioFormat) -> list[bytes]:
    """Return the frames of samples at the format's rate, encoded."""
    data = g711.encode(samples, audio_format)
    size = audio_format.frame_bytes
    return [data[at : at + size] for at in range(0, len(data) - size + 1, size)]


FORMATS = [
    AudioFormat(Encoding.PCM16, 8000),
    AudioFormat(Encoding.PCM16, 16_000),
    AudioFormat(Encoding.PCM16, 24_000),
    AudioFormat(Encoding.PCM16, 44_100),
    AudioFormat(Encoding.PCM16, 48_000),
    AudioFormat(Encoding.MULAW),
    AudioFormat(Encoding.ALAW),
]


@pytest.mark.parametrize("audio_format", FORMATS, ids=lambda f: f"{f.encoding}-{f.rate_hz}")
def test_speech_of_every_format_is_heard(audio_format) -> None:
    """Whatever the line delivers, the detectors get 8 kHz: confidence passes its threshold."""
    samples = speech_like(2000, level_dbfs=-18.0, seed=1, rate_hz=audio_format.rate_hz)
    analyses = analyze(make(capture=audio_format), encoded(samples, audio_format))
    share = sum(analysis.is_caller for analysis in analyses) / len(analyses)
    assert share > 0.6
    assert max(analysis.voice.confidence for analysis in analyses) == 1.0


@pytest.mark.parametrize("audio_format", FORMATS, ids=lambda f: f"{f.encoding}-{f.rate_hz}")
def test_levels_do_not_depend_on_the_format(audio_format) -> None:
    """A tone at -20 dBFS reads RMS 3277 in every encoding and at every rate."""
    samples = tone(400, 440.0, level_dbfs=-20.0, rate_hz=audio_format.rate_hz)
    *_, last = analyze(make(capture=audio_format), encoded(samples, audio_format))
    assert last.level == pytest.approx(3277, rel=0.02)
    assert last.zcr_ratio == pytest.approx(2 * 440 / 8000, abs=0.01)


def test_in_mode_vad_voice_and_level_must_both_reach_their_thresholds() -> None:
    """Loud speech speaks for the caller; soft speech and loud silence do not."""
    loud = analyze(make(), frames_of(speech_like(1000, level_dbfs=-18.0, seed=2)))
    assert [a.is_caller for a in loud[:2]] == [False, False]  # two frames are no smoothed voice
    assert sum(a.is_caller for a in loud) > 30
    soft = analyze(make(), frames_of(speech_like(1000, level_dbfs=-35.0, seed=2)))
    assert not any(a.is_caller for a in soft)
    assert any(a.voice.confidence == 1.0 for a in soft)
    lower = make(energy_threshold=300)
    assert any(a.is_caller for a in analyze(lower, frames_of(speech_like(1000, level_dbfs=-35.0))))


def test_half_duplex_hears_nobody() -> None:
    """No frame speaks for the caller, but voice is measured for the time the agent is silent."""
    analyses = analyze(make(GatingMode.HALF_DUPLEX), frames_of(speech_like(1000, seed=3)))
    assert not any(a.is_caller for a in analyses)
    assert any(a.voice.is_speech for a in analyses)


def test_without_a_detector_for_it_echo_aware_is_vad() -> None:
    """The null detector is none: the mode in force says so from the start."""
    analyzer = make(GatingMode.ECHO_AWARE)
    assert analyzer.mode is GatingMode.VAD
    assert analyzer.degradations == 0
    analysis = analyzer.analyze(bytes(320), 20.0, agent_audible=True)
    assert (analysis.near_end, analysis.is_echo) == (None, None)


@pytest.mark.parametrize(
    ("sensitivity", "logit", "is_caller"),
    [
        (0.5, 0.4, False),
        (0.5, 0.5, True),
        (0.0, 2.4, False),
        (0.0, 2.5, True),
        (1.0, -1.5, True),
        (1.0, -1.6, False),
        (0.5, -5.6, False),
    ],
)
def test_in_mode_echo_aware_the_verdict_decides(sensitivity, logit, is_caller) -> None:
    """Voice and level are not asked; sensitivity moves the bar from log odds of 2.5 to -1.5."""
    near_end = ScriptedNearEnd(logits=lambda number: logit)
    analyzer = make(GatingMode.ECHO_AWARE, near_end=near_end, sensitivity=sensitivity)
    for frame in (bytes(320), *frames_of(speech_like(200, level_dbfs=-10.0))):
        analysis = analyzer.analyze(frame, 20.0, agent_audible=True)
        assert analysis.is_caller is is_caller
        assert analysis.is_echo is (logit < -5.5)


def test_a_detector_that_can_not_judge_leaves_it_to_voice_and_level() -> None:
    """None is no verdict, and no fault either."""
    analyzer = make(GatingMode.ECHO_AWARE, near_end=ScriptedNearEnd())
    analyses = analyze(analyzer, frames_of(speech_like(1000, level_dbfs=-18.0, seed=2)))
    assert any(a.is_caller for a in analyses)
    assert (analyzer.mode, analyzer.degradations) == (GatingMode.ECHO_AWARE, 0)


@pytest.mark.parametrize("mode", [GatingMode.OFF, GatingMode.HALF_DUPLEX, GatingMode.VAD])
def test_in_other_modes_the_detector_is_left_alone(mode) -> None:
    """It costs nothing where its verdict is not used."""
    near_end = ScriptedNearEnd()
    analyzer = make(mode, near_end=near_end)
    analyzer.receive_far_end(bytes(320), 20.0)
    analyzer.analyze(bytes(320), 20.0, agent_audible=True)
    assert near_end.captures == near_end.far_ends == []


@pytest.mark.parametrize("audio_format", FORMATS, ids=lambda f: f"{f.encoding}-{f.rate_hz}")
def test_the_detector_gets_160_samples_a_slot(audio_format) -> None:
    """Capture and far end of every format reach it as 20 ms at 8 kHz."""
    near_end = ScriptedNearEnd()
    analyzer = make(
        GatingMode.ECHO_AWARE, near_end=near_end, capture=audio_format, far_end=audio_format
    )
    for frame in encoded(tone(100, 440.0, rate_hz=audio_format.rate_hz), audio_format):
        assert analyzer.receive_far_end(frame, 20.0)
        analyzer.analyze(frame, 20.0, agent_audible=True)
    for heard in (near_end.captures, near_end.far_ends):
        assert [samples.shape for samples in heard] == [(160,)] * 5
        assert all(samples.dtype == np.int16 for samples in heard)


@pytest.mark.parametrize(
    ("n_bytes", "kept"), [(0, 0), (1, 0), (7, 3), (319, 159), (322, 160), (1000, 160)]
)
def test_a_far_end_frame_of_wrong_length_is_made_to_fit(n_bytes, kept) -> None:
    """There is one far-end frame a slot, always: cut, or filled up with silence, and reported."""
    near_end = ScriptedNearEnd()
    analyzer = make(GatingMode.ECHO_AWARE, near_end=near_end)
    assert not analyzer.receive_far_end(b"\1" * n_bytes, 20.0)
    (samples,) = near_end.far_ends
    assert samples.shape == (160,)
    assert np.count_nonzero(samples) == kept
    assert analyzer.degradations == 0


def test_a_wrong_length_is_reported_without_a_detector_too() -> None:
    """The counter does not depend on the mode."""
    analyzer = make()
    assert analyzer.receive_far_end(bytes(320), 20.0)
    assert not analyzer.receive_far_end(bytes(318), 20.0)


# -- degradation -----------------------------------------------------------------------------------


def test_voice_detection_that_raises_leaves_half_duplex() -> None:
    """Dropped with the first error, counted once, never asked again; the call goes on."""
    vad = BrokenVad(works_for=3)
    analyzer = make(vad=vad)
    analyses = analyze(analyzer, frames_of(speech_like(400, level_dbfs=-18.0)))
    assert (analyzer.mode, analyzer.degradations, vad.asked) == (GatingMode.HALF_DUPLEX, 1, 4)
    assert analyses[3].voice is None
    assert not any(a.is_caller for a in analyses[3:])
    assert analyses[-1].level > 0


def test_a_frame_that_waits_for_the_next_is_judged_by_nobody() -> None:
    """A pending verdict is none: neither echo nor the caller, however low the thresholds."""

    class WaitingNearEnd(ScriptedNearEnd):
        def process(self, *args: object, **options: object) -> NearEndVerdict:
            return NearEndVerdict(logit=9.0, is_pending=True)

    analyzer = make(GatingMode.ECHO_AWARE, near_end=WaitingNearEnd(), sensitivity=1.0)
    (analysis,) = analyze(analyzer, frames_of(speech_like(20, level_dbfs=-10.0)))
    assert analysis.is_unjudged
    assert (analysis.is_caller, analysis.is_echo, analysis.logit) == (False, None, None)


def test_a_near_end_detector_that_raises_leaves_vad() -> None:
    """Voice and level take over in the same frame."""
    near_end = ScriptedNearEnd(logits=lambda number: -9.0, raises_from=5)
    analyzer = make(GatingMode.ECHO_AWARE, near_end=near_end)
    analyses = analyze(analyzer, frames_of(speech_like(600, level_dbfs=-18.0, seed=2)))
    assert (analyzer.mode, analyzer.degradations) == (GatingMode.VAD, 1)
    assert len(near_end.captures) == 5
    assert not any(a.is_caller for a in analyses[:4])
    assert any(a.is_caller for a in analyses[4:])


def test_a_near_end_detector_that_raises_on_the_far_end_leaves_vad() -> None:
    """The far end can be what it stumbles over; it is not fed any more."""
    near_end = ScriptedNearEnd(raises_on_far_end=True)
    analyzer = make(GatingMode.ECHO_AWARE, near_end=near_end)
    for _ in range(3):
        assert analyzer.receive_far_end(bytes(320), 20.0)
    assert (analyzer.mode, analyzer.degradations, len(near_end.far_ends)) == (GatingMode.VAD, 1, 1)


def test_where_the_reference_tells_nobody_asks_for_voice() -> None:
    """A verdict needs no voice detector, and time is saved: the frame has no voice."""
    near_end = ScriptedNearEnd(logits=lambda number: 5.0)
    analyzer = make(GatingMode.ECHO_AWARE, near_end=near_end, vad=AdamantVad())
    analysis = analyzer.analyze(bytes(320), 20.0, agent_audible=True)
    assert (analyzer.mode, analyzer.degradations) == (GatingMode.ECHO_AWARE, 0)
    assert analysis.voice is None
    assert analysis.is_caller


def test_voice_is_forgotten_while_the_reference_tells() -> None:
    """What the voice detector heard before the agent is no voice after it."""
    near_end = ScriptedNearEnd(logits=lambda number: -8.0 if 50 < number <= 350 else None)
    analyzer = make(GatingMode.ECHO_AWARE, near_end=near_end)
    before = analyze(analyzer, frames_of(speech_like(1000, level_dbfs=-20.0)))
    assert max(analysis.voice.confidence for analysis in before) > 0.5
    analyze(analyzer, [bytes(320)] * 300)
    after, *_ = analyze(analyzer, frames_of(white_noise(20, level_dbfs=-60.0)))
    assert after.voice.confidence < 0.5


def test_when_both_have_raised_half_duplex_is_left() -> None:
    """In either order."""
    near_end = ScriptedNearEnd(logits=lambda number: 5.0, raises_from=2)
    analyzer = make(GatingMode.ECHO_AWARE, near_end=near_end, vad=BrokenVad())
    assert not analyze(analyzer, [bytes(320)] * 3)[-1].is_caller
    assert (analyzer.mode, analyzer.degradations) == (GatingMode.HALF_DUPLEX, 2)

    near_end = ScriptedNearEnd(raises_from=1)
    analyzer = make(GatingMode.ECHO_AWARE, near_end=near_end, vad=BrokenVad(works_for=5))
    analyze(analyzer, [bytes(320)] * 9)
    assert (analyzer.mode, analyzer.degradations) == (GatingMode.HALF_DUPLEX, 2)


@pytest.mark.parametrize("mode", [GatingMode.OFF, GatingMode.HALF_DUPLEX])
def test_a_mode_that_is_simpler_already_stays(mode) -> None:
    """A failing voice detector does not change what does not depend on it."""
    analyzer = make(mode, vad=BrokenVad())
    analyzer.analyze(bytes(320), 20.0, agent_audible=True)
    assert (analyzer.mode, analyzer.degradations) == (mode, 1)


def test_a_hole_in_the_stream_reaches_the_voice_detector() -> None:
    """Five slots without a frame, and the voice before them is forgotten; without a detector
    nothing happens."""
    analyzer = make()
    analyze(analyzer, frames_of(speech_like(400, seed=6)))
    for _ in range(5):
        analyzer.pass_slot(agent_audible=True)
    assert analyzer.analyze(bytes(320), 20.0, agent_audible=True).voice.confidence <= 0.2
    analyzer = make(vad=BrokenVad())
    analyzer.analyze(bytes(320), 20.0, agent_audible=True)
    analyzer.pass_slot(agent_audible=True)


def test_an_assertion_in_a_detector_is_no_way_out_of_the_call() -> None:
    """Any exception of a detector stays inside; the double used for pass-through proves nothing
    about gated calls."""
    analyzer = make(vad=AdamantVad())
    assert analyzer.analyze(bytes(320), 20.0, agent_audible=True).voice is None


def test_measurements_say_what_was_measured() -> None:
    """Every field comes from the frame, floor and evidence from outside."""
    near_end = ScriptedNearEnd(logits=lambda number: 0.25)
    sound = frames_of(tone(200, 1000.0, level_dbfs=-20.0))
    *_, judged = analyze(make(GatingMode.ECHO_AWARE, near_end=near_end), sound)
    assert judged.measurements(noise_floor=33.0, evidence_ms=80.0) == GateMeasurements(
        capture_rms=judged.level, noise_floor=33.0, near_end_logit=0.25, evidence_ms=80.0
    )
    *_, last = analyze(make(), sound)
    assert last.measurements(noise_floor=33.0, evidence_ms=80.0) == GateMeasurements(
        capture_rms=last.level,
        zcr_ratio=last.zcr_ratio,
        vad_confidence=last.voice.confidence,
        noise_floor=33.0,
        evidence_ms=80.0,
    )
    assert last.voice.confidence > 0.0
    without = analyze(make(vad=BrokenVad()), frames_of(silence(20)))[0].measurements(
        noise_floor=0.0, evidence_ms=0.0
    )
    assert (without.vad_confidence, without.near_end_logit) == (0.0, None)


def test_measurements_say_what_the_echo_filter_found() -> None:
    """Level without the echo, its delay and loss; and what the gate knows besides."""
    verdict = NearEndVerdict(
        logit=1.0, erl_db=12.0, echo_delay_ms=160.0, erle_db=7.0, near_end_dbfs=-40.0
    )
    measured = replace(analyze(make(), frames_of(silence(20)))[0], near_end=verdict).measurements(
        noise_floor=20.0,
        evidence_ms=60.0,
        evidence_span_ms=100.0,
        agent_audible=True,
        speech_logit=-2.0,
    )
    found = (measured.erl_db, measured.echo_delay_ms, measured.erle_db, measured.near_end_dbfs)
    assert found == (12.0, 160.0, 7.0, -40.0)
    told = (measured.evidence_span_ms, measured.agent_audible, measured.speech_logit)
    assert told == (100.0, True, -2.0)


@pytest.mark.parametrize("audio_format", FORMATS, ids=lambda f: f"{f.encoding}-{f.rate_hz}")
def test_raw_audio_is_the_very_frame(audio_format) -> None:
    """Whatever its format, and whatever a filter would leave of it."""
    analyzer = make(
        GatingMode.ECHO_AWARE,
        near_end=ScriptedCanceller(),
        capture=audio_format,
        forwarded_audio=ForwardedAudio.RAW,
    )
    frames = encoded(speech_like(100, rate_hz=audio_format.rate_hz), audio_format)
    analyses = analyze(analyzer, frames)
    assert all(a.audio is frame for a, frame in zip(analyses, frames, strict=True))


def test_echo_cancelled_audio_is_what_the_filter_leaves() -> None:
    """A frame that waits for its slot goes as it came."""
    detector = ScriptedCanceller(waiting=frozenset({3}))
    analyzer = make(GatingMode.ECHO_AWARE, near_end=detector)
    frames = frames_of(speech_like(100, seed=4) // 2 * 2)
    audio = [a.audio for a in analyze(analyzer, frames)]
    halved = [(np.frombuffer(f, np.int16) // 2).tobytes() for f in frames]
    assert audio == [*halved[:2], frames[2], *halved[3:]]


@pytest.mark.parametrize(
    ("mode", "near_end"),
    [
        (GatingMode.VAD, ScriptedCanceller()),
        (GatingMode.ECHO_AWARE, ScriptedNearEnd()),
        (GatingMode.ECHO_AWARE, NullNearEndDetector()),
    ],
)
def test_without_a_filter_audio_goes_as_it_came(mode, near_end) -> None:
    """In a mode that has none, and with a detector that has none."""
    frames = frames_of(speech_like(60))
    analyses = analyze(make(mode, near_end=near_end), frames)
    assert all(a.audio is frame for a, frame in zip(analyses, frames, strict=True))


def test_after_the_detector_is_lost_audio_goes_as_it_came() -> None:
    """Its filter went with it; what it left last belongs to another frame."""
    analyzer = make(GatingMode.ECHO_AWARE, near_end=ScriptedCanceller(raises_from=2))
    frames = frames_of(speech_like(60, seed=5))
    first, *others = analyze(analyzer, frames)
    assert first.audio != frames[0]
    assert [a.audio for a in others] == frames[1:]
