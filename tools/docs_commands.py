"""The reference of the command line, generated from the commands themselves.

Invariant: every command, argument and option that ``voxgate --help`` and the commands' own help
tell is on the page, and no other.
"""

from __future__ import annotations

__all__ = ["commands_markdown"]

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

from voxgate.cli.command_group import command_group

ROOT = Path(__file__).resolve().parent.parent


def commands_markdown() -> str:
    """Return a section for each command as Markdown."""
    context = click.Context(command_group, info_name="voxgate")
    lines: list[str] = []
    for name in command_group.list_commands(context):
        command = command_group.get_command(context, name)
        if command is not None:
            lines += _lines(command, click.Context(command, info_name=name, parent=context))
    return "\n".join(lines)


def _lines(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"\n## voxgate {context.info_name} {{ #{context.info_name} }}\n"
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"```text\n{usage}\n```\n"
    yield _paragraphs(command.help or "") + "\n"
    options = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    yield "| option | value | default | meaning |\n|---|---|---|---|"
    yield from (_row(option, context) for option in options if not option.hidden)
    yield ""


def _paragraphs(text: str) -> str:
    """Return a help text with its lines joined, but for what is to stay; pages become links."""
    text = re.sub(r"\bdocs/([\w/-]+\.md)", _linked, text)
    blocks = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(
        f"```text\n{block[1:].strip()}\n```" if block.startswith("\b") else " ".join(block.split())
        for block in blocks
    )


def _linked(found: re.Match[str]) -> str:
    """Return a page that is named, as a link from the page of the reference."""
    return f"[{found[0]}](../{found[1]})" if (ROOT / found[0]).is_file() else found[0]


def _row(option: click.Option, context: click.Context) -> str:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    cells = [names, _value(option, context), _default(option, context), option.help or ""]
    return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"


def _escaped(cell: str) -> str:
    """Return a cell's text with what Markdown would take for its own made plain, code aside."""
    parts = re.split(r"(`[^`]*`)", cell)
    plain = [part if part.startswith("`") else part.replace("<", "&lt;") for part in parts]
    return "".join(plain).replace("|", "\\|").replace("*", "\\*")


def _value(option: click.Option, context: click.Context) -> str:
    if option.is_flag or option.count:
        return ""
    if isinstance(option.type, click.Choice):
        return ", ".join(f"`{choice}`" for choice in option.type.choices)
    words = f"`{option.make_metavar(context)}`"
    if isinstance(option.type, (click.IntRange, click.FloatRange)):
        low, high = option.type.min, option.type.max
        words = "number" if isinstance(option.type, click.FloatRange) else "whole number"
        words += f", {low:,g} to {high:,g}" if high is not None else f" from {low:,g} up"
    return words + (", more than once" if option.multiple else "")


def _default(option: click.Option, context: click.Context) -> str:
    value = option.get_default(context)
    shown = (option.show_default and isinstance(value, (str, int, float))) or isinstance(
        option.show_default, str
    )
    if not shown or option.is_flag:
        text = option.to_info_dict().get("default")
        return f"`{text}`" if option.show_default and text not in (None, False, True) else ""
    return f"`{option.show_default if isinstance(option.show_default, str) else value}`"
