"""``voxgate load`` without its processes: what is asked of the run, and what is shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from support.load_sides import figures
from voxgate.cli import load
from voxgate.errors import VoxgateError
from voxgate.lab.load import EngineSettings, LoadFigures, LoadPlan, ServedEngine

Run = Callable[..., Result]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what the command asks of the run: plan and engine."""
    asked: list[Any] = []

    async def run_load(
        plan: LoadPlan, engine: EngineSettings | ServedEngine, **_: object
    ) -> list[LoadFigures]:
        asked.extend((plan, engine))
        return [figures(10), figures(20, lost_frames=3)]

    monkeypatch.setattr(load, "run_load", run_load)
    return asked


def run(*words: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(load.command, words)


@pytest.mark.usefixtures("asked")
def test_the_table_and_the_limit_are_shown() -> None:
    """A column a step, and in words where the limit is."""
    result = run()
    assert result.exit_code == 0, result.output
    assert "line in to provider out" in result.output
    assert "10 calls were held. 20 calls are too many: 3 frames were lost." in result.output


def test_an_engine_is_started_as_it_is_asked_for(asked: list[Any]) -> None:
    """With room for the calls of the last step."""
    run("--calls", "10,50", "--mode", "vad", "--line", "twilio", "--engine-core", "0", "--no-echo")
    plan, engine = asked
    assert plan.steps == (10, 50)
    assert not plan.stops_at_limit
    assert plan.erl_db is None
    assert (engine.mode, engine.line, engine.core) == ("vad", "twilio", 0)
    assert engine.max_calls >= 50


def test_a_ramp_stops_at_the_limit(asked: list[Any]) -> None:
    """And its steps are those that were named."""
    run("--ramp", "20:100:40")
    assert asked[0].steps == (20, 60, 100)
    assert asked[0].stops_at_limit


def test_an_engine_that_runs_is_left_alone(asked: list[Any]) -> None:
    """Its address is all that is needed."""
    run("--address", "[::1]:8090", "--engine-pid", "77")
    assert asked[1] == ServedEngine(77, ("::1", 8090))
    asked.clear()
    run("--address", "127.0.0.1:8090")
    assert asked[1] == ServedEngine(None, ("127.0.0.1", 8090))


@pytest.mark.parametrize(
    "words",
    [
        ("--calls", "5,3"),
        ("--calls", "0"),
        ("--calls", "many"),
        ("--ramp", "1:2"),
        ("--ramp", "9:5:1"),
        ("--ramp", "0:5:1"),
        ("--address", "8090"),
        ("--engine-core", "100000"),
        ("--seconds", "1"),
    ],
)
def test_what_makes_no_sense_is_refused(asked: list[Any], words: tuple[str, str]) -> None:
    """Before anything is started, naming the option or the value."""
    result = run(*words)
    assert result.exit_code == 2
    assert words[1] in result.output
    assert asked == []


@pytest.mark.usefixtures("asked")
def test_figures_and_picture_are_written(tmp_path: Path) -> None:
    """Where the user wants them."""
    result = run("--json", str(tmp_path / "l.json"), "--plot", str(tmp_path / "l.png"))
    assert result.exit_code == 0, result.output
    assert len(json.loads((tmp_path / "l.json").read_text())["steps"]) == 2
    assert (tmp_path / "l.png").stat().st_size > 1000


@pytest.mark.parametrize("option", ["--json", "--plot"])
def test_a_file_that_cant_be_written_is_named(
    asked: list[Any], option: str, tmp_path: Path
) -> None:
    """In one line, before anything is started: the figures would be lost."""
    result = run(option, str(tmp_path / "none" / "file"))
    assert result.exit_code == 1
    assert "can't be written" in result.output
    assert asked == []


def test_a_run_that_fails_leaves_files_as_they_were(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The look beforehand makes no file, and empties none."""
    there, new = tmp_path / "there.json", tmp_path / "new.png"
    there.write_text("figures", "utf-8")

    async def fails(*_: object, **__: object) -> list[LoadFigures]:
        raise VoxgateError("no engine")

    monkeypatch.setattr(load, "run_load", fails)
    assert run("--json", str(there), "--plot", str(new)).exit_code == 1
    assert there.read_text("utf-8") == "figures"
    assert not new.exists()


def test_a_picture_without_matplotlib_is_refused(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before the run; the script names the extra."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run("--plot", str(tmp_path / "l.png"))
    assert isinstance(result.exception, ModuleNotFoundError)
    assert result.exception.name == "matplotlib"
    assert asked == []


def test_a_corpus_without_speech_is_refused(asked: list[Any], tmp_path: Path) -> None:
    """In the words of the option, before anything is started."""
    result = run("--corpus", str(tmp_path))
    assert isinstance(result.exception, VoxgateError)
    assert str(result.exception) == f"--corpus {tmp_path}: holds no speech of a second or more"
    assert asked == []


def test_a_provider_that_is_none_is_refused(asked: list[Any]) -> None:
    """With the names of those that there are."""
    result = run("--provider", "nobody")
    assert isinstance(result.exception, VoxgateError)
    assert str(result.exception).startswith("--provider: no provider 'nobody'; there are ")
    assert "embedded" in str(result.exception)
    assert asked == []
    run("--provider", "nobody", "--address", "127.0.0.1:8090")
    assert len(asked) == 2, "an engine that runs has providers of its own"
