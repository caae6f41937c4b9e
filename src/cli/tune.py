"""``voxgate tune``: propose thresholds from an operator's own recordings."""

from __future__ import annotations

__all__ = ["command"]

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from ..config import LoadedConfig, read_config
from ..core.config import GatingConfig
from ..lab.tune.call_sources import CallProblem
from ..lab.tune.cost import WEIGHT_MEANINGS, Weights
from ..lab.tune.gathering import NoCallsError, gather_calls
from ..lab.tune.patch import PATCH_MARK, patch_text
from ..lab.tune.summary import Gathered, labels_line, verdict_lines
from ..lab.tune.tables import changes_table, comparison_table, tag_tables
from ..lab.tune.tuning import Tuning, TuningPlan, Verdict, tune_calls
from ..lab.tune.tuning_json import tuning_as_json
from ..lab.tune.workforce import Workforce
from .progress import with_progress
from .workforce import refuse_jobs_with_dask, workforce_options

_WIDTH = 160
"""Columns of the tables where the output is no terminal."""
_SHOWN_NOTES = 20
_INTERRUPTED = 130
"""Status after Ctrl-C, as shells have it."""

Item = TypeVar("Item")


@click.command(name="tune")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration that you run; the packaged default if left out. It is only read.",
)
@click.option(
    "--patch",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a proposal here, as YAML with the changed keys only.",
)
@click.option(
    "--kind",
    help="Kind of provider whose calls to tune for. Default: the gated one that has most.",
)
@click.option(
    "--key",
    "only",
    multiple=True,
    metavar="KEY",
    help="Turn this key only, dotted as in check-config; may be given again.",
)
@click.option(
    "--weight",
    "weights",
    multiple=True,
    metavar="NAME=COST",
    help=f"What one costs, in false barge-ins: {', '.join(WEIGHT_MEANINGS)}. May be given again.",
)
@click.option(
    "--labels",
    type=click.Choice(["given", "found"]),
    default="given",
    show_default=True,
    help="found: label every call anew, and say how that compares with the labels given.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@workforce_options
@click.option("--json", "as_json", is_flag=True, help="Write all figures as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    folder: Path,
    config_path: Path | None,
    patch: Path | None,
    kind: str | None,
    only: tuple[str, ...],
    weights: tuple[str, ...],
    labels: str,
    seed: int,
    jobs: int,
    dask: str | None,
    *,
    as_json: bool,
) -> None:
    """Propose thresholds from the recordings in FOLDER.

    FOLDER holds a manifest as for `voxgate evaluate`, recorded calls, or both. Calls without labels
    are labelled by a detector that listens to the whole call. Some calls are searched, the others
    check: a setting is proposed only if it is surely better on them. Nothing is changed; --patch
    writes a proposal. docs/tune.md tells the rest. Status 1 if a call could not be used.
    """
    refuse_jobs_with_dask(ctx, dask)
    _refuse_to_overwrite(config_path, patch)
    priced = _parsed_weights(weights)
    loaded = read_config(config_path)
    workforce = Workforce(jobs=jobs, dask=dask)
    try:
        gathered, chosen = gather_calls(
            folder,
            loaded.config.gating_config,
            workforce,
            kind=_checked_kind(kind, loaded.config.gating_config),
            relabel=labels == "found",
            watch=_watch,
        )
        _report_calls(gathered)
        plan = _plan(loaded, chosen, gathered, priced, seed, only)
        tuning = tune_calls(gathered.calls, plan, workforce, _watch)
    except NoCallsError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("interrupted: nothing is proposed", err=True)
        ctx.exit(_INTERRUPTED)
    for problem in tuning.problems:
        click.echo(f"not used: {problem}", err=True)
    setting = {
        "folder": str(folder),
        "config": loaded.source,
        "environment": list(loaded.variables),
        "kind": plan.kind,
        "mode": str(plan.mode),
        "seed": seed,
    }
    _report(tuning, gathered, plan, setting, as_json=as_json)
    _write_patch(patch, tuning, loaded.source)
    ctx.exit(1 if gathered.problems or tuning.problems else 0)


def _watch(items: Iterator[Item], total: int, doing: str) -> Iterator[Item]:
    return with_progress(items, total, doing)


def _refuse_to_overwrite(config_path: Path | None, patch: Path | None) -> None:
    """Raise a usage error unless the patch is a new file, or an older patch."""
    if patch is None or not patch.exists():
        return
    if config_path is not None and config_path.exists() and patch.samefile(config_path):
        raise click.UsageError(f"--patch: {patch} is the configuration, which is never written")
    with patch.open("rb") as existing:
        if not existing.read(len(PATCH_MARK)).startswith(PATCH_MARK.encode()):
            raise click.UsageError(f"--patch: {patch} is there, and is no patch of voxgate tune")


def _parsed_weights(given: tuple[str, ...]) -> Weights:
    values = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            values[name] = float(value)
        except ValueError as error:
            raise click.UsageError(f"--weight: {text!r} is not NAME=COST") from error
        if name not in WEIGHT_MEANINGS:
            raise click.UsageError(f"--weight: {name!r} is none of {', '.join(WEIGHT_MEANINGS)}")
    try:
        return Weights(**values)
    except ValueError as error:
        raise click.UsageError(f"--weight: {error}") from error


def _checked_kind(kind: str | None, config: GatingConfig) -> str | None:
    if kind is None:
        return None
    if kind not in config.providers:
        raise click.UsageError(f"--kind: {kind!r} is none of {', '.join(config.providers)}")
    if not config.providers[kind].gating_enabled:
        raise click.UsageError(f"--kind: {kind} is not gated: it has no thresholds in force")
    return kind


def _plan(
    loaded: LoadedConfig,
    kind: str | None,
    gathered: Gathered,
    weights: Weights,
    seed: int,
    only: tuple[str, ...],
) -> TuningPlan:
    """Return what to tune; raise where there is nothing to tune, or no such key."""
    if kind is None or not gathered.calls:
        aside = f"; {gathered.set_aside} are of providers that are not tuned"
        raise NoCallsError(f"no call can be used{aside if gathered.set_aside else ''}")
    plan = TuningPlan(config=loaded.config, kind=kind, weights=weights, seed=seed)
    names = [key.name for key in plan.keys]
    for name in only:
        if name not in names:
            raise click.UsageError(
                f"--key: {name} is none of the keys that mode {plan.mode} is tuned by: "
                f"{', '.join(names)}"
            )
    return TuningPlan(config=loaded.config, kind=kind, weights=weights, seed=seed, only=only)


def _report_calls(gathered: Gathered) -> None:
    """Name every call that is not used and the first of the notes, on stderr."""
    for note in gathered.notes[:_SHOWN_NOTES]:
        click.echo(f"note: {note}", err=True)
    if len(gathered.notes) > _SHOWN_NOTES:
        more = len(gathered.notes) - _SHOWN_NOTES
        click.echo(f"note: and {more} more; --json has them all", err=True)
    _report_problems(gathered.problems)


def _report_problems(problems: tuple[CallProblem, ...]) -> None:
    for problem in problems:
        click.echo(f"not used: {problem}", err=True)


def _report(
    tuning: Tuning,
    gathered: Gathered,
    plan: TuningPlan,
    setting: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    if as_json:
        report = tuning_as_json(tuning, gathered, plan.weights, setting=setting)
        click.echo(json.dumps(report, indent=2))
        return
    click.echo(f"{setting['folder']}: {labels_line(gathered)}")
    click.echo(f"gate: {setting['config']}, {plan.kind}, mode {setting['mode']}")
    if gathered.set_aside:
        click.echo(f"set aside: {gathered.set_aside} calls of other kinds of provider")
    _show_agreement(gathered)
    for line in verdict_lines(tuning):
        click.echo(line)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    if tuning.changes:
        console.print(changes_table(tuning.changes))
    if tuning.search is not None or tuning.held_out is not None:
        console.print(comparison_table(tuning))
    for table in tag_tables(tuning):
        console.print(table)


def _show_agreement(gathered: Gathered) -> None:
    agreement = gathered.agreement
    if agreement is None:
        return
    turns = agreement.turns
    click.echo(
        f"labels found against labels given: {turns.found} interruptions found, {turns.missed} "
        f"missed, {turns.invented} invented; {turns.left_out} agent turns left out, "
        f"{turns.left_out_interrupted} of them interrupted"
    )


def _write_patch(patch: Path | None, tuning: Tuning, source: str) -> None:
    if patch is None:
        return
    if tuning.verdict is not Verdict.PROPOSED:
        stale = "; what it holds is an earlier proposal" if patch.exists() else ""
        click.echo(f"{patch}: not written, as nothing is proposed{stale}", err=True)
        return
    try:
        patch.parent.mkdir(parents=True, exist_ok=True)
        patch.write_text(patch_text(tuning, source), encoding="utf-8")
    except OSError as error:
        raise click.FileError(str(patch), hint=error.strerror) from error
    click.echo(f"{patch}: written; check and merge it yourself (docs/tune.md)", err=True)
