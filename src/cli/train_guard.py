"""``voxgate train-guard``: train the network of the audio guard on simulated lines."""

from __future__ import annotations

__all__ = ["command"]

from pathlib import Path

import click

from ..lab.evaluate.batch import usable_cores
from ..lab.training.guard_run import GuardTrainingPlan, run_guard_training

_DEFAULT_CORPUS = Path("corpus")


@click.command(name="train-guard")
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with speech/, music/, noise/. Default: corpus/ if it is there, else none.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("out/train/guard-weights.npz"),
    show_default=True,
    help="File of the weights; a report, guard-weights.json, stands beside it.",
)
@click.option(
    "--hours",
    type=click.FloatRange(min=0.0, min_open=True),
    default=9.0,
    show_default=True,
    help="Simulated lines to train on.",
)
@click.option("--epochs", type=click.IntRange(min=1), default=16, show_default=True)
@click.option("--seed", type=click.IntRange(min=0, max=100_000), default=1, show_default=True)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=usable_cores,
    help="Processes that simulate lines; all cores if left out. Does not change the weights.",
)
def command(
    corpus: Path | None, out: Path, hours: float, epochs: int, seed: int, jobs: int
) -> None:
    """Train the network that tells speech from everything else while the agent is silent.

    Callers, noises, music and tones are mixed from the corpus's training clips and run through the
    guard; the network learns what it would have seen. Needs the `train` extra.
    docs/model-card-guard.md tells how the packaged weights were made.
    """
    if corpus is None and _DEFAULT_CORPUS.is_dir():
        corpus = _DEFAULT_CORPUS
    plan = GuardTrainingPlan(
        corpus=corpus, out=out, hours=hours, epochs=epochs, seed=seed, jobs=jobs
    )
    try:
        report = run_guard_training(plan, lambda line: click.echo(line, err=True))
    except OSError as error:
        name = error.filename or out
        raise click.ClickException(f"{name}: {error.strerror or error}") from error
    for note in report.notes:
        click.echo(f"note: {note}")
    click.echo(f"trained on {report.scenes} scenes, {report.rows} frames of sound")
    click.echo(f"loss: {report.epoch_losses[-1]:.4f}")
    click.echo(f"{out.resolve()}: {out.stat().st_size} bytes")
