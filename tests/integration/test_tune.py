"""``voxgate tune`` on real processes and on the workers of a Dask scheduler."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.dask_peer import dask_peer
from support.recorded_calls import make_recorded_call
from support.sound_banks import SPLIT, small_bank
from voxgate.lab.tune.sample_folder import write_sample_calls

pytestmark = pytest.mark.timeout(900)  # processes start, on a machine that may be busy

CONFIG = """
gating: {providers: {openai_realtime: {mode: vad, energy_threshold: 200}}}
"""
KEYS = ["--key", "audio_guard.preroll_ms"]
LABELLED, UNLABELLED = 18, 2


def voxgate(*arguments: str, cwd: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from voxgate.cli import main; main()", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == status, done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Calls with and without labels, as few as can be tuned on, and a configuration."""
    root = tmp_path_factory.mktemp("tune")
    (root / "gate.yaml").write_text(CONFIG)
    for labelled, calls in ((True, LABELLED), (False, UNLABELLED)):
        write_sample_calls(
            root / f"{labelled}",
            small_bank(),
            scene="loud-echo",
            calls=calls,
            seed=int(labelled) + 1,
            split=SPLIT,
            labelled=labelled,
            duration_s=20.0,
        )
    folder = root / "calls"
    folder.mkdir()
    for labelled in (True, False):
        for path in (root / f"{labelled}").glob("*.wav"):
            path.rename(folder / f"{labelled}-{path.name}")
        rows = (
            (root / f"{labelled}" / "calls.jsonl").read_text().replace("loud", f"{labelled}-loud")
        )
        (folder / f"{labelled}.jsonl").write_text(rows)
    return root


def test_processes_and_workers_come_to_the_same(folder: Path) -> None:
    """To the byte: JSON, notes and patch; in one process, in two, and on a cluster."""
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    found = []
    with dask_peer(folder) as peer:
        for where in (["--jobs", "1"], ["--jobs", "2"], ["--dask", peer.address]):
            patch = folder / "patch.yaml"
            patch.unlink(missing_ok=True)
            arguments = ["tune", "calls", "--config", "gate.yaml", "--json", *KEYS]
            done = voxgate(*arguments, "--patch", "patch.yaml", *where, cwd=folder)
            found.append((done.stdout, patch.read_text() if patch.exists() else None))
    assert found[0] == found[1] == found[2]
    report = json.loads(found[0][0])
    assert report["labels"]["calls"] == LABELLED + UNLABELLED
    assert report["labels"]["self_labelled"] == UNLABELLED
    assert report["settings_tried"] > 1, "there was nothing to search, and so nothing to compare"
    assert (report["verdict"] == "proposed") == (found[0][1] is not None)
    if found[0][1] is not None:
        voxgate("check-config", "patch.yaml", cwd=folder)


def test_recorded_calls_are_tuned_on_and_damaged_ones_are_named(tmp_path: Path) -> None:
    """Three calls, one of them damaged: the others are listened to."""
    calls = tmp_path / "calls"
    folders = [make_recorded_call(calls, call_id=f"call-{n}", number=n) for n in range(3)]
    (folders[1] / "trace.jsonl").write_bytes(b"damaged\n")
    done = voxgate("tune", "calls", "--jobs", "1", cwd=tmp_path, status=1)
    assert f"not used: {folders[1].name}: " in done.stderr
    assert "2 calls, " in done.stdout
    assert "2 self-labelled" in done.stdout
    assert "can't tell: 2 calls, and 20 are needed" in done.stdout
