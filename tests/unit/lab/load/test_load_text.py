"""The table says all figures, and what is not known."""

from __future__ import annotations

from support.load_sides import figures
from voxgate.lab.load.load_figures import Percentiles
from voxgate.lab.load.load_text import load_text


def rows(text: str) -> dict[str, list[str]]:
    """Return the cells of each row by its name."""
    return {
        (cells := line.split("  "))[0]: [c for c in cells[1:] if c] for line in text.splitlines()
    }


def test_each_step_is_a_column() -> None:
    """Side by side, in order."""
    table = rows(load_text([figures(10), figures(20, cpu_per_call=0.005)]))
    assert [cell.strip() for cell in table["calls"]] == ["10", "20"]
    assert [c.strip() for c in table["engine: CPU-s per call-s"]] == ["0.00600", "0.00500"]
    cells = [c.strip() for c in table["line in to provider out, ms (p50/p99/max)"]]
    assert cells == ["1.5 / 8.0 / 19.0"] * 2


def test_what_is_not_known_is_a_dash() -> None:
    """And no zero."""
    unknown = figures(
        cpu_per_call=None,
        core_share=None,
        memory_per_call_bytes=None,
        line_to_provider=Percentiles(count=0),
        uncertain_frames=0,
    )
    table = rows(load_text([unknown]))
    for name in (
        "engine: CPU-s per call-s",
        "engine: share of a core",
        "engine: MiB per call",
        "line in to provider out, ms (p50/p99/max)",
    ):
        assert [cell.strip() for cell in table[name]] == ["-"]
