"""Lines run through the gate with an eye on its guard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support.signals import frames_of, silence, speech_like, tone, white_noise
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.audio_guard import GuardVerdict
from voxgate.core.config import GatingConfig, SpeechEvidenceKind
from voxgate.core.gate_decision import GateReason
from voxgate.core.guard.speech_evidence import EvidenceRule
from voxgate.lab.guard_bench.watched_line import evidence_rule, watch_line

CONFIG = GatingConfig()
REASONS = {
    GateReason.CALLER_SPEECH: GuardVerdict.SPEECH,
    GateReason.HANGOVER: GuardVerdict.HANGOVER,
    GateReason.LINE_SILENCE: GuardVerdict.SILENCE,
    GateReason.LINE_NOISE: GuardVerdict.NOISE,
    GateReason.LINE_MUSIC: GuardVerdict.MUSIC,
    GateReason.LINE_TONE: GuardVerdict.TONE,
}


def line() -> np.ndarray:
    """Return quiet, words over noise, noise, ringing, and quiet."""
    samples = np.concatenate(
        [silence(400), speech_like(1200, seed=3), silence(1500), tone(600, 425.0), silence(300)]
    )
    return samples + white_noise(4000, level_dbfs=-58.0)


def test_a_watched_guard_gives_the_verdicts_of_a_call() -> None:
    """What the gating manager of an engine decides is what is watched, frame by frame."""
    manager = AudioGatingManager(config=CONFIG)
    manager.start_call("call", provider="openai_realtime", now_ms=0.0)
    decided = [
        REASONS[manager.process("call", frame, 20.0 * (number + 1)).reason]
        for number, frame in enumerate(frames_of(line()))
    ]
    assert [frame.verdict for frame in watch_line(line(), CONFIG)] == decided
    assert {GuardVerdict.SPEECH, GuardVerdict.HANGOVER, GuardVerdict.TONE} <= set(decided)


def test_what_is_measured_is_kept() -> None:
    """Levels, floor, threshold and evidence: with log odds where the network was asked."""
    frames = watch_line(line(), CONFIG)
    spoken = next(frame for frame in frames if frame.verdict is GuardVerdict.SPEECH)
    assert spoken.level > spoken.effective_threshold > spoken.noise_floor
    assert spoken.logit is not None
    assert spoken.evidence_sum is not None
    assert spoken.evidence_sum >= 2.5
    quiet = watch_line(silence(200), CONFIG)[-1]
    assert (quiet.level, quiet.logit, quiet.evidence_sum) == (0.0, None, 0.0)
    assert not quiet.music_mode


def test_what_went_out_with_an_onset_is_known() -> None:
    """With the first speech 300 ms of what came before it; silence takes nothing with it."""
    frames = watch_line(line(), CONFIG)
    first = next(number for number, frame in enumerate(frames) if frame.verdict.passes)
    assert frames[first].released_frames == 15
    assert not any(frame.released_frames for frame in frames[:first])


def test_the_rule_is_that_of_the_configured_evidence() -> None:
    """With what sensitivity moves."""
    guard = replace(CONFIG.audio_guard, speech_evidence=SpeechEvidenceKind.LIGHT)
    assert evidence_rule(guard) == EvidenceRule()
    assert evidence_rule(replace(guard, sensitivity=1.0)).stay == EvidenceRule().stay - 2.0


def test_without_evidence_none_is_kept() -> None:
    """A guard whose package has no weights."""
    frames = watch_line(line(), CONFIG, make_evidence=lambda config: None)
    assert {(frame.logit, frame.evidence_sum) for frame in frames} == {(None, None)}


@pytest.mark.parametrize("chunk_samples", [37, 80, 160, 333, 800])
def test_how_the_line_is_cut_does_not_show(chunk_samples: int) -> None:
    """Every whole frame has the verdict and measurements that it has alone."""
    samples = line()[: 160 * 120]
    cut = watch_line(samples, CONFIG, chunk_samples=chunk_samples)
    whole = watch_line(samples, CONFIG)[: len(cut)]
    assert [replace(frame, released_frames=0) for frame in cut] == [
        replace(frame, released_frames=0) for frame in whole
    ]
    assert len(cut) >= 119


def test_a_line_delivers_in_its_own_format() -> None:
    """One frame for each 20 ms at any rate, and mu-law all but as loud as PCM."""
    samples = line()
    mulaw = watch_line(samples, CONFIG, line_format=AudioFormat(Encoding.MULAW))
    plain = watch_line(samples, CONFIG)
    assert len(mulaw) == len(plain) == 200
    assert mulaw[40].level == pytest.approx(plain[40].level, rel=0.02)
    wide = watch_line(np.repeat(samples, 2), CONFIG, line_format=AudioFormat(rate_hz=16_000))
    assert len(wide) == 200


def test_a_policy_is_made_where_none_gates() -> None:
    """The guard is watched whatever providers are configured."""
    assert watch_line(silence(40), GatingConfig(providers={}))[-1].verdict is GuardVerdict.SILENCE
