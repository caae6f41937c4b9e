"""``voxgate demo`` without its calls: what is shown of them, and the status."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result
from rich.console import Console

from support.simulated_calls import gate_event, record_of
from voxgate.cli import demo
from voxgate.core.gate_transitions import GateEventType
from voxgate.errors import TransportError
from voxgate.lab.call_record import CallRecord
from voxgate.lab.demo import DemoProgress
from voxgate.lab.patient_loop import PatientLoop

Report = Callable[[DemoProgress], None]


def records() -> dict[str, CallRecord]:
    """Return a call that the echo cut off, one that it paused, and one that the caller cut off."""
    off = record_of(300, agent=[(0, 60)], echo=[(20, 80)], noise=[(200, 250)], forwarded=[(0, 300)])
    off.gate_events.append(gate_event(GateEventType.INTERRUPTED, 2200.0))
    off.provider_speech_ms.append(2200.0)
    vad = record_of(300, agent=[(0, 60)], echo=[(20, 80)], noise=[(0, 300)], forwarded=[(60, 110)])
    vad.gate_events.append(gate_event(GateEventType.CANDIDATE_DROPPED, 1800.0))
    echo_aware = record_of(
        300, agent=[(0, 110)], caller=[(100, 200)], echo=[(20, 90)], forwarded=[(90, 195)]
    )
    echo_aware.gate_events.append(gate_event(GateEventType.INTERRUPTED, 3200.0))
    echo_aware.provider_speech_ms.append(3200.0)
    return {"gate off": off, "VAD only": vad, "echo-aware": echo_aware}


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """The command sets up the log of its process, which here is that of all tests."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Return a function that runs the command on calls that were placed already."""

    def run(*arguments: str, outcome: dict[str, CallRecord] | Exception | None = None) -> Result:
        async def run_demo(*, progress: Report) -> dict[str, CallRecord]:
            for title in ("gate off", "VAD only", "echo-aware"):
                progress(
                    DemoProgress(title=title, elapsed_s=1.5, done_ratio=0.1, doing="says hello")
                )
            if isinstance(outcome, Exception):
                raise outcome
            return outcome or records()

        monkeypatch.setattr(demo, "run_demo", run_demo)
        monkeypatch.chdir(tmp_path)
        return CliRunner(env={"COLUMNS": "80"}).invoke(demo.command, arguments)

    return run


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the drawing out: it takes a second."""

    def draw_calls(records: object, path: Path) -> None:
        path.write_bytes(b"\x89PNG")

    monkeypatch.setattr(demo, "draw_calls", draw_calls)


def cells(result: Result) -> dict[str, list[str]]:
    """Return the cells of the table by the name of their row."""
    rows = [line.split("│")[1:-1] for line in result.stdout.splitlines() if line.startswith("│")]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}


@pytest.mark.usefixtures("hasty")
def test_the_table_has_every_figure_of_all_calls(place: Callable[..., Result]) -> None:
    """With units, how many onsets a median is over, and a dash where there was no occasion."""
    result = place()
    assert result.exit_code == 0
    assert cells(result) == {
        "false barge-ins": ["1", "0", "0"],
        "right barge-ins": ["0", "0", "1"],
        "agent paused and went on": ["0", "1", "0"],
        "onset to agent's silence": ["-", "-", "200 ms (n = 1)"],
        "caller's speech lost": ["-", "-", "5.0 %"],
        "echo at the provider": ["1.2 of 1.2 s", "0.4 of 1.2 s", "0.0 of 1.4 s"],
        "babble at the provider": ["1.0 of 1.0 s", "1.0 of 6.0 s", "-"],
        "caller began to speak": ["0", "0", "1"],
        "provider heard speech": ["1", "0", "1"],
        "... of a silent caller": ["1", "0", "0"],
    }
    assert max(map(len, result.stdout.splitlines()[:-1])) <= 80


def test_the_picture_is_written_and_its_place_told(
    place: Callable[..., Result], tmp_path: Path
) -> None:
    """In one line, however long, under the folder asked for; folders are made."""
    folder = tmp_path / ("long [bold] name " * 6).strip() / "deeper"
    result = place("--out", str(folder))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == f"Picture: {folder / 'demo.png'}"
    assert (folder / "demo.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("hasty")
def test_without_a_folder_it_is_out(place: Callable[..., Result], tmp_path: Path) -> None:
    """Below the working directory; what was there is replaced."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "demo.png").write_bytes(b"older")
    assert place().exit_code == 0
    assert (tmp_path / "out" / "demo.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("hasty")
def test_piped_progress_is_a_line_for_whatever_is_new(place: Callable[..., Result]) -> None:
    """No bars, no control codes."""
    lines = place().stdout.splitlines()
    for title in ("gate off  ", "VAD only  ", "echo-aware"):
        assert lines.count(f"{title}   1.5 s  the caller says hello") == 1
    assert "\x1b" not in "".join(lines)


@pytest.mark.usefixtures("hasty")
def test_what_is_simulated_is_told_first(place: Callable[..., Result]) -> None:
    """Echo, delay and babble, with their figures."""
    introduction = " ".join(place().stdout.partition("gate off  ")[0].split())
    assert "Echo path delay 260 ms, echo return loss 10 dB." in introduction
    assert "8 people talk all the time, together 20 dB below the caller" in introduction


@pytest.mark.usefixtures("hasty")
def test_a_busy_machine_makes_the_calls_slower_and_not_worse(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They live in a loop that waits for it."""
    loops = []

    async def run_demo(*, progress: Report) -> dict[str, CallRecord]:
        loops.append(asyncio.get_running_loop())
        return records()

    monkeypatch.setattr(demo, "run_demo", run_demo)
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(demo.command).exit_code == 0
    (loop,) = loops
    assert isinstance(loop, PatientLoop)
    assert loop.is_closed()


def test_a_folder_that_cannot_be_written_is_told_before_the_calls(
    place: Callable[..., Result], tmp_path: Path
) -> None:
    """One line, and no minute of waiting for nothing."""
    (tmp_path / "file").write_text("")
    result = place("--out", str(tmp_path / "file" / "sub"))
    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: {tmp_path / 'file' / 'sub' / 'demo.png'} can't be written: ")


def test_a_disk_that_is_full_is_told_after_the_table(
    place: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The figures are not lost with the picture."""

    def draw_calls(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(demo, "draw_calls", draw_calls)
    result = place()
    assert result.exit_code == 1
    assert "caller's speech lost" in result.stdout
    path = Path("out") / "demo.png"
    assert result.stderr == f"Error: {path} can't be written: No space left on device\n"


def test_a_call_that_could_not_be_placed_is_an_error_of_ours(place: Callable[..., Result]) -> None:
    """Which the ``voxgate`` script prints in one line, with status 1."""
    failure = TransportError("phone to 127.0.0.1:1", "no answer", retryable=True)
    result = place(outcome=failure)
    assert result.exit_code == 1
    assert result.exception is failure


def test_a_call_that_ended_early_is_told_with_what_there_is_of_it(
    place: Callable[..., Result], tmp_path: Path
) -> None:
    """Table, picture, and one line with the engine's reason; status 1."""
    outcome = records()
    outcome["echo-aware"] = CallRecord(end_reason="provider_lost: closed [1006]")
    result = place(outcome=outcome)
    assert result.exit_code == 1
    assert cells(result)["caller's speech lost"] == ["-", "-", "-"]
    assert (tmp_path / "out" / "demo.png").is_file()
    assert result.stderr == (
        "Error: the call 'echo-aware' ended early: provider_lost: closed [1006]\n"
    )


@pytest.mark.parametrize("width", [30, 44, 80, 200])
async def test_on_a_terminal_each_call_is_a_bar_in_a_line(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """Narrow ones lose the end of the line, never the call's name or its time."""
    titles = ("gate off", "VAD only", "echo-aware")

    async def run_demo(*, progress: Report) -> dict[str, CallRecord]:
        for title, done_ratio in zip(titles, (0.25, 0.5, 0.75), strict=True):
            doing = "says: card question"
            progress(DemoProgress(title=title, elapsed_s=41.2, done_ratio=done_ratio, doing=doing))
        return {}

    monkeypatch.setattr(demo, "run_demo", run_demo)
    out = io.StringIO()
    await demo._run(Console(file=out, width=width, force_terminal=True, color_system=None))
    shown = [line for line in out.getvalue().splitlines() if any(map(line.count, titles))]
    for line, title in zip(shown[-3:], titles, strict=True):
        assert title in line
        assert "41 s the call" in line
