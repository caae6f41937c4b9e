"""``voxgate replay``: a recorded call through today's gate, or another one."""

from __future__ import annotations

__all__ = ["command"]

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import click
from rich.console import Console

from ..config import read_config
from ..core.config import GatingConfig
from ..core.gate_tape import GateBegun, GateReconfigured
from ..errors import RecordingError
from ..lab.replay import ReplayedCall, RunDecision, compare
from ..lab.replay.replayed_call import replayed_run
from ..recordings import RecordedCall
from .gate_settings import GateSettings, parse_settings
from .progress import with_progress
from .recorded_calls import call_folder_option, find_call, reading
from .replay_text import ReplayReport

_WIDTH = 110
"""Columns of the table where the output is no terminal."""
_DIFFERS = 1


@click.command(name="replay")
@click.argument("call")
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration to replay with; the recorded one if left out.",
)
@click.option(
    "--set",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    help="Turn one key of the gate, such as gating.providers.openai_realtime.sensitivity=0.3; "
    "can be given several times.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Compare with a replay with this configuration, instead of with what was recorded.",
)
@call_folder_option
@click.option("--differences", is_flag=True, help="Show only the decisions that differ.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object instead of text.")
@click.pass_context
def command(
    ctx: click.Context,
    call: str,
    config_path: Path | None,
    settings: tuple[str, ...],
    against: Path | None,
    folder: Path | None,
    *,
    differences: bool,
    as_json: bool,
) -> None:
    """Run the recorded CALL through the gate anew, and compare what it decides.

    CALL is the folder of a recorded call, or an id (or how it begins) of a call in the folder that
    recording.folder names. With the configuration that it was recorded with every decision is the
    same to the bit; with another one the decisions that differ are shown. An encrypted call is
    opened with the identity in VOXGATE_RECORDING_IDENTITY.

    Status 0: nothing differs; 1: something does; 2: the call or a configuration can't be read.
    """
    wanted = parse_settings(config_path, settings)
    with reading(ctx):
        recorded = find_call(call, folder, read_config(None if folder else config_path).config)
        report = _replayed(
            recorded, wanted, None if against is None else GateSettings(path=against)
        )
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2))
    else:
        console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
        report.show(console, only_differences=differences)
    ctx.exit(0 if report.comparison.is_identical else _DIFFERS)


def _replayed(
    recorded: RecordedCall, wanted: GateSettings, against: GateSettings | None
) -> ReplayReport:
    """Replay a call once, or twice where two configurations are compared.

    Raises:
        ConfigError: a configuration is wrong.
        RecordingError: the call can't be replayed.
    """
    configs = recorded_configs(recorded)
    config = wanted.applied_to(configs[0]) if wanted else None
    first: RecordedCall | ReplayedCall = recorded
    if against is not None:
        first = _watched(recorded, against.applied_to(configs[0]))
    return ReplayReport(
        recorded=recorded,
        against=None if against is None else against.label,
        config=wanted.label,
        is_other_config=config is not None or against is not None,
        config_changes=sum(one != other for one, other in pairwise(configs)),
        comparison=compare(first, _watched(recorded, config)),
    )


def _watched(recorded: RecordedCall, config: GatingConfig | None) -> ReplayedCall:
    """Replay a call; on stderr it shows how many seconds of it are through."""
    start_ms = recorded.header.started_ms
    end = recorded.end
    total_s = 0 if end is None else round(end.duration_ms / 1000)
    run: list[RunDecision] = []
    seconds = _seconds(replayed_run(recorded, config), run, start_ms)
    for _ in with_progress(seconds, total_s, "replaying, seconds of the call"):
        pass
    return ReplayedCall(header=recorded.header, config=config, run=tuple(run))


def _seconds(
    decisions: Iterable[RunDecision], run: list[RunDecision], start_ms: float
) -> Iterator[int]:
    """Put decisions into a run, and yield each whole second of the call that is through."""
    through = 0
    for each in decisions:
        run.append(each)
        if each.t_ms - start_ms >= 1000 * (through + 1):
            through += 1
            yield through


def recorded_configs(recorded: RecordedCall) -> list[GatingConfig]:
    """Return the configurations that were in force, from that of a call's first gate on.

    Raises:
        RecordingError: no gate began, so that there is nothing to replay.
    """
    configs = [
        taped.given.config
        for taped in recorded.inputs()
        if isinstance(taped.given, (GateBegun, GateReconfigured))
    ]
    if configs:
        return configs
    damage = f" ({recorded.damage})" if recorded.damage else ""
    raise RecordingError(
        f"{recorded.folder}: the call ended before its gate began; there is nothing to replay"
        f"{damage}"
    )
