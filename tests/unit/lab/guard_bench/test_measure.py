"""Runs of the guard's bench."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from support.signals import silence, speech_like, white_noise
from voxgate.core.config import GatingConfig
from voxgate.lab.guard_bench import measure as module
from voxgate.lab.guard_bench.cells import Cell
from voxgate.lab.guard_bench.measure import CellFigures, GuardBenchPlan, measure_cells
from voxgate.lab.guard_scenes import GuardScene

PLAN = GuardBenchPlan(bank=Path("none"), split="all", scenes=2, seed=1, config=GatingConfig())
WORDS = Cell(kind="none", snr_db=30.0)
NOISE = Cell(kind="steady")


def line(samples: np.ndarray, *speech: tuple[int, int], detail: str = "made") -> GuardScene:
    frames = len(samples) // 160
    return GuardScene(
        capture=samples,
        labels=np.zeros(frames, np.int8),
        caller_speech=speech,
        is_asked=np.ones(frames, bool),
        tags={"detail": detail},
    )


@pytest.fixture
def scenes(monkeypatch: pytest.MonkeyPatch) -> dict[str, GuardScene]:
    """The scene of each cell, by its name; cells and bank are replaced."""
    words = np.concatenate([silence(2000), speech_like(1000, seed=1), silence(3000)])
    made = {
        WORDS.name: line(words, (16_000, 24_000)),
        NOISE.name: line(white_noise(6000, level_dbfs=-40.0)),
    }
    monkeypatch.setattr(module, "CELLS", (WORDS, NOISE))
    monkeypatch.setattr(module, "_bank_at", lambda folder: None)
    monkeypatch.setattr(
        module, "draw_cell_scene", lambda bank, cell, seed, split, duration_s: made[cell.name]
    )
    return made


@pytest.mark.usefixtures("scenes")
def test_a_guarded_line_keeps_speech_and_keeps_noise_out() -> None:
    """Words come through whole and soon; of noise nothing does."""
    words, noise = measure_cells(PLAN, jobs=1)
    assert (words.scenes, noise.scenes) == (2, 2)
    assert words.speech_lost.percent == 0.0
    assert words.idle_forwarded.percent == 0.0
    assert len(words.onset_delays_ms) == 2
    assert max(words.onset_delays_ms) <= 300.0
    assert noise.speech_lost.percent is None
    assert noise.not_sent.percent == 100.0
    assert noise.onset_delays_ms == []
    assert noise.worst == []


@pytest.mark.usefixtures("scenes")
def test_without_the_guard_everything_comes_through() -> None:
    """Noise is forwarded, and named as the worst sound of its cell."""
    words, noise = measure_cells(replace(PLAN, is_guarded=False), jobs=1)
    assert words.speech_lost.percent == 0.0
    assert noise.idle_forwarded.percent == 100.0
    assert noise.not_sent.percent == 0.0
    assert [(name, share.percent) for name, share in noise.worst] == [("made", 100.0)]


def test_worst_comes_first() -> None:
    """By share, and what nothing went wrong with is not in it."""
    of = CellFigures(cell=NOISE)
    share = module.AudioShare
    of.details = {"fan": share(1.0, 10.0), "bell": share(0.0, 10.0), "rain": share(5.0, 10.0)}
    assert [name for name, _ in of.worst] == ["rain", "fan"]
