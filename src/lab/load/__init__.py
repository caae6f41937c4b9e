"""The load tool: many callers at once, a server that stamps what it gets, and what came of both.

Scripts, sounds, matching and figures are pure; callers, servers and processes are thin shells
around them.
"""

from __future__ import annotations

__all__ = [
    "LATE_MS",
    "CorpusError",
    "EngineProgram",
    "EngineSettings",
    "LoadFigures",
    "LoadPlan",
    "Percentiles",
    "ServedEngine",
    "draw_load",
    "engine_limits",
    "load_sounds",
    "load_text",
    "report_as_json",
    "rig_limits",
    "run_load",
    "verdict",
]

from ..scenarios.corpus_folder import CorpusError
from .caller_sounds import load_sounds
from .engine_process import EngineProgram, EngineSettings, ServedEngine
from .load_figures import LoadFigures, Percentiles
from .load_limits import LATE_MS, engine_limits, rig_limits, verdict
from .load_plan import LoadPlan
from .load_report import draw_load, report_as_json
from .load_run import run_load
from .load_text import load_text
