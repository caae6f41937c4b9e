"""``voxgate bench-forwarding``: what a speech recogniser makes of double-talk."""

from __future__ import annotations

__all__ = ["command"]

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track

from ..lab.bench.sounds import ALL, describe_split, gather_sounds
from ..lab.evaluate.batch import usable_cores
from ..lab.process_pool import map_in_processes
from ..lab.recognition.forwarding import WAYS
from ..lab.recognition.report import clean_rate, figures_by_stop, report_as_json
from ..lab.recognition.tables import rate_table
from ..lab.recognition.trial import (
    NEVER,
    Interrupted,
    RecognitionSetting,
    draw_scenarios,
    run_trial,
)
from ..lab.scenarios.bank import save_bank

_WIDTH = 130
"""Columns of the tables where the output is no terminal."""
_DEFAULT_CORPUS = Path("corpus")
_STOPS_MS = (0.0, 200.0, 500.0, NEVER)
_RETURN_LOSSES_DB = "-6,0,6,12,18,24,30"


@click.command(name="bench-forwarding")
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with speech/. Default: corpus/ if it is there, else the packaged voices.",
)
@click.option(
    "--interruptions",
    type=click.IntRange(min=1),
    default=40,
    show_default=True,
    help="How many at each return loss.",
)
@click.option(
    "--return-losses",
    default=_RETURN_LOSSES_DB,
    show_default=True,
    help="Echo return losses in dB, comma-separated.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=usable_cores,
    help="Processes to use; all cores if left out.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out/bench-forwarding"),
    show_default=True,
    help="Folder for forwarding.json and report.txt.",
)
def command(
    corpus: Path | None, interruptions: int, return_losses: str, seed: int, jobs: int, out: Path
) -> None:
    """Judge by a speech recogniser what the provider should be sent while the agent's echo lasts.

    Callers interrupt an agent with words that are known. What was captured is recognised as it
    came, with the echo cancelled, and in ways between; and once without any echo. Needs the
    `recognition` extra. docs/bench-forwarding.md tells more.
    """
    if corpus is None and _DEFAULT_CORPUS.is_dir():
        corpus = _DEFAULT_CORPUS
    losses_db = _parse_losses(return_losses)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="voxgate-bench-") as bank_folder:
        save_bank(gather_sounds(corpus).bank, Path(bank_folder))
        setting = RecognitionSetting(
            bank=Path(bank_folder),
            split=ALL,
            corpus=corpus,
            ways=tuple(WAYS),
            stops_ms=_STOPS_MS,
        )
        scenarios = draw_scenarios(interruptions, seed, losses_db)
        run = partial(run_trial, setting=setting)
        outcomes = map_in_processes(run, scenarios, jobs=jobs)
        trials = list(_with_progress(outcomes, len(scenarios)))
    described = {
        "corpus": None if corpus is None else str(corpus),
        "split": setting.split,
        "interruptions_each": interruptions,
        "return_losses_db": losses_db,
        "seed": seed,
    }
    report = report_as_json(trials, setting=described)
    (out / "forwarding.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    _show(out, trials, described)


def _parse_losses(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is not a list of numbers", param_hint="--return-losses"
        ) from error


def _with_progress(trials: Iterable[Interrupted], total: int) -> Iterable[Interrupted]:
    """Return the trials, with a bar on a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return trials
    return track(trials, total=total, description="listening", console=console, transient=True)


def _show(out: Path, trials: Sequence[Interrupted], described: Mapping[str, Any]) -> None:
    """Print the tables, and keep them beside the JSON."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=_WIDTH)
    clean = clean_rate(trials)
    head = (
        f"{len(trials)} interruptions, {clean['all'].words} words, seed {described['seed']}; "
        f"corpus: {described['corpus'] or 'the packaged voices'}; "
        f"{describe_split(described['split'])}"
    )
    with (out / "report.txt").open("w", encoding="utf-8") as sink:
        for target in (console, Console(file=sink, highlight=False, markup=False, width=_WIDTH)):
            target.print(head, soft_wrap=True)
            for stop_ms, figures in figures_by_stop(trials).items():
                target.print(rate_table(stop_ms, figures, clean))
    console.print(f"{out.resolve()}: report.txt, forwarding.json", soft_wrap=True)
