"""``voxgate demo``: place the demonstration call and show what came of it."""

from __future__ import annotations

__all__ = ["command"]

import asyncio
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..config.load import load_config
from ..config.models import LogLevel
from ..lab.call_judge import CallFigures, judge_call
from ..lab.call_picture import draw_calls
from ..lab.call_record import CallRecord
from ..lab.demo import DEMO_DELAY_MS, DEMO_ERL_DB, run_demo
from ..observe.logging_setup import set_up_logging

_NONE = "-"


@click.command(name="demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out"),
    show_default=True,
    help="Folder for the picture.",
)
def command(out: Path) -> None:
    """Place one call twice, with the gate off and on, and compare.

    A simulated phone calls the engine over AudioSocket; the embedded Realtime server is the agent.
    The agent's echo comes back to it, the caller interrupts, the room is noisy. Needs no key and
    no phone.
    """
    config = load_config(None, {})
    set_up_logging(LogLevel.ERROR, config.engine.log_format)
    console = Console()
    console.print(
        f"Calling the embedded agent twice at once, over AudioSocket: echo path delay "
        f"{DEMO_DELAY_MS:.0f} ms, echo return loss {DEMO_ERL_DB:.0f} dB. Takes about a minute."
    )
    records = asyncio.run(_run(console))
    console.print(_table({title: judge_call(record) for title, record in records.items()}))
    picture = out / "demo.png"
    draw_calls(records, picture)
    console.print(f"Picture: {picture.resolve()}", soft_wrap=True)


async def _run(console: Console) -> dict[str, CallRecord]:
    columns = (
        TextColumn("{task.description:9}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[doing]}"),
    )
    with Progress(*columns, console=console, transient=not console.is_terminal) as progress:
        tasks: dict[str, tuple[TaskID, str]] = {}

        def show(title: str, seconds: float, doing: str) -> None:
            if title not in tasks:
                tasks[title] = (progress.add_task(title, total=None, doing=doing), doing)
            task_id, shown = tasks[title]
            if doing != shown:
                tasks[title] = (task_id, doing)
                progress.update(task_id, doing=doing)
                if not console.is_terminal:
                    console.print(f"{title:9} {seconds:5.1f} s  the caller {doing}")

        return await run_demo(load_config(None, {}), progress=show)


def _table(figures: dict[str, CallFigures]) -> Table:
    table = Table(title="The same call", title_justify="left")
    table.add_column("")
    for title in figures:
        table.add_column(title, justify="right")
    for name, cell in _ROWS:
        table.add_row(name, *(cell(call) for call in figures.values()))
    return table


_ROWS: tuple[tuple[str, Callable[[CallFigures], str]], ...] = (
    ("agent cut off by the caller", lambda call: str(call.right_barge_ins)),
    ("agent cut off while the caller was silent", lambda call: str(call.false_barge_ins)),
    (
        "caller's onset to the agent's silence",
        lambda call: _NONE if call.yield_ms is None else f"{call.yield_ms:.0f} ms",
    ),
    ("caller's speech lost", lambda call: f"{100 * call.caller_lost_ratio:.1f} %"),
    ("echo that reached the provider", lambda call: f"{call.echo_ms / 1000:.1f} s"),
    ("noise that reached the provider", lambda call: f"{call.noise_ms / 1000:.1f} s"),
    ("speech reported by the provider", lambda call: str(call.speech_reported)),
    ("... while the caller was silent", lambda call: str(call.speech_reported_falsely)),
)
