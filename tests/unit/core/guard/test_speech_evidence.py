"""What a network's log odds add up to."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import speech_like, tone
from voxgate.core.config import SpeechEvidenceKind
from voxgate.core.guard import speech_evidence
from voxgate.core.guard.frame_features import FEATURE_COUNT
from voxgate.core.guard.silero import has_onnxruntime
from voxgate.core.guard.speech_evidence import (
    AverageNetwork,
    EvidenceBlend,
    EvidenceRule,
    SpeechEvidence,
    evidence_in_force,
    packaged_speech_evidence,
    packaged_speech_weights,
)

AUTO, LIGHT = SpeechEvidenceKind.AUTO, SpeechEvidenceKind.LIGHT
SILERO, JOINED = SpeechEvidenceKind.SILERO, SpeechEvidenceKind.JOINED
needs_onnxruntime = pytest.mark.skipif(not has_onnxruntime(), reason="extra silero is missing")
RULE = EvidenceRule(drift=0.0, limit=3.0, decay=0.5, begin=4.0, stay=1.0)
FRAME = speech_like(20)


class ScriptedNetwork:
    """Gives one log odds after the other."""

    def __init__(self, *logits: float) -> None:
        self._logits = list(logits)
        self.rows: list[np.ndarray] = []

    def process(self, features: np.ndarray) -> float:
        self.rows.append(features)
        return self._logits.pop(0)


class ScriptedSamples:
    """Gives one log odds after the other from samples, then raises."""

    def __init__(self, *logits: float) -> None:
        self._logits = list(logits)
        self.skipped: list[object] = []

    def process(self, samples: np.ndarray) -> float:
        if not self._logits:
            raise RuntimeError("no more")
        return self._logits.pop(0)

    def skip(self, samples: np.ndarray | None = None) -> None:
        self.skipped.append(samples)


EASY = EvidenceRule(drift=0.0, limit=3.0, decay=0.5, begin=1.0, stay=1.0)
HALVES = EvidenceBlend(light=0.5, sampled=0.5, rule=EASY)
ALONE = EvidenceBlend(light=0.0, sampled=1.0, rule=EASY)


def hear(
    evidence: SpeechEvidence, samples: np.ndarray = FRAME, *, is_in_turn: bool = False
) -> bool:
    return evidence.process(
        samples, 1000.0, zcr_ratio=0.1, is_voice=True, noise_floor=20.0, is_in_turn=is_in_turn
    )


def test_strong_evidence_of_two_frames_is_speech() -> None:
    """3 and half of 3 pass 4; one frame alone, however sure, does not."""
    evidence = SpeechEvidence(ScriptedNetwork(50.0, 3.0), RULE)
    assert [hear(evidence), hear(evidence)] == [False, True]


def test_weak_evidence_leaks() -> None:
    """1.5 a frame never comes to more than 3."""
    evidence = SpeechEvidence(ScriptedNetwork(*[1.5] * 50), RULE)
    assert not any(hear(evidence) for _ in range(50))


def test_evidence_against_takes_away_but_not_below_nothing() -> None:
    """Long noise before a word does not delay it."""
    evidence = SpeechEvidence(ScriptedNetwork(*[-9.0] * 20, 3.0, 3.0), RULE)
    assert [hear(evidence) for _ in range(22)] == [False] * 21 + [True]


def test_shortly_after_speech_one_frame_will_do() -> None:
    """In a turn the log odds of the frame decide, as soft parts of words should stay."""
    evidence = SpeechEvidence(ScriptedNetwork(1.0, 0.9), RULE)
    assert hear(evidence, is_in_turn=True)
    assert not hear(evidence, is_in_turn=True)


def test_silence_between_lets_evidence_leak() -> None:
    """A frame settled without the network halves the sum, and has no log odds."""
    evidence = SpeechEvidence(ScriptedNetwork(3.0, 3.0), RULE)
    hear(evidence)
    evidence.skip(FRAME)
    evidence.skip()
    assert evidence.logit is None
    assert not hear(evidence)
    assert evidence.logit == 3.0


def test_a_tone_is_no_speech_whatever_the_network_says() -> None:
    """Neither the tone nor the frame after it: what was heard of it does not count."""
    evidence = SpeechEvidence(ScriptedNetwork(*[9.0] * 12), RULE)
    ringing = tone(200, 425.0)
    verdicts = [hear(evidence, ringing[at : at + 160]) for at in range(0, 1600, 160)]
    assert not any(verdicts)
    assert evidence.is_tone
    assert not hear(evidence)
    assert not evidence.is_tone


def test_the_network_gets_the_row() -> None:
    """One row a frame, none for what is skipped."""
    network = ScriptedNetwork(0.0, 0.0)
    evidence = SpeechEvidence(network, RULE)
    hear(evidence)
    evidence.skip()
    hear(evidence)
    assert [row.shape for row in network.rows] == [(FEATURE_COUNT,)] * 2


def test_packaged_weights_fit() -> None:
    """Two networks take the guard's rows, and are read once."""
    networks = packaged_speech_weights()
    assert [weights.inputs for weights in networks] == [FEATURE_COUNT] * 2
    assert networks[0] is not networks[1]
    assert packaged_speech_weights() is networks


def test_networks_are_averaged() -> None:
    """Each is told of every row, and none counts more."""
    networks = [ScriptedNetwork(-3.0, 2.0), ScriptedNetwork(1.0), ScriptedNetwork(5.0)]
    row = np.zeros(FEATURE_COUNT, np.float32)
    assert AverageNetwork(networks).process(row) == 1.0
    assert AverageNetwork(networks[:1]).process(row) == 2.0
    assert [len(network.rows) for network in networks] == [2, 1, 1]


@pytest.mark.parametrize("name", ["drift", "limit", "decay", "begin", "stay"])
def test_a_rule_is_a_value(name) -> None:
    """Nothing changes a rule that calls share."""
    with pytest.raises(AttributeError):
        setattr(RULE, name, 0.0)


def test_both_networks_are_weighed() -> None:
    """Half of each; the rule is that of the blend."""
    evidence = SpeechEvidence(
        ScriptedNetwork(3.0, -4.0), RULE, sampled=ScriptedSamples(1.0, 2.0), blend=HALVES
    )
    assert hear(evidence)
    assert evidence.logit == 2.0
    hear(evidence)
    assert evidence.logit == -1.0


def test_a_network_without_weight_is_not_asked() -> None:
    """Its word would cost time and change nothing."""
    network = ScriptedNetwork()
    evidence = SpeechEvidence(network, RULE, sampled=ScriptedSamples(1.5), blend=ALONE)
    assert hear(evidence)
    assert evidence.logit == 1.5
    assert not network.rows


def test_what_is_skipped_is_told_to_the_network_on_samples() -> None:
    """Frames as they are, and holes as holes."""
    sampled = ScriptedSamples()
    evidence = SpeechEvidence(ScriptedNetwork(), RULE, sampled=sampled, blend=HALVES)
    evidence.skip(FRAME)
    evidence.skip()
    assert sampled.skipped[0] is FRAME
    assert sampled.skipped[1] is None


def test_a_network_that_raises_is_given_up_and_counted() -> None:
    """The small one goes on alone from that very frame, by its own rule; asked once, not again."""
    network = ScriptedNetwork(1.0, 3.0, 3.0, 3.0)
    evidence = SpeechEvidence(network, RULE, sampled=ScriptedSamples(1.0), blend=HALVES)
    assert hear(evidence)
    assert [hear(evidence) for _ in range(3)] == [False, True, True]
    assert evidence.logit == 3.0
    assert evidence.degradations == 1
    evidence.skip(FRAME)


def test_networks_come_with_their_blend() -> None:
    """One without the other is a mistake of whoever wires them."""
    with pytest.raises(ValueError, match="sampled and blend"):
        SpeechEvidence(ScriptedNetwork(), RULE, sampled=ScriptedSamples())
    with pytest.raises(ValueError, match="sampled and blend"):
        SpeechEvidence(ScriptedNetwork(), RULE, blend=HALVES)


@needs_onnxruntime
def test_what_is_installed_is_in_force() -> None:
    """Each kind is itself, and auto the best of them."""
    assert [evidence_in_force(kind) for kind in (LIGHT, SILERO, JOINED)] == [LIGHT, SILERO, JOINED]
    assert evidence_in_force() in (SILERO, JOINED)


@pytest.fixture
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without onnxruntime."""
    monkeypatch.setattr(speech_evidence, "packaged_silero_network", lambda: None)


@pytest.mark.usefixtures("_bare")
@pytest.mark.parametrize("kind", [AUTO, LIGHT, SILERO, JOINED])
def test_without_onnxruntime_the_light_one_serves(kind) -> None:
    """Whatever is asked for: the same log odds, to the bit, and the same verdicts."""
    assert evidence_in_force(kind) is LIGHT
    served, light = packaged_speech_evidence(kind=kind), packaged_speech_evidence(kind=LIGHT)
    assert served is not None
    assert light is not None
    samples = speech_like(600, seed=6)
    for at in range(0, len(samples), 160):
        frame = samples[at : at + 160]
        assert hear(served, frame) == hear(light, frame)
        assert served.logit == light.logit


@needs_onnxruntime
@pytest.mark.parametrize("kind", [SILERO, JOINED])
def test_the_same_call_has_the_same_evidence(kind) -> None:
    """Twice the same log odds, to the bit; and they are not those of the light one."""
    samples = speech_like(600, seed=6)

    def judge(of: SpeechEvidenceKind) -> list[float | None]:
        evidence = packaged_speech_evidence(kind=of)
        assert evidence is not None
        logits = []
        for at in range(0, len(samples), 160):
            hear(evidence, samples[at : at + 160])
            logits.append(evidence.logit)
        return logits

    assert judge(kind) == judge(kind)
    assert judge(kind) != judge(LIGHT)


@needs_onnxruntime
@pytest.mark.parametrize("kind", [SILERO, JOINED])
def test_sensitivity_shifts_every_kind(kind) -> None:
    """At 1 there is speech where at 0 there is none."""
    samples = speech_like(1000, seed=7)
    heard = []
    for sensitivity in (0.0, 0.5, 1.0):
        evidence = packaged_speech_evidence(kind=kind, sensitivity=sensitivity)
        assert evidence is not None
        heard.append(sum(hear(evidence, samples[at : at + 160]) for at in range(0, 8000, 160)))
    assert heard[0] <= heard[1] <= heard[2]
    assert heard[0] < heard[2]


def test_sensitivity_shifts_what_counts_and_back_again() -> None:
    """At 1 two logits less will do; what was summed up stays."""
    evidence = SpeechEvidence(ScriptedNetwork(*[1.5] * 9), RULE)
    assert not any(hear(evidence) for _ in range(3))
    evidence.set_sensitivity(1.0)
    assert hear(evidence)
    evidence.set_sensitivity(0.5)
    assert not any([hear(evidence) for _ in range(4)][1:])


def test_sensitivity_outlives_the_loss_of_a_network() -> None:
    """What is left is judged by it too."""
    network = ScriptedNetwork(*[2.0] * 4)
    evidence = SpeechEvidence(
        network, RULE, sampled=ScriptedSamples(), blend=HALVES, sensitivity=1.0
    )
    assert [hear(evidence) for _ in range(2)] == [False, True]
    assert evidence.degradations == 1
