"""Simulated interruptions with known words."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import speech_like
from support.sound_banks import SPLIT, small_bank
from voxgate.lab.recognition.double_talk import Interruption, simulate_interruption
from voxgate.lab.recognition.spoken_clips import SpokenClip

CLIPS = [
    SpokenClip(words=(f"{who}{number}",), speaker=who, audio=speech_like(600, seed=seed) / 32768.0)
    for seed, (who, number) in enumerate([("ann", 1), ("ann", 2), ("bob", 1), ("bob", 2)])
]


def interruption(seed: int = 1, erl_db: float = 10.0) -> Interruption:
    return simulate_interruption(small_bank(), SPLIT, CLIPS, seed=seed, erl_db=erl_db)


def power_db(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(samples.astype(float) ** 2) + 1e-12))


def test_the_same_seed_gives_the_same_call() -> None:
    """And another seed another one."""
    one, two, other = interruption(1), interruption(1), interruption(2)
    assert one.words == two.words
    np.testing.assert_array_equal(one.stopped_after(200).capture, two.stopped_after(200).capture)
    assert not np.array_equal(one.line.far_end, other.line.far_end)


def test_one_speaker_says_enough_words_while_the_agent_talks() -> None:
    """Whole clips of one voice, some 2.4 s of them, inside the call."""
    for seed in range(4):
        talk = interruption(seed)
        start, end = talk.speech
        assert len({word[:3] for word in talk.words}) == 1
        assert 2.4 * 8000 * 0.8 < end - start < 4 * 8000
        assert end < talk.agent_end == len(talk.line.capture)
        assert np.any(talk.line.far_end[start:end])


@pytest.mark.parametrize("erl_db", [-6.0, 12.0])
def test_the_echo_has_the_return_loss_asked_for(erl_db: float) -> None:
    """Over the whole call."""
    line = interruption(erl_db=erl_db).line
    assert power_db(line.far_end) - power_db(line.echo) == pytest.approx(erl_db, abs=0.1)


def test_the_agent_stops_when_told_and_the_call_is_the_same_up_to_then() -> None:
    """What it had still to say is sent no more, and its echo fades."""
    talk = interruption()
    onset = talk.speech[0]
    on, off = talk.stopped_after(None), talk.stopped_after(200)
    stop = onset + 1600
    assert np.any(on.far_end[stop + 160 :])
    assert not np.any(off.far_end[stop + 160 :])
    np.testing.assert_array_equal(on.far_end[:stop], off.far_end[:stop])
    np.testing.assert_array_equal(on.capture[:stop], off.capture[:stop])
    late = slice(stop + 8000, None)
    alone = talk.without_echo().capture
    assert power_db(off.capture[late].astype(float) - alone[late]) < power_db(
        on.capture[late].astype(float) - alone[late]
    )


def test_a_stop_after_the_end_changes_nothing() -> None:
    """The agent has nothing left to say then."""
    talk = interruption()
    far = talk.stopped_after(60_000).far_end
    np.testing.assert_array_equal(far, talk.stopped_after(None).far_end)


def test_without_echo_the_caller_is_alone() -> None:
    """The same words on the same line, and a silent agent."""
    talk = interruption(erl_db=-6.0)
    alone = talk.without_echo()
    assert not np.any(alone.far_end)
    before = slice(0, talk.speech[0] - 800)
    assert power_db(alone.capture[before]) < power_db(talk.stopped_after(None).capture[before]) - 10
