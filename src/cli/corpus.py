"""``voxgate corpus``: fetch free voices, music and noises to measure with, or to train on."""

from __future__ import annotations

__all__ = ["command"]

from collections.abc import Iterable
from pathlib import Path

import click

from ..lab.corpus import PackageProblem, fetch_corpus
from ..lab.corpus_packages import PACKAGES
from ..lab.rendered_voices import render_voices
from ..lab.training_packages import TRAINING_PACKAGES


@click.command(name="corpus")
@click.option(
    "--into",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("corpus"),
    show_default=True,
    help="Folder of the corpus; what it has already is kept.",
)
@click.option(
    "--set",
    "chosen",
    type=click.Choice(["bench", "training"]),
    default="bench",
    show_default=True,
    help="training: more songs and noises too, 4.5 GB of traffic in all; and voices that espeak-ng "
    "and flite speak, if they are installed.",
)
@click.pass_context
def command(ctx: click.Context, folder: Path, chosen: str) -> None:
    """Fetch a corpus of free sounds from Debian's archive, without root.

    Sounds come under speech/, music/ and noise/, as WAV, mono, 8 kHz; MANIFEST.csv names package,
    version, speaker, language and licence of each. Needs apt-get and dpkg, some 400 MB of traffic
    and as much space. Status 1 if a package of voices or of hold music is missing; run it again to
    fetch what is.
    """

    def show(word: str) -> None:
        click.echo(word, err=True)

    is_training = chosen == "training"
    unspoken = render_voices(folder, show=show) if is_training else ()
    packages = (*PACKAGES, *TRAINING_PACKAGES) if is_training else PACKAGES
    report = fetch_corpus(folder, packages=packages, show=show)
    click.echo(f"{folder}: {report.files} sounds, {report.hours:.1f} h")
    if report.kept:
        click.echo(f"there already: {', '.join(report.kept)}")
    _show_problems((*report.problems, *unspoken))
    ctx.exit(0 if report.is_complete else 1)


def _show_problems(problems: Iterable[PackageProblem]) -> None:
    """Print what is missing, one line a reason."""
    names: dict[str, list[str]] = {}
    for problem in problems:
        names.setdefault(problem.message, []).append(problem.name)
    for message, of_message in names.items():
        click.echo(f"missing: {', '.join(of_message)}: {message}", err=True)
    if names:
        click.echo("the same command again fetches what is missing", err=True)
