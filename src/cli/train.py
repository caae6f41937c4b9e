"""``voxgate train``: train the network of the near-end detector on simulated calls."""

from __future__ import annotations

__all__ = ["command"]

from pathlib import Path

import click

from ..core.echo.barge_in_decision import DecisionThresholds
from ..lab.evaluate.batch import usable_cores
from ..lab.evaluate.summary import Share
from ..lab.training import TrainingPlan, TrainingReport, run_training
from ..lab.training.threshold_tuning import TuningFigures

_DEFAULT_CORPUS = Path("corpus")


@click.command(name="train")
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with speech/, music/, noise/, rir/. Default: corpus/ if it is there, else none.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("out/train/weights.npz"),
    show_default=True,
    help="File of the weights; a report, weights.json, stands beside it.",
)
@click.option(
    "--sequences",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of what is made of the calls; kept, and used again. Default: beside --out.",
)
@click.option(
    "--hours",
    type=click.FloatRange(min=0.0, min_open=True),
    default=20.0,
    show_default=True,
    help="Simulated calls to train on.",
)
@click.option("--epochs", type=click.IntRange(min=1), default=13, show_default=True)
@click.option("--seed", type=click.IntRange(min=0, max=100_000), default=1, show_default=True)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=usable_cores,
    help="Processes that simulate calls; all cores if left out. Does not change the weights.",
)
def command(
    corpus: Path | None,
    out: Path,
    sequences: Path | None,
    hours: float,
    epochs: int,
    seed: int,
    jobs: int,
) -> None:
    """Train the network that tells the caller from the agent's echo.

    Calls are simulated from the corpus's training clips and run through the detector; the network
    learns what it would have seen. Thresholds are then tried on calls of the tuning clips. An
    interrupted run goes on with the calls that it has. Needs the `train` extra.
    docs/model-card.md tells how the packaged weights were made.
    """
    if corpus is None and _DEFAULT_CORPUS.is_dir():
        corpus = _DEFAULT_CORPUS
    plan = TrainingPlan(
        corpus=corpus,
        out=out,
        sequences=sequences or out.with_suffix("").with_name(f"{out.stem}-sequences"),
        hours=hours,
        epochs=epochs,
        seed=seed,
        jobs=jobs,
    )
    try:
        report = run_training(plan, lambda line: click.echo(line, err=True))
    except OSError as error:
        name = error.filename or out
        raise click.ClickException(f"{name}: {error.strerror or error}") from error
    _show(out, report)


def _show(out: Path, report: TrainingReport) -> None:
    for note in report.notes:
        click.echo(f"note: {note}")
    click.echo(f"trained on {report.turns} agent turns, {report.frames} frames")
    click.echo(f"tuning set, packaged thresholds: {_figures(report.packaged)}")
    click.echo(f"tuning set, best thresholds:     {_figures(report.tuned)}")
    click.echo(f"best thresholds: {_thresholds(report.best)}")
    click.echo(f"{out.resolve()}: {out.stat().st_size} bytes")


def _figures(figures: TuningFigures) -> str:
    return (
        f"false {_percent(figures.false)}, right {_percent(figures.right)},"
        f" needless pauses {_percent(figures.needless)},"
        f" p50 {_ms(figures.open_p50_ms)}, p95 {_ms(figures.open_p95_ms)}"
    )


def _thresholds(thresholds: DecisionThresholds) -> str:
    return (
        f"candidate {thresholds.candidate_drift:g} / {thresholds.candidate_sum:g},"
        f" commitment {thresholds.commit_drift:g} / {thresholds.commit_sum:g} (drift / sum),"
        f" decay {thresholds.decay:g}, limit {thresholds.increment_limit:g}"
    )


def _percent(share: Share) -> str:
    """Return a share and what it is of."""
    return f"{'-' if share.percent is None else f'{share.percent:.1f} %'} of {share.of}"


def _ms(time_ms: float | None) -> str:
    return "-" if time_ms is None else f"{time_ms:.0f} ms"
