"""Files of training sequences: made on many cores, kept, and found again by the next run.

A file holds the agent turns of a few calls and a fingerprint of all that they follow from: clips,
seeds, profile, and the code of the simulation and of the detector. Invariant: a file is whole, and
one with another fingerprint is made anew.
"""

from __future__ import annotations

__all__ = ["SequencePlan", "load_turns", "read_turns", "write_sequences"]

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ..bench.trial import measured_responses
from ..process_pool import map_in_processes
from ..scenarios.bank import Bank, load_bank
from ..scenarios.call_simulation import simulate_call
from ..scenarios.profiles import Profile
from .turn_rows import TurnRows, TurnTruth, record_turns

_CALLS_PER_FILE = 16
_CODE = ("core/echo", "lab/scenarios", "lab/training/labels.py", "lab/training/turn_rows.py")
"""Modules, and packages of them, that decide what is in a file."""
_PER_ROW = ("features", "labels", "since_onset", "frame_index")


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencePlan:
    """Calls to simulate."""

    bank: Path
    """Folder of the bank."""
    folder: Path
    """Of the sequence files."""
    profile: Profile
    calls: int
    duration_s: float
    """Of a call."""
    first_seed: int
    """Of the first call; each next one has the next."""

    @property
    def seeds(self) -> list[range]:
        """Seeds of the calls of each file."""
        end = self.first_seed + self.calls
        starts = range(self.first_seed, end, _CALLS_PER_FILE)
        return [range(start, min(start + _CALLS_PER_FILE, end)) for start in starts]

    def path_of(self, seeds: range) -> Path:
        """Return the file of some seeds."""
        return self.folder / f"{self.profile.split}-{seeds.start:08d}.npz"


def write_sequences(plan: SequencePlan, *, jobs: int) -> Iterator[Path]:
    """Make the files that are not there yet; return all, in order, each as soon as it is due.

    Args:
        plan: What to make.
        jobs: Processes; with 1 everything happens in this one. They do not show in the files.

    Raises:
        ModuleNotFoundError: a codec of the profile needs soundfile, which is not installed.
    """
    plan.folder.mkdir(parents=True, exist_ok=True)
    write = partial(_write_if_missing, plan, _digest(plan))
    return map_in_processes(write, plan.seeds, jobs=jobs)


def load_turns(paths: Sequence[Path]) -> list[TurnRows]:
    """Return the agent turns of some files, in order."""
    return [turn for path in paths for turn in read_turns(path)]


def read_turns(path: Path) -> Iterator[TurnRows]:
    """Yield the agent turns of one file that :func:`write_sequences` has made."""
    with np.load(path, allow_pickle=False) as archive:
        columns = {name: archive[name] for name in (*_PER_ROW, "lengths", "truths")}
    ends = np.cumsum(columns["lengths"])
    starts = ends - columns["lengths"]
    for start, end, truth in zip(starts, ends, columns["truths"], strict=True):
        rows = {name: columns[name][start:end] for name in _PER_ROW}
        yield TurnRows(**rows, truth=_truth_from_json(str(truth)))


def _write_if_missing(plan: SequencePlan, digest: str, seeds: range) -> Path:
    path = plan.path_of(seeds)
    fingerprint = f"{digest}-{len(seeds)}"
    if _fingerprint_in(path) != fingerprint:
        _write(path, list(_simulate(plan, seeds)), fingerprint)
    return path


def _simulate(plan: SequencePlan, seeds: range) -> Iterator[TurnRows]:
    bank = _bank_at(plan.bank)
    responses = measured_responses(bank, plan.profile.split)
    for seed in seeds:
        call = simulate_call(
            bank, seed, plan.profile, duration_s=plan.duration_s, responses=responses
        )
        yield from record_turns(call)


def _write(path: Path, turns: Sequence[TurnRows], fingerprint: str) -> None:
    """Write under another name first: what is interrupted leaves no half a file."""
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(turn, name) for turn in turns]) if turns else np.zeros(0)
        for name in _PER_ROW
    }
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as sink:
        np.savez(
            sink,
            **columns,
            lengths=np.array([len(turn.labels) for turn in turns], np.int64),
            truths=np.array([_truth_as_json(turn.truth) for turn in turns], np.str_),
            fingerprint=np.array(fingerprint),
        )
    unfinished.replace(path)


def _fingerprint_in(path: Path) -> str | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return str(archive["fingerprint"])
    except (AttributeError, BadZipFile, EOFError, KeyError, OSError, TypeError, ValueError):
        return None


def _digest(plan: SequencePlan) -> str:
    """Return a hash of all that a plan's files follow from, but for their seeds."""
    state = hashlib.sha256(repr((plan.profile, plan.duration_s)).encode())
    for name in ("bank.csv", "bank.npy"):
        with (plan.bank / name).open("rb") as file:
            state.update(hashlib.file_digest(file, "sha256").digest())
    for module in _modules():
        state.update(module.read_bytes())
    return state.hexdigest()


def _modules() -> Iterator[Traversable]:
    for name in _CODE:
        place = files("voxgate").joinpath(*name.split("/"))
        found = [place] if place.is_file() else list(place.iterdir())
        yield from sorted(
            (module for module in found if module.name.endswith(".py")),
            key=lambda module: module.name,
        )


@cache
def _bank_at(folder: Path) -> Bank:
    """Return a bank, loaded once a process."""
    return load_bank(folder)


def _truth_as_json(truth: TurnTruth) -> str:
    is_last = math.isinf(truth.next_turn_ms)
    return json.dumps(
        {
            "turn": truth.turn,
            "next_turn_ms": None if is_last else truth.next_turn_ms,
            "utterances": truth.utterances,
            "tags": dict(truth.tags),
        }
    )


def _truth_from_json(text: str) -> TurnTruth:
    fields = json.loads(text)
    start_ms, end_ms = fields["turn"]
    next_turn_ms = fields["next_turn_ms"]
    return TurnTruth(
        turn=(start_ms, end_ms),
        next_turn_ms=math.inf if next_turn_ms is None else next_turn_ms,
        utterances=tuple((start, end) for start, end in fields["utterances"]),
        tags=fields["tags"],
    )
