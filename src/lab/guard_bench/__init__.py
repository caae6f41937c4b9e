"""Measures the guard: what it keeps of the caller, and what it keeps out, by kind of sound."""

__all__ = ["CELLS", "Cell", "CellFigures", "GuardBenchPlan", "draw_cell_scene", "measure_cells"]

from .cells import CELLS, Cell, draw_cell_scene
from .measure import CellFigures, GuardBenchPlan, measure_cells
