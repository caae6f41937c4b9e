"""One run of training: sounds, sequences, weights, thresholds.

Invariant: corpus, hours, epochs and seed decide the weights; the number of processes does not show.
"""

from __future__ import annotations

__all__ = ["TrainingPlan", "TrainingReport", "run_training"]

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ...core.echo.barge_in_decision import DecisionThresholds
from ...core.echo.recurrent_network import NetworkWeights
from ..bench.sounds import Sounds, gather_sounds
from ..evaluate.summary import Share
from ..scenarios.bank import save_bank
from ..scenarios.profiles import JUDGE_PROFILE, TRAIN_PROFILE, Profile
from ..scenarios.sound_files import soundfile_module
from .network_training import NetworkSetting, train_network
from .sequence_files import SequencePlan, load_turns, write_sequences
from .threshold_tuning import (
    Trace,
    TuningFigures,
    judge_traces,
    rank_candidates,
    rank_commitments,
    trace_turns,
)
from .torch_network import torch_module, write_weights
from .turn_rows import TurnRows

Show = Callable[[str], None]
"""Takes one line on what is being done."""

_TRAIN, _TUNE = "train", "tune"
_TRAIN_CALL_S = 15.0
"""Short calls: an hour holds twice as many echo paths, and first turns, as of 28 s."""
_TUNE_CALL_S = 28.0
_TUNE_SHARE = 0.1
_TUNE_CALLS = (3, 200)
"""Fewest and most calls to tune on."""
_SEEDS_PER_RUN = 10_000_000
_TUNE_FIRST_SEED = 9_000_000
"""Of each run's seeds, the first that tuning uses."""
_FALSE_LIMIT_PERCENT = 1.0
_NEEDLESS_LIMIT_PERCENT = 2.5
"""Of agent turns; on voices that nothing was chosen on there will be more."""
_REPORTS = 10
"""Lines on the progress of the sequences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """What to train on and for how long."""

    corpus: Path | None
    """Folder of sound files; None for synthetic sounds only."""
    out: Path
    """File of the weights; the report stands beside it."""
    sequences: Path
    """Folder of banks and sequences, which are found again by the next run."""
    hours: float
    """Of simulated calls, above 0."""
    epochs: int
    seed: int
    jobs: int

    def __post_init__(self) -> None:
        if not self.hours > 0:
            raise ValueError(f"hours: {self.hours} is not above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingReport:
    """What came of a run."""

    turns: int
    frames: int
    epoch_losses: tuple[float, ...]
    packaged: TuningFigures
    """Of the thresholds that voxgate has, on the tuning set."""
    best: DecisionThresholds
    """The thresholds that rank first on the tuning set."""
    tuned: TuningFigures
    """Of those."""
    notes: tuple[str, ...]
    """What a reader of the figures must know of the sounds."""


def run_training(plan: TrainingPlan, show: Show) -> TrainingReport:
    """Train, write the weights and a report beside them, and return the report.

    Raises:
        CorpusError: the corpus is none.
        ModuleNotFoundError: PyTorch or soundfile is not installed; nothing has been written then.
        OSError: a file or a folder can't be written.
    """
    torch_module()
    soundfile_module()
    plan.out.parent.mkdir(parents=True, exist_ok=True)
    train_sounds, train_turns = _turns_of(plan, _TRAIN, show)
    tune_sounds, tune_turns = _turns_of(plan, _TUNE, show)
    losses: list[float] = []

    def show_epoch(epoch: int, loss: float) -> None:
        losses.append(loss)
        show(f"epoch {epoch} of {plan.epochs}: loss {loss:.4f}")

    setting = NetworkSetting(seed=plan.seed, epochs=plan.epochs)
    write_weights(train_network(train_turns, setting, show_epoch), plan.out)
    show("tuning thresholds")
    traces = trace_turns(tune_turns, NetworkWeights.load(plan.out))
    best, tuned = _tune(traces)
    report = TrainingReport(
        turns=len(train_turns),
        frames=sum(len(turn.labels) for turn in train_turns),
        epoch_losses=tuple(losses),
        packaged=judge_traces(traces, DecisionThresholds()),
        best=best,
        tuned=tuned,
        notes=(*_notes_of(_TRAIN, train_sounds), *_notes_of(_TUNE, tune_sounds)),
    )
    described = _as_json(plan, setting, {_TRAIN: train_sounds, _TUNE: tune_sounds}, report)
    text = json.dumps(described, indent=2) + "\n"
    plan.out.with_suffix(".json").write_text(text, encoding="utf-8")
    return report


def _turns_of(plan: TrainingPlan, split: str, show: Show) -> tuple[Sounds, list[TurnRows]]:
    """Return the sounds of a split and the agent turns of its calls."""
    sounds = gather_sounds(plan.corpus, split)
    bank = plan.sequences / f"bank-{split}"
    save_bank(sounds.bank, bank)
    sequences = _sequence_plan(plan, split, bank)
    paths = []
    total = len(sequences.seeds)
    for path in write_sequences(sequences, jobs=plan.jobs):
        paths.append(path)
        if len(paths) * _REPORTS // total > (len(paths) - 1) * _REPORTS // total:
            show(f"calls to {split} on: {100 * len(paths) // total} % of {sequences.calls}")
    return sounds, load_turns(paths)


def _sequence_plan(plan: TrainingPlan, split: str, bank: Path) -> SequencePlan:
    first_seed = plan.seed * _SEEDS_PER_RUN
    profile: Profile = TRAIN_PROFILE
    duration_s, calls = _TRAIN_CALL_S, math.ceil(plan.hours * 3600 / _TRAIN_CALL_S)
    if split == _TUNE:
        first_seed += _TUNE_FIRST_SEED
        profile = replace(JUDGE_PROFILE, split=_TUNE)
        duration_s = _TUNE_CALL_S
        fewest, most = _TUNE_CALLS
        calls = min(most, max(fewest, math.ceil(_TUNE_SHARE * plan.hours * 3600 / _TUNE_CALL_S)))
    return SequencePlan(
        bank=bank,
        folder=plan.sequences,
        profile=profile,
        calls=calls,
        duration_s=duration_s,
        first_seed=first_seed,
    )


def _tune(traces: Sequence[Trace]) -> tuple[DecisionThresholds, TuningFigures]:
    commitment, _ = rank_commitments(traces, false_limit_percent=_FALSE_LIMIT_PERCENT)[0]
    return rank_candidates(traces, commitment, needless_limit_percent=_NEEDLESS_LIMIT_PERCENT)[0]


def _notes_of(split: str, sounds: Sounds) -> list[str]:
    return [f"{split}: {note}" for note in sounds.notes]


def _as_json(
    plan: TrainingPlan,
    setting: NetworkSetting,
    sounds: Mapping[str, Sounds],
    report: TrainingReport,
) -> dict[str, Any]:
    return {
        "hours": plan.hours,
        "network": asdict(setting),
        "sounds": {
            split: {**of.counts, "speakers": of.speakers} for split, of in sorted(sounds.items())
        },
        "notes": list(report.notes),
        "turns": report.turns,
        "frames": report.frames,
        "epoch_losses": [round(loss, 6) for loss in report.epoch_losses],
        "tuning": {
            "packaged_thresholds": _figures_as_json(report.packaged),
            "best_thresholds": {**asdict(report.best), **_figures_as_json(report.tuned)},
        },
    }


def _figures_as_json(figures: TuningFigures) -> dict[str, Any]:
    return {
        "agent_turns": figures.false.of,
        "interruptions": figures.right.of,
        **_share_as_json("false", figures.false),
        **_share_as_json("right", figures.right),
        **_share_as_json("needless_pauses", figures.needless),
        "open_p50_ms": figures.open_p50_ms,
        "open_p95_ms": figures.open_p95_ms,
        "pause_p50_ms": figures.pause_p50_ms,
    }


def _share_as_json(name: str, share: Share) -> dict[str, Any]:
    return {f"{name}_percent": share.percent, f"{name}_wilson_95_percent": share.wilson_95_percent}
