"""One interruption of the bench: simulated, forwarded in every way, recognised, counted.

Invariant: the outcome depends on clips, seed, return loss and ways alone.
"""

from __future__ import annotations

__all__ = ["NEVER", "Interrupted", "RecognitionSetting", "Scenario", "draw_scenarios", "run_trial"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from ..scenarios.bank import Bank, load_bank
from ..scenarios.signals import Audio
from .double_talk import Interruption, simulate_interruption
from .forwarding import WAYS, as_float, filter_echo
from .recogniser import WordRecogniser
from .spoken_clips import SpokenClip, find_spoken_clips
from .word_errors import WordErrors, count_word_errors

NEVER: float | None = None
"""The agent does not stop."""
_BEFORE_SAMPLES = 960
"""Of the call before the caller's first word, what the recogniser gets: the onset's 120 ms."""
_AFTER_SAMPLES = 2400
"""And after the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What one interruption is drawn from."""

    seed: int
    erl_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionSetting:
    """What all interruptions have in common."""

    bank: Path
    """Folder of the agent's clips."""
    split: str
    corpus: Path | None
    """Of the caller's clips; None for the packaged ones."""
    ways: tuple[str, ...]
    stops_ms: tuple[float | None, ...]
    """How long after the caller's onset the agent stops; :data:`NEVER` for one that goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """One interruption, judged."""

    scenario: Scenario
    tags: Mapping[str, str]
    without_echo: WordErrors
    """What the recogniser makes of the caller alone."""
    errors: Mapping[float | None, Mapping[str, WordErrors]]
    """By when the agent stopped, then by way."""


def draw_scenarios(count: int, seed: int, return_losses_db: Sequence[float]) -> list[Scenario]:
    """Return ``count`` interruptions at each return loss."""
    return [
        Scenario(seed=seed * 1_000_000 + number, erl_db=erl_db)
        for number, erl_db in enumerate(erl_db for _ in range(count) for erl_db in return_losses_db)
    ]


def run_trial(scenario: Scenario, *, setting: RecognitionSetting) -> Interrupted:
    """Simulate one interruption, and have a recogniser judge every way to forward it."""
    clips, recogniser = _judge_of(setting.corpus)
    talk = simulate_interruption(
        _bank_at(setting.bank), setting.split, clips, seed=scenario.seed, erl_db=scenario.erl_db
    )
    count = partial(_count, talk, recogniser)
    errors: dict[float | None, dict[str, WordErrors]] = {}
    for stop_ms in setting.stops_ms:
        filtered = filter_echo(talk.stopped_after(stop_ms))
        errors[stop_ms] = {way: count(WAYS[way].make(filtered)) for way in setting.ways}
    return Interrupted(
        scenario=scenario,
        tags=talk.line.tags,
        without_echo=count(as_float(talk.without_echo())),
        errors=errors,
    )


def _count(talk: Interruption, recogniser: WordRecogniser, audio: Audio) -> WordErrors:
    start, end = talk.speech
    heard = recogniser.recognise(audio[max(0, start - _BEFORE_SAMPLES) : end + _AFTER_SAMPLES])
    return count_word_errors(talk.words, heard)


@cache
def _bank_at(folder: Path) -> Bank:
    """Return a bank, loaded once a process."""
    return load_bank(folder)


@cache
def _judge_of(corpus: Path | None) -> tuple[list[SpokenClip], WordRecogniser]:
    """Return the clips whose words can be recognised, and who recognises them; once a process."""
    clips = find_spoken_clips(corpus)
    recogniser = WordRecogniser({word for clip in clips for word in clip.words})
    return [clip for clip in clips if recogniser.vocabulary.issuperset(clip.words)], recogniser
