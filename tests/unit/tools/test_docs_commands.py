"""The reference of the command line has every command and option."""

from __future__ import annotations

import re

import click
import pytest

from docs_commands import commands_markdown
from voxgate.cli.command_group import command_group

PAGE = commands_markdown()
CONTEXT = click.Context(command_group, info_name="voxgate")
COMMANDS = command_group.list_commands(CONTEXT)


def _section(name: str) -> str:
    found = re.search(rf"^## voxgate {name} .*?(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_told_whole(name: str) -> None:
    """Each option by all of its names, with its help; the usage with its arguments."""
    command = command_group.get_command(CONTEXT, name)
    assert command is not None
    section = _section(name)
    options = [each for each in command.params if isinstance(each, click.Option)]
    for option in options:
        row = next(line for line in section.splitlines() if f"`{option.opts[0]}`" in line)
        assert all(f"`{other}`" in row for other in option.opts)
        assert row.count("|") - row.count("\\|") == 5
    usage = command.collect_usage_pieces(click.Context(command, info_name=name))
    assert f"voxgate {name} {' '.join(usage)}" in section


def test_there_is_no_other_command() -> None:
    """In the order of the help."""
    assert re.findall(r"^## voxgate (\S+)", PAGE, re.MULTILINE) == COMMANDS


def test_values_and_defaults_are_told() -> None:
    """A range, a choice, a path."""
    section = _section("bench")
    assert "| `--seconds` | number, 4 to 600 | `28.0` | Length of a call. |" in section
    assert "| `--split` | `all`, `train`, `tune`, `report` | `all` |" in section
    assert "| `--out` | `DIRECTORY` | `out/bench` |" in section


def test_a_page_that_a_help_names_is_a_link() -> None:
    """From the page of the reference."""
    assert "[docs/bench.md](../bench.md) describes the matrix" in _section("bench")
