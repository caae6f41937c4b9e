"""Folders of simulated calls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from support.sound_banks import SPLIT, small_bank
from voxgate.lab.scenarios.bank import save_bank
from voxgate.lab.tune.call_sources import find_calls
from voxgate.lab.tune.loaded_call import LoadedCall, load_call
from voxgate.lab.tune.sample_folder import SCENES, main, write_sample_calls


@pytest.mark.parametrize("labelled", [True, False])
def test_a_folder_is_what_tune_reads(tmp_path: Path, *, labelled: bool) -> None:
    """With labels, or without."""
    write_sample_calls(
        tmp_path,
        small_bank(),
        scene="loud-echo",
        calls=2,
        seed=1,
        split=SPLIT,
        labelled=labelled,
    )
    found = find_calls(tmp_path)
    assert found.problems == ()
    assert [source.has_labels for source in found.sources] == [labelled] * 2
    for source in found.sources:
        call = load_call(source)
        assert isinstance(call, LoadedCall)
        assert call.notes == ()
        assert call.recording.agent_speaking
        assert float(call.tags["erl_db"]) < 9.0


def test_it_can_be_asked_for_from_a_bank(tmp_path: Path) -> None:
    """The same bytes each time."""
    save_bank(small_bank(), tmp_path / "bank")
    options = ["--bank", str(tmp_path / "bank"), "--split", SPLIT, "--calls", "1"]
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        result = CliRunner().invoke(main, [str(folder), "--no-labels", *options])
        assert result.exit_code == 0, result.output
    one, two = ({f.name: f.read_bytes() for f in folder.iterdir()} for folder in folders)
    assert one == two
    (row,) = map(json.loads, one["calls.jsonl"].splitlines())
    assert "caller_speech" not in row
    assert set(SCENES) == {"usual", "hard", "loud-echo", "quiet-callers"}
