"""Rows on the workers of a Dask scheduler: a real one, with two workers, on the loopback."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.dask_peer import DaskPeer, dask_peer
from support.recordings import manifest_line, write_wav
from support.signals import speech_like

pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

pytestmark = pytest.mark.timeout(900)  # a dozen processes start, on a machine that may be busy
SAMPLE = Path(__file__).parents[2] / "benchmarks" / "sample"


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskPeer]:
    """A scheduler that other tests leave as they found it; its workers are elsewhere."""
    with dask_peer(tmp_path_factory.mktemp("workers")) as started:
        yield started


def voxgate(*arguments: str, cwd: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from voxgate.cli import main; main()", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == status, done.stderr
    return done


def results(path: Path) -> list[dict[str, Any]]:
    """Return results without their times."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert all(line.pop("us_per_frame_p50") > 0 for line in lines)
    return lines


def test_workers_come_to_the_same_results(tmp_path: Path, peer: DaskPeer) -> None:
    """Results, summary and bad rows, also of a manifest that is named relative to here."""
    manifest = (SAMPLE / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    manifest.insert(3, manifest[0].replace("clean-interrupted", "gone"))
    (tmp_path / "calls").symlink_to(SAMPLE)
    lines = [json.loads(line) for line in manifest]
    for line in lines:
        line["capture"] = f"calls/{line['capture']}"
        line["far_end"] = line["far_end"] and f"calls/{line['far_end']}"
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    (tmp_path / "calls.jsonl").write_text(text, encoding="utf-8")
    found = []
    for where in (["--jobs", "1"], ["--dask", peer.address]):
        arguments = ["evaluate", "calls.jsonl", "--json", "--out", "results.jsonl", *where]
        done = voxgate(*arguments, cwd=tmp_path, status=1)
        summary = json.loads(done.stdout)
        assert summary.pop("timing")["us_per_frame_p50"] > 0
        found.append((json.dumps(results(tmp_path / "results.jsonl")), summary, done.stderr))
    assert found[0] == found[1]
    assert "calls.jsonl:4: capture: file not found: calls/gone.wav" in found[0][2]
    assert found[0][1]["overall"]["rows"] == 8


def test_workers_come_to_the_same_bench(tmp_path: Path, peer: DaskPeer) -> None:
    """Clips and all: the workers have no folder of ours."""
    found = []
    for number, where in enumerate((["--jobs", "1"], ["--dask", peer.address])):
        out = tmp_path / f"{number}"
        options = ["--calls", "4", "--seconds", "6", "--gates", "vad,usual_rule"]
        voxgate("bench", *options, "--out", str(out), *where, cwd=tmp_path)
        report = json.loads((out / "bench.json").read_text(encoding="utf-8"))
        assert report.pop("timing")
        found.append((report, (out / "calls.jsonl").read_text(encoding="utf-8")))
    assert found[0] == found[1]


def test_a_worker_that_dies_costs_no_row(tmp_path: Path) -> None:
    """What it was at is done by another; there is a result for each row, in order."""
    write_wav(tmp_path / "line.wav", speech_like(4000, seed=1))
    rows = [manifest_line(id=n, capture="line.wav", far_end="line.wav") for n in range(20)]
    manifest, out = tmp_path / "m.jsonl", tmp_path / "results.jsonl"
    manifest.write_text("\n".join(rows), encoding="utf-8")
    with dask_peer(tmp_path) as peer:
        command = [sys.executable, "-c", "from voxgate.cli import main; main()"]
        arguments = ["evaluate", str(manifest), "--out", str(out), "--dask", peer.address]
        running = subprocess.Popen([*command, *arguments], stdout=subprocess.DEVNULL)
        while running.poll() is None and not (out.exists() and out.stat().st_size):
            time.sleep(0.05)
        peer.kill_worker()
        assert running.wait(200) == 0
    assert [result["id"] for result in results(out)] == list(range(20))


def test_a_scheduler_that_is_not_there_is_named(tmp_path: Path) -> None:
    """In one line, without a traceback."""
    address = "tcp://127.0.0.1:9"
    done = voxgate(
        "evaluate", str(SAMPLE / "manifest.jsonl"), "--dask", address, cwd=tmp_path, status=1
    )
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"voxgate: --dask: no scheduler answers at {address}: ")
    assert done.stdout == ""
