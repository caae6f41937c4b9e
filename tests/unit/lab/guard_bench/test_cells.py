"""The cells of the guard's bench."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.sound_banks import SPLIT, small_bank
from voxgate.lab.guard_bench import cells as module
from voxgate.lab.guard_bench.cells import CELLS, Cell, draw_cell_scene
from voxgate.lab.guard_scenes import SceneRanges


def test_cells_have_names_of_their_own() -> None:
    """Tables tell them apart."""
    names = [cell.name for cell in CELLS]
    assert len(set(names)) == len(names)
    assert "quiet line" in names
    assert "speech, quiet line, caller at -38 dBFS" in names
    assert "speech, steady 12 dB below" in names


def test_a_scene_is_of_its_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kind, caller and level are the cell's; nothing else happens on the line."""
    seen: list[SceneRanges] = []
    draw = module.draw_scene

    def keep(bank, seed, ranges, **options):
        seen.append(ranges)
        return draw(bank, seed, replace(ranges, codecs=("mulaw",)), **options)

    monkeypatch.setattr(module, "draw_scene", keep)
    spoken = draw_cell_scene(
        small_bank(), Cell(kind="steady", snr_db=12.0), 1, SPLIT, duration_s=4.0
    )
    alone = draw_cell_scene(small_bank(), Cell(kind="music"), 1, SPLIT, duration_s=4.0)
    assert (spoken.tags["kind"], spoken.tags["snr_db"]) == ("steady", "12.0")
    assert spoken.caller_speech
    assert alone.tags["kind"] == "music"
    assert not alone.caller_speech
    assert all(of.burst_prob == of.agent_prob == of.edge_prob == 0.0 for of in seen)
