"""The curve of the level rule."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from support.signals import silence, speech_like
from voxgate.core.audio_guard import GuardVerdict
from voxgate.core.config import GatingConfig, QuieterVoices
from voxgate.lab.guard_bench import level_curve as module
from voxgate.lab.guard_bench.level_curve import (
    CONDITIONS,
    CurveCondition,
    CurvePoint,
    measure_level_curve,
)
from voxgate.lab.guard_bench.measure import GuardBenchPlan
from voxgate.lab.guard_bench.watched_line import WatchedFrame
from voxgate.lab.guard_scenes import GuardScene
from voxgate.lab.guard_scenes.turning_away import CourseKind

PLAN = GuardBenchPlan(bank=Path("none"), split="all", scenes=1, seed=1, config=GatingConfig())


def test_conditions_have_names_of_their_own() -> None:
    """Tables tell them apart."""
    names = [condition.name for condition in CONDITIONS]
    assert len(set(names)) == len(names)
    for name in ("tv 15 dB below", "a caller turns away by 12 dB for 5 s", "two people 8 dB apart"):
        assert name in names


@pytest.mark.parametrize("kind", ["caller", "tv", CourseKind.AWAY])
def test_a_condition_draws_its_calls(kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the cells of the guard's bench, or from callers whose level falls."""
    drawn = _scene(silence(1000), (0, 800))
    asked: list[object] = []

    class Softer:
        scene, softer = drawn, ((80, 160),)

    monkeypatch.setattr(
        module, "draw_cell_scene", lambda bank, cell, *_, **__: asked.append(cell) or drawn
    )
    monkeypatch.setattr(
        module,
        "draw_level_scene",
        lambda bank, seed, split, course, **_: asked.append(course) or Softer,
    )
    scene, judged = CurveCondition(kind, 12.0).draw(None, 1, "all", 20.0)
    assert scene is drawn
    (wish,) = asked
    if kind is CourseKind.AWAY:
        assert (wish.kind, wish.fall_db, judged) == (CourseKind.AWAY, 12.0, ((80, 160),))
    else:
        expected = "none" if kind == "caller" else "tv"
        assert (wish.kind, wish.snr_db, judged) == (expected, 12.0, ((0, 800),))


@pytest.fixture(scope="module")
def points() -> list[CurvePoint]:
    """A call of a caller, and of somebody 20 dB below who is heard again and again."""
    parts: list[np.ndarray] = []
    speech = []
    at = 0
    for number in range(4):
        loud = speech_like(3000, seed=number)
        soft = (speech_like(4000, seed=10 + number) * 0.1).astype(np.int16)
        speech.append((at, at + len(loud)))
        parts += [loud, soft]
        at += len(loud) + len(soft)
    scene = _scene(np.concatenate(parts), *speech)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CONDITIONS", (CurveCondition("tv", 20.0),))
        patch.setattr(module, "_bank_at", lambda folder: None)
        patch.setattr(module, "draw_cell_scene", lambda *_, **__: scene)
        patch.setattr(module, "watch_line", _hear_all)
        (measured,) = measure_level_curve(PLAN, jobs=1)
    return measured


def test_every_setting_has_its_point(points: list[CurvePoint]) -> None:
    """The rule's absence first, then both modes at each threshold."""
    settings = [(point.quieter_voices, point.threshold_db) for point in points]
    assert settings[0] == (QuieterVoices.PASS, None)
    assert len(set(settings)) == len(settings)
    assert {mode for mode, _ in settings} == set(QuieterVoices)


@pytest.mark.parametrize("mode", [QuieterVoices.ATTENUATE, QuieterVoices.WITHHOLD])
def test_a_voice_20_db_below_is_taken_out_and_the_caller_is_not(points, mode) -> None:
    """Less of it counts as forwarded than without the rule; the caller loses next to nothing."""
    without = points[0]
    (chosen,) = (of for of in points if (of.quieter_voices, of.threshold_db) == (mode, 10.0))
    assert chosen.idle_forwarded.percent < 0.7 * without.idle_forwarded.percent
    assert chosen.speech_lost.percent < 5.0
    assert chosen.speech_lost.of_ms == without.speech_lost.of_ms


def _hear_all(samples: np.ndarray, config: GatingConfig) -> list[WatchedFrame]:
    """Take every frame that is not silent for speech, whatever the weights of the day say."""
    levels = np.sqrt(np.mean(samples.astype(float).reshape(-1, 160) ** 2, axis=1))
    return [
        WatchedFrame(
            verdict=GuardVerdict.SPEECH if level > 10.0 else GuardVerdict.SILENCE,
            level=float(level),
            noise_floor=20.0,
            effective_threshold=80.0,
            music_mode=False,
            logit=None,
            evidence_sum=None,
        )
        for level in levels
    ]


def _scene(samples: np.ndarray, *speech: tuple[int, int]) -> GuardScene:
    frames = len(samples) // 160
    return GuardScene(
        capture=samples,
        labels=np.zeros(frames, np.int8),
        caller_speech=speech,
        is_asked=np.ones(frames, bool),
        tags={"detail": "made"},
    )
