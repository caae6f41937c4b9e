"""One run of training for the guard: sounds, scenes, weights.

Invariant: corpus, hours, epochs and seed decide the weights; the number of processes does not show.
"""

from __future__ import annotations

__all__ = ["GuardTrainingPlan", "GuardTrainingReport", "run_guard_training"]

import json
import math
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path

from ..bench.sounds import gather_sounds
from ..guard_scenes import SceneRanges, draw_scene
from ..guard_scenes.voiced_noises import without_voices
from ..process_pool import map_in_processes
from ..scenarios.bank import Bank, load_bank, save_bank
from ..scenarios.sound_files import soundfile_module
from .guard_network import GuardNetworkSetting, train_guard_network
from .guard_rows import GuardRows, record_scene
from .torch_network import torch_module, write_weights

Show = Callable[[str], None]
"""Takes one line on what is being done."""

_SPLIT = "train"
_SCENE_S = 20.0
_SEEDS_PER_RUN = 10_000_000
_REPORTS = 10
"""Lines on the progress of the scenes."""
_AGGRESSIVENESS = (1, 2, 3, 3, 3, 3, 3, 3)
"""WebRTC VAD's modes in turn: the default mostly, but an operator may choose another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardTrainingPlan:
    """What to train on and for how long."""

    corpus: Path | None
    """Folder of sound files; None for synthetic sounds only."""
    out: Path
    """File of the weights; the report stands beside it."""
    hours: float
    """Of simulated lines, above 0."""
    epochs: int
    seed: int
    jobs: int

    def __post_init__(self) -> None:
        if not self.hours > 0:
            raise ValueError(f"hours: {self.hours} is not above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardTrainingReport:
    """What came of a run."""

    scenes: int
    rows: int
    """Frames that the network was asked about."""
    epoch_losses: tuple[float, ...]
    notes: tuple[str, ...]
    """What a reader of the figures must know of the sounds."""


def run_guard_training(plan: GuardTrainingPlan, show: Show) -> GuardTrainingReport:
    """Train, write the weights and a report beside them, and return the report.

    Raises:
        CorpusError: the corpus is none.
        ModuleNotFoundError: PyTorch or soundfile is not installed; nothing has been written then.
        OSError: a file or a folder can't be written.
    """
    torch_module()
    soundfile_module()
    plan.out.parent.mkdir(parents=True, exist_ok=True)
    sounds = gather_sounds(plan.corpus, _SPLIT)
    with tempfile.TemporaryDirectory(prefix="voxgate-train-") as folder:
        save_bank(without_voices(sounds.bank), Path(folder))
        scenes = _record_scenes(plan, Path(folder), show)
    losses: list[float] = []

    def show_epoch(epoch: int, loss: float) -> None:
        losses.append(loss)
        show(f"epoch {epoch} of {plan.epochs}: loss {loss:.4f}")

    setting = GuardNetworkSetting(seed=plan.seed, epochs=plan.epochs)
    write_weights(train_guard_network(scenes, setting, show_epoch), plan.out)
    report = GuardTrainingReport(
        scenes=len(scenes),
        rows=sum(len(scene.labels) for scene in scenes),
        epoch_losses=tuple(losses),
        notes=sounds.notes,
    )
    described = {
        "hours": plan.hours,
        "network": asdict(setting),
        "sounds": {**sounds.counts, "speakers": sounds.speakers},
        **asdict(report),
    }
    text = json.dumps(described, indent=2) + "\n"
    plan.out.with_suffix(".json").write_text(text, encoding="utf-8")
    return report


def _record_scenes(plan: GuardTrainingPlan, bank: Path, show: Show) -> list[GuardRows]:
    total = math.ceil(plan.hours * 3600 / _SCENE_S)
    first = plan.seed * _SEEDS_PER_RUN
    scenes: list[GuardRows] = []
    record = partial(_record, bank)
    for rows in map_in_processes(record, range(first, first + total), jobs=plan.jobs):
        scenes.append(rows)
        if len(scenes) * _REPORTS // total > (len(scenes) - 1) * _REPORTS // total:
            show(f"scenes to train on: {100 * len(scenes) // total} % of {total}")
    return scenes


def _record(bank: Path, seed: int) -> GuardRows:
    scene = draw_scene(_bank_at(bank), seed, SceneRanges(split=_SPLIT), duration_s=_SCENE_S)
    aggressiveness = _AGGRESSIVENESS[seed % len(_AGGRESSIVENESS)]
    return record_scene(scene, webrtc_aggressiveness=aggressiveness)


@cache
def _bank_at(folder: Path) -> Bank:
    """Return a bank, loaded once a process."""
    return load_bank(folder)
