"""Cells of the matrix."""

from __future__ import annotations

from support.bench_rows import bench_row, bench_rows
from voxgate.lab.bench.cells import Cell, cells_of, worst_cells
from voxgate.lab.bench.matrix import FACTORS
from voxgate.lab.evaluate.summary import Share


def test_the_worst_cells_come_first() -> None:
    """Single levels and pairs with enough trials; hopeless return losses are left out."""
    rows = [
        *[bench_row(2100.0, 8100.0)] * 20,
        *[bench_row(1000.0, codec="gsm", background="tv")] * 10,
        *[bench_row(codec="alaw")] * 2,
        *[bench_row(1000.0, return_loss_db="0 to 6")] * 20,
    ]
    right = worst_cells(rows, by_right=True, count=3)
    assert right[0].right == Share(0, 20)
    assert right[0].condition["background"] == "tv"
    false = worst_cells(rows, by_right=False, count=100)
    assert false[0].false == Share(10, 20)
    assert all(cell.condition.get("codec") != "alaw" for cell in false)
    assert all(cell.condition.get("return_loss_db") != "0 to 6" for cell in false)


def test_a_cell_is_named_by_its_condition() -> None:
    """Factor and level of each."""
    condition = {"codec": "gsm", "line": "dtx"}
    assert Cell(condition=condition, right=Share(1, 2), false=Share(0, 2)).name == (
        "codec gsm, line dtx"
    )


def test_single_cells_and_pairs_are_told_apart() -> None:
    """Every call is in one cell of each factor, and of each pair of factors."""
    rows = [bench_row(), bench_row(codec="gsm"), bench_row(return_loss_db="-6 to 0")]
    single, pairs = cells_of(rows, 1), cells_of(rows, 2)
    assert all(len(cell.condition) == 1 for cell in single)
    assert all(len(cell.condition) == 2 for cell in pairs)
    assert {cell.name: cell.false.of for cell in single if "codec" in cell.name} == {
        "codec mulaw": 2,
        "codec gsm": 2,
    }
    assert sum(cell.false.of for cell in cells_of(bench_rows(12), 1)) % len(FACTORS) == 0
