"""``voxgate bench-guard``: what the guard keeps of callers, and keeps out of everything else."""

from __future__ import annotations

__all__ = ["command"]

import json
import tempfile
from pathlib import Path

import click
from rich.console import Console

from ..config import read_config
from ..lab.bench.sounds import ALL, gather_sounds
from ..lab.evaluate.batch import usable_cores
from ..lab.guard_bench import GuardBenchPlan, measure_cells
from ..lab.guard_bench.tables import cell_tables, cells_as_json, worst_table
from ..lab.guard_scenes.voiced_noises import without_voices
from ..lab.scenarios.bank import SPLITS, save_bank

_DEFAULT_CORPUS = Path("corpus")
_WIDTH = 140
"""Columns of the tables where the output is no terminal."""


@click.command(name="bench-guard")
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with speech/, music/, noise/. Default: corpus/ if it is there, else none.",
)
@click.option(
    "--split",
    type=click.Choice([ALL, *SPLITS]),
    default=ALL,
    show_default=True,
    help="Part of the corpus to use; training leaves out `report`.",
)
@click.option(
    "--scenes",
    type=click.IntRange(min=1, max=10_000),
    default=12,
    show_default=True,
    help="Scenes of 20 s for each cell.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration of the gate; the packaged default if left out.",
)
@click.option("--off", "is_off", is_flag=True, help="Measure the gate without its guard.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=usable_cores,
    help="Processes to use; all cores if left out.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out/bench-guard"),
    show_default=True,
    help="Folder for guard.json and report.txt.",
)
def command(
    corpus: Path | None,
    split: str,
    scenes: int,
    seed: int,
    config_path: Path | None,
    jobs: int,
    out: Path,
    *,
    is_off: bool,
) -> None:
    """Measure the audio guard while the agent is silent.

    Callers speak on quiet lines and over noise, music and other voices; then the same sounds are
    heard without a caller. The same seed and corpus give the same figures, but for the time.
    docs/bench.md describes the cells.
    """
    if corpus is None and _DEFAULT_CORPUS.is_dir():
        corpus = _DEFAULT_CORPUS
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(f"{out} can't be made: {error.strerror or error}") from error
    loaded = read_config(config_path)
    sounds = gather_sounds(corpus, split)
    with tempfile.TemporaryDirectory(prefix="voxgate-bench-guard-") as folder:
        save_bank(without_voices(sounds.bank), Path(folder))
        plan = GuardBenchPlan(
            bank=Path(folder),
            split=split,
            scenes=scenes,
            seed=seed,
            config=loaded.config.gating_config,
            is_guarded=not is_off,
        )
        cells = []
        for of in measure_cells(plan, jobs=jobs):
            cells.append(of)
            click.echo(f"measured: {of.cell.name}", err=True)
    described = {
        "scenes_per_cell": scenes,
        "seed": seed,
        "split": split,
        "config": loaded.source,
        "guard": not is_off,
        "sounds": {**sounds.counts, "speakers": sounds.speakers},
        "notes": list(sounds.notes),
        "cells": cells_as_json(cells),
    }
    (out / "guard.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=_WIDTH)
    with (out / "report.txt").open("w", encoding="utf-8") as sink:
        for target in (console, Console(file=sink, highlight=False, markup=False, width=_WIDTH)):
            for note in sounds.notes:
                target.print(f"note: {note}", soft_wrap=True)
            for table in (*cell_tables(cells), worst_table(cells)):
                target.print(table)
    console.print(f"{out.resolve()}: report.txt, guard.json", soft_wrap=True)
