"""Voice activity: one detector a call, smoothed, with the level beside it."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import frames_of, silence, speech_like, tone, white_noise
from voxgate.core.config import VadConfig
from voxgate.core.vad_manager import EnhancedVADManager, VADResult


def judge(vad: EnhancedVADManager, samples: np.ndarray, call_id: str = "call") -> list[VADResult]:
    return [vad.process(call_id, frame) for frame in frames_of(samples)]


def test_speech_is_speech_from_the_third_frame_on() -> None:
    """Confidence is the share of the last five frames: 0.6 is reached with the third."""
    results = judge(EnhancedVADManager(), speech_like(2000, seed=1))
    assert [result.is_speech for result in results[:4]] == [False, False, True, True]
    assert [result.confidence for result in results[:5]] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1])
    assert sum(result.is_speech for result in results) >= 0.95 * len(results)


def test_silence_is_not() -> None:
    """No confidence and no energy."""
    results = judge(EnhancedVADManager(), silence(400))
    assert {(r.is_speech, r.confidence, r.energy, r.webrtc_result) for r in results} == {
        (False, 0.0, 0.0, False)
    }


def test_one_click_or_tone_of_20_ms_never_is() -> None:
    """However loud, a single frame can't reach the smoothed confidence."""
    vad = EnhancedVADManager()
    judge(vad, silence(500))
    results = judge(vad, tone(20, 1000.0, level_dbfs=-6.0)) + judge(vad, silence(500))
    assert not any(result.is_speech for result in results)


def test_energy_counts_beside_the_voice() -> None:
    """Voice below the energy threshold is no speech."""
    soft = speech_like(2000, level_dbfs=-35.0, seed=2)
    assert not any(r.is_speech for r in judge(EnhancedVADManager(energy_threshold=2000), soft))
    assert any(r.is_speech for r in judge(EnhancedVADManager(energy_threshold=0), soft))


def test_energy_is_the_rms_of_the_frame_unless_it_is_known() -> None:
    """Computed if left out, taken as given otherwise."""
    vad = EnhancedVADManager()
    frame = np.full(160, -300, "<i2").tobytes()
    assert vad.process("call", frame).energy == pytest.approx(300.0)
    assert vad.process("call", frame, energy=7.0).energy == 7.0


def test_confidence_is_smoothed_over_as_many_frames_as_configured() -> None:
    """One frame is the detector's own word; 25 are half a second."""
    speech = speech_like(1000, seed=3)
    for result in judge(EnhancedVADManager(smoothing_frames=1), speech):
        assert result.confidence == float(result.webrtc_result)
    slow = judge(EnhancedVADManager(smoothing_frames=25), speech)
    assert slow[0].confidence <= 1 / 25
    assert slow[-1].confidence > 0.9


def test_fields_can_be_given_by_name() -> None:
    """Operators' names work as keywords, over a config as well."""
    vad = EnhancedVADManager(VadConfig(energy_threshold=5), webrtc_aggressiveness=1)
    assert vad.config == VadConfig(energy_threshold=5, webrtc_aggressiveness=1)


def test_wrong_fields_are_refused() -> None:
    """Out of range and unknown, each with its name."""
    with pytest.raises(ValueError, match="webrtc_aggressiveness: 4"):
        EnhancedVADManager(webrtc_aggressiveness=4)
    with pytest.raises(TypeError, match="aggressivness"):
        EnhancedVADManager(webrtc_aggressivness=2)


@pytest.mark.parametrize("n_bytes", [0, 160, 319, 321, 640, 960])
def test_only_20_ms_at_8_khz_are_judged(n_bytes) -> None:
    """WebRTC VAD knows few rates and sizes: anything else is an error, not a wrong verdict."""
    with pytest.raises(ValueError, match=f"frame: {n_bytes} bytes are not 320"):
        EnhancedVADManager().process("call", bytes(n_bytes))


def test_a_hole_in_the_stream_is_no_voice() -> None:
    """What was heard before five slots without a frame counts for nothing after them."""
    vad = EnhancedVADManager()
    speech = frames_of(speech_like(400, seed=6))
    for frame in speech:
        vad.process("call", frame)
    vad.pass_slot("call")
    assert vad.process("call", speech[10]).confidence == pytest.approx(0.8)
    for _ in range(5):
        vad.pass_slot("call")
    assert vad.process("call", bytes(320)).confidence <= 0.2  # WebRTC VAD's own hangover
    vad.pass_slot("unknown")
    assert len(vad) == 1


def test_calls_do_not_hear_each_other() -> None:
    """The verdicts on one call are the same whether or not another call is loud beside it."""
    speech, noise = speech_like(3000, seed=4), white_noise(3000, level_dbfs=-12.0)
    alone = judge(EnhancedVADManager(), speech)
    vad = EnhancedVADManager()
    beside = []
    for mine, other in zip(frames_of(speech), frames_of(noise), strict=True):
        vad.process("other", other)
        beside.append(vad.process("call", mine))
    assert beside == alone


def test_each_call_has_a_detector_until_it_is_cleaned_up() -> None:
    """Detectors are made on first use and forgotten with the call; unknown ids are no error."""
    vad = EnhancedVADManager()
    assert len(vad) == 0
    for call_id in ("a", "b", "a"):
        vad.process(call_id, bytes(320))
    assert len(vad) == 2
    vad.cleanup_call("a")
    vad.cleanup_call("a")
    assert len(vad) == 1


def test_a_cleaned_up_call_begins_anew() -> None:
    """No confidence is left over for the next call of the same name."""
    vad = EnhancedVADManager()
    judge(vad, speech_like(500, seed=5))
    vad.cleanup_call("call")
    assert vad.process("call", bytes(320)).confidence == 0.0


def test_a_manager_without_calls_is_not_false() -> None:
    """``vad or default`` must not replace a manager that is merely unused."""
    assert EnhancedVADManager()


def test_other_thresholds_hold_from_the_next_frame_on() -> None:
    """What was heard of each call stays."""
    vad = EnhancedVADManager()
    speech = speech_like(400, seed=1)
    assert all(result.is_speech for result in judge(vad, speech)[5:])
    vad.reconfigure(VadConfig(energy_threshold=32_767))
    assert not any(result.is_speech for result in judge(vad, speech))
    vad.reconfigure(VadConfig(smoothing_frames=10))
    (first, *_) = judge(vad, speech)
    assert first.confidence == pytest.approx(0.6), "five frames are remembered, and this one"


def test_aggressiveness_is_changed_in_the_detectors_that_run() -> None:
    """Mode 0 calls more of the noise speech than mode 3."""
    noise = white_noise(2000, level_dbfs=-30.0, seed=4)
    strict, changed = EnhancedVADManager(), EnhancedVADManager()
    for vad in (strict, changed):
        judge(vad, noise)
    changed.reconfigure(VadConfig(webrtc_aggressiveness=0))
    n_strict, n_lenient = (
        sum(result.webrtc_result for result in judge(vad, noise)) for vad in (strict, changed)
    )
    assert n_lenient > n_strict
