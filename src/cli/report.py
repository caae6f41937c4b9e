"""``voxgate report``: a recorded call as one page, or one picture."""

from __future__ import annotations

__all__ = ["command"]

from pathlib import Path

import click

from ..config import read_config
from ..lab.report import render_page
from ..recordings import RecordedCall
from .recorded_calls import call_folder_option, find_call, reading

_FAILED = 1


@click.command(name="report")
@click.argument("call")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write the page; if left out, the name of the call's folder and .html, here.",
)
@click.option(
    "--png",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a picture here too; only the picture where --out is left out.",
)
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration whose recording.folder has the call; the packaged one if left out.",
)
@call_folder_option
@click.pass_context
def command(
    ctx: click.Context,
    call: str,
    out: Path | None,
    png: Path | None,
    config_path: Path | None,
    folder: Path | None,
) -> None:
    """Write the recorded CALL as one self-contained page that any browser shows.

    CALL is the folder of a recorded call, or an id (or how it begins) of a call in the folder that
    recording.folder names. The page has waveforms, spectrogram, the gate's decisions and their
    reasons, and the sound; nothing of it is loaded from elsewhere. Whoever has the page can hear
    the call: treat it as the recording. An encrypted call is opened with the identity in
    VOXGATE_RECORDING_IDENTITY.

    Status 1: a file can't be written; 2: the call or the configuration can't be read.
    """
    with reading(ctx):
        recorded = find_call(call, folder, read_config(config_path).config)
        if out is None and png is None:
            out = Path(f"{recorded.folder.name}.html")
        try:
            _write(recorded, out, png)
        except OSError as error:
            click.echo(f"voxgate: {error.filename}: {error.strerror}", err=True)
            ctx.exit(_FAILED)


def _write(recorded: RecordedCall, out: Path | None, png: Path | None) -> None:
    """Write what is asked for, and say what was written.

    Raises:
        OSError: a file can't be written.
        RecordingError: the call can't be read.
    """
    for path in (out, png):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
    if out is not None:
        page = render_page(recorded).encode("utf-8")
        out.write_bytes(page)
        click.echo(f"{out} ({len(page) / 1e6:.1f} MB)")
    if png is not None:
        from ..lab.report.call_png import draw_report

        draw_report(recorded, png)
        click.echo(f"{png}")
