"""One interruption, forwarded in every way and recognised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from support.signals import speech_like
from support.sound_banks import SPLIT, small_bank
from voxgate.lab.recognition import trial as module
from voxgate.lab.recognition.spoken_clips import SpokenClip
from voxgate.lab.recognition.trial import (
    NEVER,
    RecognitionSetting,
    Scenario,
    draw_scenarios,
    run_trial,
)
from voxgate.lab.recognition.word_errors import WordErrors
from voxgate.lab.scenarios.bank import save_bank

CLIPS = [SpokenClip(words=("one",), speaker="ann", audio=speech_like(700, seed=1) / 32768.0)]


class Judge:
    """Hears one word, and keeps what it was given."""

    vocabulary = frozenset({"one"})

    def __init__(self) -> None:
        self.given: list[np.ndarray] = []

    def recognise(self, audio: np.ndarray) -> tuple[str, ...]:
        self.given.append(audio)
        return ("one",)


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Judge:
    judge = Judge()
    monkeypatch.setattr(module, "_judge_of", lambda corpus: (CLIPS, judge))
    monkeypatch.setattr(module, "count_word_errors", counted)
    return judge


def counted(said: tuple[str, ...], heard: tuple[str, ...]) -> WordErrors:
    missing = len(said) - len(heard)
    return WordErrors(substitutions=0, deletions=missing, insertions=0, words=len(said))


def setting(folder: Path, *stops_ms: float | None) -> RecognitionSetting:
    save_bank(small_bank(), folder)
    return RecognitionSetting(
        bank=folder, split=SPLIT, corpus=None, ways=("raw", "echo_cancelled"), stops_ms=stops_ms
    )


def test_every_way_is_judged_for_every_time_at_which_the_agent_stops(
    tmp_path: Path, judge: Judge
) -> None:
    """On the caller's speech with 120 ms before and 300 ms after it, and once without echo."""
    scenario = Scenario(seed=3, erl_db=0.0)
    outcome = run_trial(scenario, setting=setting(tmp_path, 0.0, NEVER))
    assert outcome.scenario is scenario
    assert list(outcome.errors) == [0.0, NEVER]
    assert all(list(ways) == ["raw", "echo_cancelled"] for ways in outcome.errors.values())
    n_words = outcome.without_echo.words
    assert n_words >= 3
    assert outcome.errors[NEVER]["raw"].errors == n_words - 1
    assert outcome.tags["erl_db"] == "0"
    assert len(judge.given) == 2 * 2 + 1
    assert len({len(audio) for audio in judge.given}) == 1
    raw_stopped, cancelled, raw_on, _, alone = judge.given
    assert not np.array_equal(raw_stopped, cancelled)
    power = [float(np.mean(audio**2)) for audio in (alone, raw_stopped, raw_on)]
    assert power == sorted(power)


def test_scenarios_meet_every_return_loss_equally_often() -> None:
    """Taking fewer keeps the first ones; no two calls and no two seeds share chance."""
    many = draw_scenarios(3, 2, [6.0, 12.0])
    assert draw_scenarios(1, 2, [6.0, 12.0]) == many[:2]
    assert [scenario.erl_db for scenario in many] == [6.0, 12.0] * 3
    others = draw_scenarios(3, 3, [6.0, 12.0])
    assert len({scenario.seed for scenario in (*many, *others)}) == 12


def test_clips_of_words_that_nobody_can_recognise_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They would count as errors of every way."""
    unknown = SpokenClip(words=("one", "xyzzy"), speaker="ann", audio=CLIPS[0].audio)
    monkeypatch.setattr(module, "find_spoken_clips", lambda corpus: [*CLIPS, unknown])
    monkeypatch.setattr(module, "WordRecogniser", lambda words: Judge())
    clips, recogniser = module._judge_of.__wrapped__(None)
    assert clips == CLIPS
    assert recogniser.vocabulary == {"one"}
