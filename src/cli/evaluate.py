"""``voxgate evaluate``: judge the gate on recordings with a reference."""

from __future__ import annotations

__all__ = ["command"]

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from typing import IO, Any

import click
from rich.console import Console
from rich.progress import track

from ..config import read_config
from ..core.config import GatingMode
from ..lab.evaluate.batch import evaluate_rows
from ..lab.evaluate.evaluation import EvaluatedRow, result_of, with_mode
from ..lab.evaluate.manifest import Manifest, RowNote, RowProblem, parse_manifest
from ..lab.evaluate.summary import figures_by_tag, figures_of
from ..lab.evaluate.summary_json import summary_as_json
from ..lab.evaluate.tables import overall_table, tag_tables
from .workforce import refuse_jobs_with_dask, workforce_options

_WIDTH = 120
"""Columns of the tables where the output is no terminal."""
_SHOWN_NOTES = 20
"""Notes shown before the rest is only counted."""


@click.command(name="evaluate")
@click.argument("manifest", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration of the gate; the packaged default if left out.",
)
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in GatingMode]),
    help="Mode of every gated provider, instead of the configuration's.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the result of each row here, as JSON Lines.",
)
@workforce_options
@click.option("--json", "as_json", is_flag=True, help="Write the summary as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    manifest: Path,
    config_path: Path | None,
    mode: str | None,
    out: Path | None,
    jobs: int,
    dask: str | None,
    *,
    as_json: bool,
) -> None:
    """Judge the gate on the recordings of MANIFEST, a JSON Lines file.

    Each line names the capture and the far end of a call (WAV, mono, 16 bits) and says when the
    agent and the caller spoke. docs/evaluate.md tells the format, and what counts as what. Status 1
    if a row could not be judged; the others are judged all the same.
    """
    refuse_jobs_with_dask(ctx, dask)
    loaded = read_config(config_path)
    config = loaded.config.gating_config
    if mode is not None:
        config = with_mode(config, GatingMode(mode))
    parsed = parse_manifest(manifest.read_bytes(), manifest.parent)
    outcomes = evaluate_rows(parsed.rows, config=config, jobs=jobs, dask=dask)
    with nullcontext() if out is None else _opened(out) as results:
        evaluated, problems = _gather(_with_progress(outcomes, len(parsed.rows)), results)
    problems = sorted([*parsed.problems, *problems], key=lambda problem: problem.line)
    notes = _notes(parsed, evaluated)
    _report_rows(str(manifest), problems, notes)
    setting = {
        "manifest": str(manifest),
        "config": loaded.source,
        "environment": list(loaded.variables),
        "mode": mode,
    }
    if as_json:
        summary = summary_as_json(evaluated, problems, notes, setting=setting)
        click.echo(json.dumps(summary, indent=2))
    else:
        _show(evaluated, setting)
    ctx.exit(1 if problems or not evaluated else 0)


def _opened(out: Path) -> IO[str]:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        return out.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise click.FileError(str(out), hint=error.strerror) from error


def _with_progress(
    outcomes: Iterable[EvaluatedRow | RowProblem], total: int
) -> Iterable[EvaluatedRow | RowProblem]:
    """Return the outcomes, with a bar on a terminal."""
    if not sys.stderr.isatty():
        return outcomes
    console = Console(stderr=True)
    return track(outcomes, total=total, description="evaluating", console=console, transient=True)


def _gather(
    outcomes: Iterable[EvaluatedRow | RowProblem], results: IO[str] | None
) -> tuple[list[EvaluatedRow], list[RowProblem]]:
    """Write each result as it comes; return the rows judged, and the others."""
    evaluated: list[EvaluatedRow] = []
    problems: list[RowProblem] = []
    for outcome in outcomes:
        if isinstance(outcome, RowProblem):
            problems.append(outcome)
            continue
        evaluated.append(outcome)
        if results is not None:
            results.write(f"{json.dumps(result_of(outcome))}\n")
            results.flush()
    return evaluated, problems


def _notes(parsed: Manifest, evaluated: Iterable[EvaluatedRow]) -> list[RowNote]:
    notes = [*parsed.notes, *(note for row in evaluated for note in row.notes)]
    return sorted(notes, key=lambda note: note.line)


def _report_rows(manifest: str, problems: Sequence[RowProblem], notes: Sequence[RowNote]) -> None:
    """Name every bad row and the first of the notes, on stderr."""
    for note in notes[:_SHOWN_NOTES]:
        click.echo(f"note: {manifest}:{note}", err=True)
    if len(notes) > _SHOWN_NOTES:
        click.echo(f"note: and {len(notes) - _SHOWN_NOTES} more; --json has them all", err=True)
    for problem in problems:
        click.echo(f"{manifest}:{problem}", err=True)


def _show(evaluated: Sequence[EvaluatedRow], setting: dict[str, Any]) -> None:
    figures = figures_of(evaluated)
    mode = f", mode {setting['mode']}" if setting["mode"] else ""
    passed = f" ({figures.rows_passed_through} not gated)" if figures.rows_passed_through else ""
    click.echo(
        f"{setting['manifest']}: {figures.rows} rows{passed}, "
        f"{figures.duration_ms / 60_000:.1f} min, {figures.agent_turns} agent turns "
        f"({figures.agent_minutes:.1f} min); gate: {setting['config']}{mode}"
    )
    if not evaluated:
        return
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    console.print(overall_table(figures))
    for table in tag_tables(figures_by_tag(evaluated)):
        console.print(table)
    time_us = median(row.run.us_per_frame_p50 for row in evaluated)
    click.echo(f"time: {time_us:.0f} us per 20 ms frame (median of the rows)")
