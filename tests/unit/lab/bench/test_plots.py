"""The report of a bench as pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from PIL import Image

from support.bench_rows import bench_row, bench_rows
from voxgate.lab.bench.gates import GATES
from voxgate.lab.bench.groups import Rows
from voxgate.lab.bench.plots import draw_conditions, draw_latency, draw_right_against_false

Draw = Callable[[Mapping[str, Rows], Path], None]


@pytest.mark.parametrize("draw", [draw_conditions, draw_latency, draw_right_against_false])
def test_a_picture_of_all_gates_is_drawn(draw: Draw, tmp_path: Path) -> None:
    """Large enough to be read, and not empty."""
    draw(dict.fromkeys(GATES, bench_rows(10)), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert min(picture.size) > 500
        assert len(set(picture.convert("L").resize((64, 64)).tobytes())) > 10


@pytest.mark.parametrize("draw", [draw_conditions, draw_latency, draw_right_against_false])
def test_a_gate_that_does_nothing_is_no_error(draw: Draw, tmp_path: Path) -> None:
    """Nor is a bench without a call in the group shown."""
    rows = {"off": [bench_row()], "vad": [bench_row(return_loss_db="-6 to 0")]}
    draw(rows, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000
