"""Callers whose level falls, and two people at one telephone."""

from __future__ import annotations

import numpy as np
import pytest

from support.sound_banks import SPLIT, small_bank
from voxgate.lab.guard_scenes import turning_away as module
from voxgate.lab.guard_scenes.turning_away import CourseKind, LevelCourse, draw_level_scene
from voxgate.lab.scenarios.turns import Span


@pytest.fixture(autouse=True)
def _without_gsm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CODECS", ("mulaw",))


def draw(kind: CourseKind, fall_db: float, *, seed: int = 1, duration_s: float = 20.0):
    return draw_level_scene(
        small_bank(), seed, SPLIT, LevelCourse(kind, fall_db), duration_s=duration_s
    )


def level_dbfs(samples: np.ndarray, spans: tuple[Span, ...]) -> float:
    heard = np.concatenate([samples[start:end] for start, end in spans]).astype(float)
    return float(20 * np.log10(np.sqrt(np.mean(heard**2)) / 32768))


@pytest.mark.parametrize("kind", CourseKind)
def test_only_the_course_moves_the_level(kind) -> None:
    """What is said at the lower level is so much below what it would have been."""
    plain, fallen = draw(kind, 0.0), draw(kind, 12.0)
    assert plain.softer == fallen.softer
    assert fallen.softer
    assert set(fallen.scene.caller_speech) == set(plain.scene.caller_speech)
    # Without the ends of the stretch, in which the level turns.
    inside = tuple((a + 1600, b - 1600) for a, b in fallen.softer if b - a > 8000)
    fall_db = level_dbfs(plain.scene.capture, inside) - level_dbfs(fallen.scene.capture, inside)
    assert fall_db == pytest.approx(12.0, abs=0.7)


def test_a_caller_turns_away_for_5_s() -> None:
    """After the first 8 s, and is as loud as before when it is over."""
    spans = draw(CourseKind.AWAY, 12.0).softer
    assert min(start for start, _ in spans) >= 8 * 8000
    assert max(end for _, end in spans) - min(start for start, _ in spans) <= 5 * 8000


def test_who_gets_quieter_for_good_stays_so() -> None:
    """The lower level goes on to the end of the call."""
    drawn = draw(CourseKind.QUIETER, 6.0)
    begin = min(start for start, _ in drawn.softer)
    assert all(end <= begin or (start, end) in drawn.softer for start, end in _later(drawn, begin))


def test_two_people_take_turns() -> None:
    """Both are heard, and what is the second one's is not the first one's."""
    drawn = draw(CourseKind.SHARED, 8.0, duration_s=30.0)
    first = set(drawn.scene.caller_speech) - set(drawn.softer)
    assert first
    assert drawn.softer
    assert all(b <= c or d <= a for a, b in first for c, d in drawn.softer)


def test_the_seed_decides() -> None:
    """The same call again, or another."""
    one, again, other = (draw(CourseKind.AWAY, 12.0, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(one.scene.capture, again.scene.capture)
    assert not np.array_equal(one.scene.capture, other.scene.capture)
    assert one.scene.capture.shape == (160_000,)
    assert one.scene.labels.shape == one.scene.is_asked.shape == (1000,)


def _later(drawn: module.LevelScene, begin: int) -> list[Span]:
    return [(start, end) for start, end in drawn.scene.caller_speech if start >= begin]
