"""Tables of the guard's flips."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from voxgate.lab.guard_bench.cells import Cell
from voxgate.lab.guard_bench.invariance import VARIANTS, CellInvariance, Flips
from voxgate.lab.guard_bench.invariance_tables import invariance_as_json, invariance_tables


def cells() -> list[CellInvariance]:
    """Return a cell with a few flips, and one that nothing was heard of."""
    music = CellInvariance(cell=Cell(kind="music"), scenes=2)
    music.flips["gain -3 dB"] = Flips(slots=2000, forwarded=30, forwarded_edges=10, speech=50)
    music.flips["gain +3 dB"] = Flips(slots=2000, forwarded=10, speech=10, speech_edges=2)
    quiet = CellInvariance(cell=Cell(kind="none"), scenes=1)
    quiet.flips["gain -3 dB"] = Flips(slots=1000)
    return [music, quiet]


def text_of(of: list[CellInvariance]) -> list[list[str]]:
    """Return the lines of each table."""
    shown = []
    for table in invariance_tables(of):
        sink = StringIO()
        Console(file=sink, width=140).print(table)
        shown.append([line.strip() for line in sink.getvalue().splitlines()])
    return shown


def test_by_variant_and_by_cell() -> None:
    """Shares of all slots, with the cell that has most; of what was not heard, dashes."""
    by_variant, by_cell = text_of(cells())
    softer = next(line for line in by_variant if line.startswith("gain -3 dB"))
    assert softer.split()[3::2] == ["1.00", "0.33", "1.67", "0.00", "music:", "%"]
    assert softer.endswith("music: 1.50 %")
    unheard = next(line for line in by_variant if line.startswith("mu-law"))
    assert unheard.split() == ["mu-law", "-", "-", "-", "-", "-"]
    music = next(line for line in by_cell if line.startswith("music"))
    assert "1.00 % / 1.50 %" in music
    assert "- / -" in music
    assert len([line for line in by_variant if "gain" in line or "shift" in line]) >= 4


def test_nothing_is_no_error() -> None:
    """No cells give rows of dashes."""
    by_variant, _ = text_of([])
    assert len([line for line in by_variant if line.count("-") >= 5]) >= len(VARIANTS)


def test_json_holds_every_figure() -> None:
    """Shares in percent by cell and variant, null where there is no slot."""
    music, quiet = cells()
    quiet.flips["mu-law"] = Flips()
    described = invariance_as_json([music, quiet])
    assert described[0]["cell"] == "music"
    assert described[0]["scenes"] == 2
    assert described[0]["variants"]["gain -3 dB"] == {
        "slots": 2000,
        "forwarded_percent": pytest.approx(1.5),
        "forwarded_edges_percent": pytest.approx(0.5),
        "speech_percent": pytest.approx(2.5),
        "speech_edges_percent": 0.0,
    }
    assert described[1]["variants"]["mu-law"]["speech_percent"] is None
