"""``voxgate demo``: place the demonstration call and show what came of it."""

from __future__ import annotations

__all__ = ["command"]

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column, Table

from ..blas_threads import use_one_blas_thread
from ..config.models import LogFormat, LogLevel
from ..lab.call_judge import CallFigures, LetThrough, judge_call
from ..lab.call_picture import draw_calls
from ..lab.call_record import CallRecord
from ..lab.demo import (
    DEMO_BABBLE_DB,
    DEMO_CALLS,
    DEMO_DELAY_MS,
    DEMO_ERL_DB,
    DEMO_TALKERS,
    DemoProgress,
    run_demo,
)
from ..lab.patient_loop import PatientLoop
from ..observe.logging_setup import set_up_logging

_NONE = "-"
_CAPTION = (
    "right: the agent was cut off by the caller; false: while the caller was silent\n"
    "n: onsets over a talking agent, of which the median is shown"
)
_INTRODUCTION = (
    f"One call, placed three times at once over AudioSocket: with the gate off, with a gate that "
    f"goes by voice activity and level (VAD), and with the echo-aware gate. Echo path delay "
    f"{DEMO_DELAY_MS:.0f} ms, echo return loss {DEMO_ERL_DB:.0f} dB. In the caller's room "
    f"{DEMO_TALKERS} people talk all the time, together {DEMO_BABBLE_DB:.0f} dB below the caller. "
    f"It takes a little over a minute, longer on a busy machine."
)


@click.command(name="demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out"),
    show_default=True,
    help="Folder for the picture, demo.png.",
)
def command(out: Path) -> None:
    """Place one call three times, with the gate off, by VAD only and echo-aware, and compare.

    A simulated phone calls the engine over AudioSocket; the embedded Realtime server is the agent.
    The agent's echo comes back to it, the caller interrupts, people talk in the room. Needs no key
    and no phone, and reads no configuration.
    """
    picture = _writable(out / "demo.png")
    set_up_logging(LogLevel.ERROR, LogFormat.CONSOLE)
    use_one_blas_thread()
    console = Console(highlight=False, markup=False)
    console.print(_INTRODUCTION)
    with asyncio.Runner(loop_factory=PatientLoop) as runner:
        records = runner.run(_run(console))
    console.print()
    console.print(_table({title: judge_call(record) for title, record in records.items()}))
    _draw(records, picture)
    console.print(f"Picture: {picture.resolve()}", soft_wrap=True)
    _check_complete(records)


def _writable(path: Path) -> Path:
    """Return a file's path once it is known that it can be written: a minute's work waits for it.

    Raises:
        ClickException: it can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab"):
            pass
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def _draw(records: Mapping[str, CallRecord], path: Path) -> None:
    try:
        draw_calls(records, path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> click.ClickException:
    return click.ClickException(f"{path} can't be written: {error.strerror or error}")


async def _run(console: Console) -> dict[str, CallRecord]:
    if not console.is_terminal:
        return await run_demo(progress=_PlainProgress(console).show)
    columns = (
        TextColumn("{task.description}", table_column=Column(no_wrap=True, min_width=10)),
        BarColumn(None, table_column=Column(ratio=1, max_width=20)),
        TextColumn("{task.fields[elapsed_s]:2.0f} s", table_column=Column(min_width=4)),
        TextColumn("the caller {task.fields[doing]}", table_column=Column(ratio=2, no_wrap=True)),
    )
    with Progress(*columns, console=console, expand=True) as bars:
        return await run_demo(progress=_BarProgress(bars).show)


class _BarProgress:
    """Shows where each call is as a bar that moves."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task_ids: dict[str, TaskID] = {
            call.title: bars.add_task(call.title, total=1.0, elapsed_s=0.0, doing="dials")
            for call in DEMO_CALLS
        }

    def show(self, progress: DemoProgress) -> None:
        self._bars.update(
            self._task_ids[progress.title],
            completed=progress.done_ratio,
            elapsed_s=progress.elapsed_s,
            doing=progress.doing,
        )


class _PlainProgress:
    """Prints a line whenever a caller does something else: for files and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: dict[str, str] = {}

    def show(self, progress: DemoProgress) -> None:
        if self._shown.get(progress.title) != progress.doing:
            self._shown[progress.title] = progress.doing
            self._console.print(
                f"{progress.title:10} {progress.elapsed_s:5.1f} s  the caller {progress.doing}"
            )


def _check_complete(records: Mapping[str, CallRecord]) -> None:
    """Raise if a call ended before its script did.

    Raises:
        ClickException: with one line on the calls that did.
    """
    broken = [
        f"the call '{title}' ended early: {record.end_reason}"
        for title, record in records.items()
        if not record.is_complete
    ]
    if broken:
        raise click.ClickException("; ".join(broken))


def _table(figures: Mapping[str, CallFigures]) -> Table:
    table = Table(
        title="The same call", title_justify="left", caption=_CAPTION, caption_justify="left"
    )
    table.add_column("")
    for title in figures:
        table.add_column(title, justify="right")
    for name, cell in _ROWS:
        table.add_row(name, *(cell(call) for call in figures.values()))
    return table


def _yield_cell(call: CallFigures) -> str:
    if call.yield_ms is None:
        return _NONE
    return f"{call.yield_ms:.0f} ms (n = {len(call.yields_ms)})"


def _lost_cell(call: CallFigures) -> str:
    return _NONE if call.caller_lost_ratio is None else f"{100 * call.caller_lost_ratio:.1f} %"


def _through_cell(sound: LetThrough) -> str:
    if not sound.total_ms:
        return _NONE
    return f"{sound.through_ms / 1000:.1f} of {sound.total_ms / 1000:.1f} s"


_ROWS: tuple[tuple[str, Callable[[CallFigures], str]], ...] = (
    ("false barge-ins", lambda call: str(call.false_barge_ins)),
    ("right barge-ins", lambda call: str(call.right_barge_ins)),
    ("agent paused and went on", lambda call: str(call.pauses)),
    ("onset to agent's silence", _yield_cell),
    ("caller's speech lost", _lost_cell),
    ("echo at the provider", lambda call: _through_cell(call.echo)),
    ("babble at the provider", lambda call: _through_cell(call.noise)),
    ("caller began to speak", lambda call: str(call.caller_turns)),
    ("provider heard speech", lambda call: str(call.speech_reported)),
    ("... of a silent caller", lambda call: str(call.speech_reported_falsely)),
)
