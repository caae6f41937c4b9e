"""What a network's log odds add up to."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import speech_like, tone
from voxgate.core.guard.frame_features import FEATURE_COUNT
from voxgate.core.guard.speech_evidence import (
    EvidenceRule,
    SpeechEvidence,
    packaged_speech_weights,
)

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


def test_packaged_weights_fit_and_are_small() -> None:
    """They take the guard's rows, and are read once."""
    weights = packaged_speech_weights()
    assert weights.inputs == FEATURE_COUNT
    assert packaged_speech_weights() is weights


@pytest.mark.parametrize("name", ["drift", "limit", "decay", "begin", "stay"])
def test_a_rule_is_a_value(name) -> None:
    """Nothing changes a rule that calls share."""
    with pytest.raises(AttributeError):
        setattr(RULE, name, 0.0)
