"""Lines through the gate into the embedded server's turn detector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from support.signals import frames_of, silence, speech_like, white_noise
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.config import GatingConfig, WithheldAudio
from voxgate.lab.guard_bench import provider_turns as module
from voxgate.lab.guard_bench.cells import Cell
from voxgate.lab.guard_bench.provider_turns import (
    SILENCE_MS,
    TURN_CELLS,
    Hearing,
    TurnBenchPlan,
    hear_line,
    measure_turns,
)
from voxgate.lab.guard_bench.server_turns import TurnVerdict
from voxgate.lab.guard_scenes import GuardScene
from voxgate.realtime_server.speech_scorer import FrameScore, SpeechScorer

PLAN = TurnBenchPlan(bank=Path("none"), split="all", scenes=2, seed=1, config=GatingConfig())
WORDS = Cell(kind="none", snr_db=30.0)
NOISE = Cell(kind="steady")
LINE = np.concatenate([silence(2000), speech_like(1000, seed=1), silence(7000)])


class LoudnessScorer:
    """Takes all that is loud for speech."""

    def process(self, frame: np.ndarray) -> FrameScore:
        return FrameScore(float(np.abs(frame).max() > 200), 0.0)


def test_the_vendors_defaults_are_used() -> None:
    """As the API documents them."""
    assert SILENCE_MS == 500.0


def test_an_ungated_line_is_heard_as_it_is() -> None:
    """Every frame is sent, and the words are on the line's clock."""
    heard = hear_line(frames_of(LINE), None, SpeechScorer())
    assert heard.sent_ms == heard.sound_ms == 10_000.0
    started, stopped = heard.words
    assert started.is_start
    assert 2000 < started.t_ms < 2300
    assert not stopped.is_start
    assert 3000 < stopped.t_ms <= 3000 + SILENCE_MS + 300


def test_a_gated_line_is_heard_as_the_provider_hears_it() -> None:
    """Silence goes out for what is withheld, and the surplus of the onset is taken back."""
    heard = hear_line(frames_of(LINE), AudioGatingManager(), SpeechScorer())
    assert [word.is_start for word in heard.words] == [True, False]
    assert 1000.0 <= heard.sound_ms <= 3000.0
    assert heard.sent_ms == pytest.approx(10_000.0, abs=81.0)


def test_the_gate_is_told_what_the_server_says() -> None:
    """Adaptive silence ends 2 s after the last sound where the provider has ended the turn."""
    gate = module._make_gate(GatingConfig(), Hearing.ADAPTIVE)
    heard = hear_line(frames_of(LINE), gate, SpeechScorer())
    assert len(heard.words) == 2
    assert 4500.0 <= heard.sent_ms <= 7000.0


def test_hearings_differ_by_what_stands_in() -> None:
    """And leave everything else of the configuration as it was."""
    assert module._make_gate(GatingConfig(), Hearing.UNGATED) is None
    for hearing, withheld in (
        (Hearing.GATED, WithheldAudio.SILENCE),
        (Hearing.ADAPTIVE, WithheldAudio.ADAPTIVE),
    ):
        gate = module._make_gate(GatingConfig(), hearing)
        assert gate is not None
        assert gate.config.providers["openai_realtime"].withheld_audio is withheld
        assert gate.config.audio_guard == GatingConfig().audio_guard


@pytest.fixture
def scenes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Seeds of the scenes asked for; cells and bank are replaced."""
    seeds: list[int] = []
    loud = white_noise(10_000, level_dbfs=-30.0)

    def draw(bank, cell, seed, split, duration_s):
        seeds.append(seed)
        samples = LINE if cell is WORDS else loud
        frames = len(samples) // 160
        return GuardScene(
            capture=samples,
            labels=np.zeros(frames, np.int8),
            caller_speech=((16_000, 24_000),) if cell is WORDS else (),
            is_asked=np.ones(frames, bool),
            tags={"detail": "made"},
        )

    monkeypatch.setattr(module, "TURN_CELLS", (WORDS, NOISE))
    monkeypatch.setattr(module, "_bank_at", lambda folder: None)
    monkeypatch.setattr(module, "draw_cell_scene", draw)
    return seeds


def test_cells_are_measured_each_way(scenes: list[int]) -> None:
    """Turns end in time gated and not; noise is a turn only where nothing is kept out."""
    plan = TurnBenchPlan(
        bank=PLAN.bank,
        split="all",
        scenes=2,
        seed=1,
        config=GatingConfig(),
        new_scorer=LoudnessScorer,
    )
    words, noise = measure_turns(plan, jobs=1)
    assert len(set(scenes)) == 4
    assert words.scenes == noise.scenes == 2
    for hearing in Hearing:
        assert words.heard[hearing].turns[TurnVerdict.IN_TIME] == 2
    assert len(words.added_delays_ms) == 2
    assert max(words.added_delays_ms) <= 100.0
    assert noise.added_delays_ms == []
    assert noise.heard[Hearing.UNGATED].false_starts == 2
    assert noise.heard[Hearing.GATED].false_starts == 0
    assert noise.heard[Hearing.GATED].sound_ms == 0.0
    assert noise.heard[Hearing.ADAPTIVE].sent_ms < noise.heard[Hearing.GATED].sent_ms


def test_every_kind_of_sound_has_its_cell() -> None:
    """With callers over nothing, noise and music, and without."""
    kinds = {cell.kind for cell in TURN_CELLS if cell.has_caller}
    assert kinds == {"none", "steady", "everyday", "recorded", "music"}
    assert any(not cell.has_caller for cell in TURN_CELLS)
