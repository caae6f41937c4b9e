"""``voxgate evaluate``: judge the gate on recordings with a reference."""

from __future__ import annotations

__all__ = ["command"]

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click
from rich.console import Console

from ..config import read_config
from ..core.config import GatingMode
from ..lab.evaluate.batch import evaluate_rows
from ..lab.evaluate.evaluation import EvaluatedRow, result_of, with_mode
from ..lab.evaluate.manifest import RowNote, RowProblem, parse_manifest
from ..lab.evaluate.summary import figures_by_tag, figures_of
from ..lab.evaluate.summary_json import summary_as_json
from ..lab.evaluate.tables import overall_table, tag_tables
from .progress import with_progress
from .workforce import refuse_jobs_with_dask, workforce_options

_WIDTH = 120
"""Columns of the tables where the output is no terminal."""
_SHOWN_NOTES = 20
"""Notes shown before the rest is only counted."""
_INTERRUPTED = 130
"""Status after Ctrl-C, as shells have it."""


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
    _refuse_to_overwrite(manifest, out)
    loaded = read_config(config_path)
    config = loaded.config.gating_config
    if mode is not None:
        config = with_mode(config, GatingMode(mode))
    parsed = parse_manifest(manifest.read_bytes(), manifest.parent)
    outcomes = evaluate_rows(parsed.rows, config=config, jobs=jobs, dask=dask)
    judged = _Judged([], list(parsed.problems))
    try:
        with _no_results() if out is None else _opened(out) as results:
            judged.gather(with_progress(outcomes, len(parsed.rows), "evaluating"), results)
    except KeyboardInterrupt:
        done = len(judged.evaluated)
        click.echo(f"interrupted: {done} of {len(parsed.rows)} rows were judged", err=True)
        ctx.exit(_INTERRUPTED)
    setting = {
        "manifest": str(manifest),
        "config": loaded.source,
        "environment": list(loaded.variables),
        "mode": mode,
    }
    _report(judged, parsed.notes, setting, as_json=as_json)
    ctx.exit(1 if judged.problems or not judged.evaluated else 0)


def _refuse_to_overwrite(manifest: Path, out: Path | None) -> None:
    if out is not None and out.exists() and out.samefile(manifest):
        raise click.UsageError(f"--out: {out} is the manifest")


_Write = Callable[[str], None]


@contextmanager
def _opened(out: Path) -> Iterator[_Write]:
    """Return what writes text to a file at once, so that nothing is lost of what was judged."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        sink = out.open("wb", buffering=0)
    except OSError as error:
        raise click.FileError(str(out), hint=error.strerror) from error

    def write(text: str) -> None:
        left = text.encode("utf-8")
        try:
            while left:
                left = left[sink.write(left) :]
        except OSError as error:
            raise click.FileError(str(out), hint=error.strerror) from error

    with sink:
        yield write


@contextmanager
def _no_results() -> Iterator[_Write]:
    yield lambda _: None


@dataclass(frozen=True, slots=True)
class _Judged:
    """What has come of the rows so far."""

    evaluated: list[EvaluatedRow]
    problems: list[RowProblem]

    def gather(self, outcomes: Iterable[EvaluatedRow | RowProblem], write: _Write) -> None:
        """Take outcomes as they come, and write each result."""
        for outcome in outcomes:
            if isinstance(outcome, RowProblem):
                self.problems.append(outcome)
            else:
                self.evaluated.append(outcome)
                write(f"{json.dumps(result_of(outcome))}\n")


def _report(
    judged: _Judged, notes: Sequence[RowNote], setting: dict[str, Any], *, as_json: bool
) -> None:
    """Write the summary to stdout, and what was wrong with rows to stderr."""
    manifest, evaluated = setting["manifest"], judged.evaluated
    problems = sorted(judged.problems, key=lambda problem: problem.line)
    all_notes = [*notes, *(note for row in evaluated for note in row.notes)]
    all_notes.sort(key=lambda note: note.line)
    _report_rows(manifest, problems, all_notes)
    if not evaluated:
        click.echo(f"{manifest}: there is no row that can be judged", err=True)
    if as_json:
        summary = summary_as_json(evaluated, problems, all_notes, setting=setting)
        click.echo(json.dumps(summary, indent=2))
    else:
        _show(evaluated, setting)


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
