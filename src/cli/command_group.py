"""The group of all commands, listed without loading any.

Invariant: a command is a module in this package with a click command named ``command``, and a line
in the table; its imports, heavy or of an extra, happen when it is run.
"""

from __future__ import annotations

__all__ = ["command_group"]

from collections.abc import Mapping
from importlib import import_module

import click

from ..core.compiled import is_compiled

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "bench": ("bench", "Compare gates on simulated calls: a matrix of lines, echoes and noises."),
    "bench-forwarding": (
        "bench_forwarding",
        "Judge by a speech recogniser what to send of double-talk.",
    ),
    "bench-guard": ("bench_guard", "Measure the audio guard: speech kept, noise kept out."),
    "check-config": ("check_config", "Check a configuration and show what it comes to."),
    "corpus": ("corpus", "Fetch free voices, music and noises to measure with."),
    "demo": ("demo", "Place a call with and without the gate, and show what came of it."),
    "evaluate": ("evaluate", "Judge the gate on recordings with a reference."),
    "load": ("load", "Place many calls at once, and measure what they cost the engine."),
    "proxy": ("proxy", "Gate what any Realtime client sends to the cloud: change one URL."),
    "replay": ("replay", "Run a recorded call through the gate anew, and compare."),
    "report": ("report", "Write a recorded call as one page: pictures, sound, decisions."),
    "serve": ("serve", "Take calls on the configured lines."),
    "train": ("train", "Train the detector's network on simulated calls."),
    "train-guard": ("train_guard", "Train the audio guard's network on simulated lines."),
    "tune": ("tune", "Propose thresholds from your own recordings, checked on held-out calls."),
    "tune-guard": ("tune_guard", "Search the guard's thresholds that suit a profile's lines."),
}
"""Name of each command: its module in this package, and its line in the help."""


class _LazyGroup(click.Group):
    """A group that knows its commands from the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        del ctx
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command, or return None for an unknown name."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module_name, _ = _COMMANDS[cmd_name]
        module = import_module(f".{module_name}", __package__)
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table; loading each command for its help would take seconds."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in sorted(_COMMANDS)])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    package_name="voxgate",
    message=f"%(prog)s, version %(version)s{' (compiled)' if is_compiled() else ''}",
)
def command_group() -> None:
    """Let callers interrupt an AI voice agent, and keep the agent's echo out of its ears."""
