"""How a command is told which recorded call it is about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from support.recorded_calls import record_call
from support.taped_calls import eventful_call
from voxgate.cli.recorded_calls import UNREADABLE, call_folder_option, find_call, reading
from voxgate.config import AppConfig
from voxgate.config.recording_model import RecordingConfig
from voxgate.errors import ConfigError, ConfigProblem, RecordingError
from voxgate.recordings import list_calls


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two calls, one of whose ids begins as the other's does."""
    taped = eventful_call().taped[:3]
    entries = [(each.given, None) for each in taped]
    for call_id in ("abc-1", "abd-2"):
        record_call(tmp_path / "calls", entries, call_id=call_id)
    return tmp_path / "calls"


def found(call: str, folder: Path | None, config: AppConfig | None = None) -> str:
    return find_call(call, folder, config or AppConfig()).header.call_id


def test_a_call_is_named_by_its_folder_or_id_or_how_it_begins(root: Path) -> None:
    """As long as there is only one such."""
    names = {each.call_id: each.folder for each in list_calls(root)}
    assert found(str(names["abc-1"]), None) == "abc-1"
    assert found("abd-2", root) == "abd-2"
    assert found(names["abd-2"].name, root) == "abd-2"
    assert found("abc", root) == "abc-1"


def test_it_is_looked_for_where_the_configuration_records(root: Path) -> None:
    """Where no folder is given."""
    config = replace(AppConfig(), recording=RecordingConfig(folder=str(root)))
    assert found("abd", None, config) == "abd-2"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("ab", "2 of the calls in .* begin so"),
        ("xyz", "no call among the 2 in"),
    ],
)
def test_what_is_not_one_call_is_refused(root: Path, call: str, said: str) -> None:
    """With what there is."""
    with pytest.raises(RecordingError, match=said):
        found(call, root)


def test_a_folder_that_is_no_call_is_refused(tmp_path: Path) -> None:
    """As a call that is not there is."""
    with pytest.raises(RecordingError, match="is no folder of a recorded call"):
        found(str(tmp_path), tmp_path)


def test_a_folder_of_the_name_of_a_call_is_not_in_its_way(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder in which one stands may be called anything."""
    (root.parent / "abc").mkdir()
    monkeypatch.chdir(root.parent)
    assert found("abc", root) == "abc-1"


@pytest.mark.parametrize(
    "error",
    [
        RecordingError("the call can't be read"),
        ConfigError([ConfigProblem(key="vad.x", value="1", rule="is wrong", source="a.yaml")]),
    ],
)
def test_what_can_not_be_read_is_a_line_and_status_2(error: Exception) -> None:
    """No traceback."""

    @click.command()
    @call_folder_option
    @click.pass_context
    def command(ctx: click.Context, folder: Path | None) -> None:
        with reading(ctx):
            assert folder == Path("there")
            raise error

    result = CliRunner().invoke(command, ["--folder", "there"])
    assert result.exit_code == UNREADABLE
    assert result.stderr == f"voxgate: {error}\n"
    assert result.stdout == ""
