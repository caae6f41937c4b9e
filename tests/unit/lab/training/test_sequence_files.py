"""Files of sequences."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from support.sound_banks import small_bank
from support.training_turns import PROFILE, short_call
from voxgate.lab.scenarios import save_bank
from voxgate.lab.training import sequence_files as module
from voxgate.lab.training.sequence_files import SequencePlan, load_turns, write_sequences
from voxgate.lab.training.turn_rows import TurnRows, record_turns


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SequencePlan:
    """Three short calls, two a file; without the small bank's room, as is the short call."""
    monkeypatch.setattr(module, "_CALLS_PER_FILE", 2)
    monkeypatch.setattr(module, "measured_responses", lambda bank, split: [])
    save_bank(small_bank(), tmp_path / "bank")
    return SequencePlan(
        bank=tmp_path / "bank",
        folder=tmp_path / "sequences",
        profile=PROFILE,
        calls=3,
        duration_s=6.0,
        first_seed=3,
    )


def assert_same(one: TurnRows, two: TurnRows) -> None:
    for name in ("features", "labels", "since_onset", "frame_index"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
        assert getattr(one, name).dtype == getattr(two, name).dtype
    assert one.truth == two.truth


def test_what_is_written_is_what_was_recorded(plan: SequencePlan) -> None:
    """Every call's turns come back, in the order of the seeds, whatever file they are in."""
    paths = list(write_sequences(plan, jobs=1))
    assert [path.name for path in paths] == ["all-00000003.npz", "all-00000005.npz"]
    expected = [turn for seed in (3, 4, 5) for turn in record_turns(short_call(seed))]
    for one, two in zip(load_turns(paths), expected, strict=True):
        assert_same(one, two)


def test_a_run_goes_on_with_the_files_that_are_there(
    plan: SequencePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an interrupted run only what is missing, or no whole file, is made again."""
    first, second = list(write_sequences(plan, jobs=1))
    kept, whole = first.read_bytes(), second.read_bytes()
    second.write_bytes(whole[:1000])
    made: list[int] = []
    monkeypatch.setattr(module, "record_turns", lambda call: made.append(1) or record_turns(call))
    assert list(write_sequences(plan, jobs=1)) == [first, second]
    assert len(made) == 1
    assert first.read_bytes() == kept
    assert second.read_bytes() == whole


@pytest.mark.parametrize(
    "change", [{"duration_s": 7.0}, {"profile": replace(PROFILE, burst_prob=1.0)}, {"calls": 1}]
)
def test_files_of_another_plan_are_not_taken(plan: SequencePlan, change: dict[str, object]) -> None:
    """What a file follows from is in its fingerprint: nothing stale is ever trained on."""
    (first, _) = list(write_sequences(plan, jobs=1))
    before = first.read_bytes()
    list(write_sequences(replace(plan, **change), jobs=1))  # type: ignore[arg-type]
    assert first.read_bytes() != before


def test_files_of_another_bank_are_not_taken(plan: SequencePlan) -> None:
    """The same seeds on other clips are other calls."""
    before = [path.read_bytes() for path in write_sequences(plan, jobs=1)]
    samples = np.load(plan.bank / "bank.npy")
    np.save(plan.bank / "bank.npy", samples // 2)
    module._bank_at.cache_clear()
    assert [path.read_bytes() for path in write_sequences(plan, jobs=1)] != before
