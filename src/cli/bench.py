"""``voxgate bench``: compare gates on simulated calls."""

from __future__ import annotations

__all__ = ["command"]

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track

from ..config import read_config
from ..core.gate_decision import GateEventType
from ..lab.bench.gates import GATES, choose_gates
from ..lab.bench.matrix import draw_scenarios
from ..lab.bench.plots import draw_conditions, draw_latency, draw_right_against_false
from ..lab.bench.report import Rows, figures_by_condition, report_as_json
from ..lab.bench.run import run_trials
from ..lab.bench.sounds import ALL, Sounds, gather_sounds
from ..lab.bench.tables import condition_table, group_tables, worst_tables
from ..lab.bench.trial import Trial, TrialSetting
from ..lab.evaluate.batch import usable_cores
from ..lab.evaluate.evaluation import EvaluatedRow
from ..lab.scenarios.bank import SPLITS, save_bank

_WIDTH = 140
"""Columns of the tables where the output is no terminal."""
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
    help="A gate that opens stops the agent, as on a real call; each gate then has its own call.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=usable_cores,
    help="Processes to use; all cores if left out.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out/bench"),
    show_default=True,
    help="Folder for bench.json, report.txt, calls.jsonl and the plots.",
)
def command(
    corpus: Path | None,
    split: str,
    calls: int,
    duration_s: float,
    seed: int,
    gate_names: str | None,
    config_path: Path | None,
    jobs: int,
    out: Path,
    *,
    is_closed_loop: bool,
) -> None:
    """Compare gates side by side on the same simulated calls.

    Agents talk, their echo comes back over lines of many kinds, callers interrupt, rooms are noisy.
    Each gate is judged as `voxgate evaluate` judges. The same seed gives the same figures, whatever
    --jobs. docs/bench.md describes the matrix and the gates.
    """
    names = None if gate_names is None else [n.strip() for n in gate_names.split(",") if n.strip()]
    gates, missing = choose_gates(names)
    if not gates:
        raise click.ClickException("; ".join(f"{gate}: {need}" for gate, need in missing.items()))
    _make_folder(out)
    loaded = read_config(config_path)
    sounds = gather_sounds(corpus or _default_corpus(), split)
    scenarios = draw_scenarios(calls, seed, has_measured=sounds.has_measured_rooms)
    notes = [*sounds.notes, *(f"{GATES[gate].title} {need}" for gate, need in missing.items())]
    with tempfile.TemporaryDirectory(prefix="voxgate-bench-") as bank_folder:
        save_bank(sounds.bank, Path(bank_folder))
        setting = TrialSetting(
            bank=Path(bank_folder),
            split=split,
            duration_s=duration_s,
            gates=gates,
            config=loaded.config.gating_config,
            is_closed_loop=is_closed_loop,
        )
        trials = list(_with_progress(run_trials(scenarios, setting=setting, jobs=jobs), calls))
    rows = {gate: [trial.rows[gate] for trial in trials] for gate in gates}
    described = {
        "calls": calls,
        "seconds": duration_s,
        "seed": seed,
        "split": split,
        "closed_loop": is_closed_loop,
        "config": loaded.source,
        "sounds": {**sounds.counts, "speakers": sounds.speakers},
    }
    _write(out, trials, rows, described, notes)
    _show(out, rows, sounds, described, notes)


def _default_corpus() -> Path | None:
    return _DEFAULT_CORPUS if _DEFAULT_CORPUS.is_dir() else None


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(f"{out} can't be made: {error.strerror or error}") from error


def _with_progress(trials: Iterable[Trial], total: int) -> Iterable[Trial]:
    """Return the trials, with a bar on a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return trials
    return track(trials, total=total, description="calling", console=console, transient=True)


def _write(
    out: Path,
    trials: Sequence[Trial],
    rows: Mapping[str, Rows],
    described: Mapping[str, Any],
    notes: Sequence[str],
) -> None:
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
    clips = f"{counts}; {sounds.speakers} speakers"
    head = [
        f"{calls}, {loop} loop; clips: {clips}; gate: {described['config']}",
        *(f"note: {note}" for note in notes),
        "%, with 95 % Wilson intervals; pauses: needless ones; lost: of speech over the agent",
    ]
    shown = _SHOWN if _SHOWN in rows else next(iter(rows))
    tables = [
        *group_tables(rows),
        condition_table(figures_by_condition(rows[shown]), shown),
        *worst_tables(rows[shown], shown),
    ]
    with (out / "report.txt").open("w", encoding="utf-8") as sink:
        for target in (console, Console(file=sink, highlight=False, markup=False, width=_WIDTH)):
            for line in head:
                target.print(line, soft_wrap=True)
            for table in tables:
                target.print(table)
    console.print(f"{out.resolve()}: report.txt, bench.json, calls.jsonl, plots", soft_wrap=True)
