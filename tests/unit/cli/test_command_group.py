"""The group of all commands."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module, metadata, util

import click
from click.testing import CliRunner

from voxgate.cli.command_group import command_group
from voxgate.core.compiled import is_compiled


def test_help_lists_every_command_without_loading_one() -> None:
    """``voxgate --help`` is quick, and needs no extra but that of the command line."""
    heavy = "yaml, pydantic, websockets, voxgate.config, voxgate.engine"
    code = (
        "import sys; from voxgate.cli.command_group import command_group;"
        "command_group(['--help'], standalone_mode=False);"
        f"print([name for name in '{heavy}'.split(', ') if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    for name in ("check-config", "demo", "serve"):
        assert f"\n  {name} " in shown
    assert shown.splitlines()[-1] == "[]"


def test_every_command_has_its_module() -> None:
    """A line of the table without a module would fail at the operator's."""
    context = click.Context(command_group)
    for name in command_group.list_commands(context):
        module = f"voxgate.cli.{name.replace('-', '_')}"
        assert util.find_spec(module) is not None, module
        assert isinstance(command_group.get_command(context, name), click.Command)


def test_a_command_is_the_one_of_its_module() -> None:
    """The name in the table leads to ``command`` of the file of that name."""
    context = click.Context(command_group)
    expected = import_module("voxgate.cli.check_config").command
    assert command_group.get_command(context, "check-config") is expected


def test_an_unknown_command_is_a_usage_error() -> None:
    """As every command line says it, with status 2."""
    result = CliRunner().invoke(command_group, ["chek-config"])
    assert result.exit_code == 2
    assert "No such command 'chek-config'" in result.output


def test_the_version_is_that_of_the_distribution() -> None:
    """It stands once, in the metadata."""
    result = CliRunner().invoke(command_group, ["--version"])
    assert metadata.version("voxgate") in result.output
    assert ("(compiled)" in result.output) is is_compiled()
