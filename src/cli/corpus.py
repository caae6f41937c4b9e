"""``voxgate corpus``: fetch free voices, music and noises to measure with."""

from __future__ import annotations

__all__ = ["command"]

from pathlib import Path

import click

from ..lab.corpus import fetch_corpus


@click.command(name="corpus")
@click.option(
    "--into",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("corpus"),
    show_default=True,
    help="Folder of the corpus; what it has already is kept.",
)
@click.pass_context
def command(ctx: click.Context, folder: Path) -> None:
    """Fetch a corpus of free sounds from Debian's archive, without root.

    Voices under speech/, music/ and noise/, as WAV, mono, 8 kHz; MANIFEST.csv names package,
    version, speaker, language and licence of each. Needs apt-get and dpkg, some 400 MB of traffic
    and as much space. Status 1 if a package of voices or of hold music is missing.
    """
    report = fetch_corpus(folder, show=lambda word: click.echo(word, err=True))
    click.echo(f"{folder}: {report.files} sounds, {report.hours:.1f} h")
    if report.kept:
        click.echo(f"there already: {', '.join(dict.fromkeys(report.kept))}")
    for problem in report.problems:
        click.echo(f"missing: {problem.message}", err=True)
    ctx.exit(0 if report.is_complete else 1)
