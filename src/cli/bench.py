"""``voxgate bench``: compare gates on simulated calls."""

from __future__ import annotations

__all__ = ["command"]

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from ..config import read_config
from ..core.gate_decision import GateEventType
from ..lab.bench.gates import GATES, choose_gates
from ..lab.bench.groups import Rows
from ..lab.bench.matrix import draw_scenarios
from ..lab.bench.report import figures_by_condition, report_as_json
from ..lab.bench.run import LostTrial, run_trials
from ..lab.bench.sounds import ALL, Sounds, describe_split, gather_sounds
from ..lab.bench.tables import (
    condition_table,
    group_tables,
    targets_table,
    timing_table,
    worst_tables,
)
from ..lab.bench.trial import Trial, TrialSetting
from ..lab.evaluate.evaluation import EvaluatedRow
from ..lab.scenarios.bank import SPLITS
from .progress import with_progress
from .workforce import refuse_jobs_with_dask, workforce_options

_WIDTH = 160
"""Columns of the tables where the output is no terminal."""
_ELSEWHERE = (
    "measured elsewhere: real recorded pairs (voxgate evaluate), memory a call and how long the "
    "loop is held (make bench, first table)\n"
)
_DEFAULT_CORPUS = Path("corpus")
_DEFAULT_CALLS = 360
"""Some 1,300 agent turns."""
_SHOWN = "echo_aware"
"""The gate whose conditions and worst cells are shown in full; bench.json has all."""


@click.command(name="bench")
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with speech/, music/, noise/, rir/. Default: corpus/ if it is there, else none.",
)
@click.option(
    "--split",
    type=click.Choice([ALL, *SPLITS]),
    default=ALL,
    show_default=True,
    help="Part of the corpus to use; training leaves out `report`.",
)
@click.option("--calls", type=click.IntRange(min=1), default=_DEFAULT_CALLS, show_default=True)
@click.option(
    "--seconds",
    "duration_s",
    type=click.FloatRange(min=4.0, max=600.0),
    default=28.0,
    show_default=True,
    help="Length of a call.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--gates", "gate_names", help=f"Comma-separated, of: {', '.join(GATES)}. Default: all."
)
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration of voxgate's own gates; the packaged default if left out.",
)
@click.option(
    "--closed-loop",
    "is_closed_loop",
    is_flag=True,
    help="The agent pauses, goes on and stops as the gate says; each gate then has its own call.",
)
@workforce_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out/bench"),
    show_default=True,
    help="Folder for bench.json, report.txt, calls.jsonl and the plots.",
)
@click.pass_context
def command(
    ctx: click.Context,
    corpus: Path | None,
    split: str,
    calls: int,
    duration_s: float,
    seed: int,
    gate_names: str | None,
    config_path: Path | None,
    jobs: int,
    dask: str | None,
    out: Path,
    *,
    is_closed_loop: bool,
) -> None:
    """Compare gates side by side on the same simulated calls.

    Agents talk, their echo comes back over lines of many kinds, callers interrupt, rooms are noisy.
    Each gate is judged as `voxgate evaluate` judges. The same seed gives the same figures, whatever
    --jobs or --dask. docs/bench.md describes the matrix and the gates. Status 1 if a call was lost.
    """
    refuse_jobs_with_dask(ctx, dask)
    gates, missing = _chosen_gates(gate_names)
    _make_folder(out)
    loaded = read_config(config_path)
    sounds = gather_sounds(corpus or _default_corpus(), split)
    setting = TrialSetting(
        split=split,
        duration_s=duration_s,
        gates=gates,
        config=loaded.config.gating_config,
        is_closed_loop=is_closed_loop,
    )
    scenarios = draw_scenarios(calls, seed, has_measured=sounds.has_measured_rooms)
    outcomes = run_trials(scenarios, bank=sounds.bank, setting=setting, jobs=jobs, dask=dask)
    trials, lost = _sorted_out(with_progress(outcomes, calls, "calling"))
    rows = {gate: [trial.rows[gate] for trial in trials] for gate in gates}
    notes = [*sounds.notes, *(f"{GATES[gate].title} {need}" for gate, need in missing.items())]
    notes += [f"call-{call.scenario.number + 1} is lost: {call.reason}" for call in lost]
    described = _described(setting, sounds) | {
        "calls": calls,
        "seed": seed,
        "config": loaded.source,
    }
    _write(out, trials, rows, described, notes)
    _show(out, rows, sounds, described, notes)
    ctx.exit(1 if lost else 0)


def _described(setting: TrialSetting, sounds: Sounds) -> dict[str, Any]:
    """Return what all calls have in common, for the report."""
    return {
        "seconds": setting.duration_s,
        "split": setting.split,
        "closed_loop": setting.is_closed_loop,
        "sounds": {**sounds.counts, "speakers": sounds.speakers},
    }


def _chosen_gates(gate_names: str | None) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the gates to compare, and what others lack; there is one at least."""
    names = None if gate_names is None else [n.strip() for n in gate_names.split(",") if n.strip()]
    gates, missing = choose_gates(names)
    if not gates:
        raise click.ClickException("; ".join(f"{gate}: {need}" for gate, need in missing.items()))
    return gates, missing


def _sorted_out(outcomes: Iterable[Trial | LostTrial]) -> tuple[list[Trial], list[LostTrial]]:
    trials: list[Trial] = []
    lost: list[LostTrial] = []
    for outcome in outcomes:
        if isinstance(outcome, LostTrial):
            lost.append(outcome)
        else:
            trials.append(outcome)
    if not trials:
        raise click.ClickException(f"every call is lost: {lost[0].reason}")
    return trials, lost


def _default_corpus() -> Path | None:
    return _DEFAULT_CORPUS if _DEFAULT_CORPUS.is_dir() else None


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(f"{out} can't be made: {error.strerror or error}") from error


def _write(
    out: Path,
    trials: Sequence[Trial],
    rows: Mapping[str, Rows],
    described: Mapping[str, Any],
    notes: Sequence[str],
) -> None:
    # Loaded only now: matplotlib takes longer to load than all the rest.
    from ..lab.bench.plots import draw_conditions, draw_latency, draw_right_against_false

    report = report_as_json(rows, setting=described, notes=notes)
    (out / "bench.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    lines = (json.dumps(_call_as_json(trial)) for trial in trials)
    (out / "calls.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    draw_right_against_false(rows, out / "right_against_false.png")
    draw_latency(rows, out / "latency.png")
    draw_conditions(rows, out / "conditions.png")


def _call_as_json(trial: Trial) -> dict[str, Any]:
    """Return a call's conditions and what each gate did, to look into single calls."""
    first = next(iter(trial.rows.values()))
    return {
        "id": first.row.id,
        "seed": trial.scenario.seed,
        "tags": dict(trial.scenario.levels),
        "caller_speech": first.row.caller_speech,
        "gates": {gate: _run_as_json(row) for gate, row in trial.rows.items()},
    }


def _run_as_json(row: EvaluatedRow) -> dict[str, Any]:
    turns = row.verdict.turns
    return {
        "agent_speaking": row.row.agent_speaking,
        "barge_in_ms": [round(t_ms, 1) for t_ms in row.run.barge_in_ms],
        "candidate_ms": [
            round(event.t_ms, 1)
            for event in row.run.events
            if event.type is GateEventType.CANDIDATE_STARTED
        ],
        "false_ms": [round(t_ms, 1) for turn in turns for t_ms in turn.false_ms],
        "needless_pause_ms": [round(t_ms, 1) for turn in turns for t_ms in turn.needless_pause_ms],
        "needless_delays_ms": [
            round(delay_ms, 1) for turn in turns for delay_ms in turn.needless_delays_ms
        ],
        "missed_onset_ms": [
            round(turn.onset_ms, 1)
            for turn in turns
            if turn.onset_ms is not None and turn.right_ms is None
        ],
    }


def _show(
    out: Path,
    rows: Mapping[str, Rows],
    sounds: Sounds,
    described: Mapping[str, Any],
    notes: Sequence[str],
) -> None:
    """Print the tables, and keep them beside the plots."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=_WIDTH)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(sounds.counts.items()))
    calls = f"{described['calls']} calls of {described['seconds']:g} s, seed {described['seed']}"
    loop = "closed" if described["closed_loop"] else "open"
    clips = f"{counts}; {sounds.speakers} speakers; {describe_split(sounds.split)}"
    head = [
        f"{calls}, {loop} loop; clips: {clips}; gate: {described['config']}",
        *(f"note: {note}" for note in notes),
        "%, with 95 % Wilson intervals; pauses: needless ones; lost: of speech over the agent",
    ]
    shown = _SHOWN if _SHOWN in rows else next(iter(rows))
    tables: list[Table | str] = [
        targets_table(rows[shown], shown),
        _ELSEWHERE,
        *group_tables(rows),
        condition_table(figures_by_condition(rows[shown]), shown),
        *worst_tables(rows[shown], shown),
        timing_table(rows),
    ]
    with (out / "report.txt").open("w", encoding="utf-8") as sink:
        for target in (console, Console(file=sink, highlight=False, markup=False, width=_WIDTH)):
            for line in head:
                target.print(line, soft_wrap=True)
            for table in tables:
                target.print(table, soft_wrap=isinstance(table, str))
    console.print(f"{out.resolve()}: report.txt, bench.json, calls.jsonl, plots", soft_wrap=True)
