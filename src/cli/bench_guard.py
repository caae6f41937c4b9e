"""``voxgate bench-guard``: what the guard keeps of callers, and keeps out of everything else."""

from __future__ import annotations

__all__ = ["command"]

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from ..config import read_config
from ..core.config import GatingConfig, SpeechEvidenceKind
from ..core.guard.silero import SILERO_INSTALL, has_onnxruntime
from ..core.guard.speech_evidence import evidence_in_force
from ..lab.bench.sounds import ALL, Sounds, gather_sounds
from ..lab.bench.tables import table_of_targets
from ..lab.bench.targets import target_as_json
from ..lab.evaluate.batch import usable_cores
from ..lab.guard_bench import GuardBenchPlan, measure_cells
from ..lab.guard_bench.invariance import measure_invariance
from ..lab.guard_bench.invariance_tables import invariance_as_json, invariance_tables
from ..lab.guard_bench.level_curve import measure_level_curve
from ..lab.guard_bench.noisy_call import make_noisy_call
from ..lab.guard_bench.provider_turns import TurnBenchPlan, TurnFigures, measure_turns
from ..lab.guard_bench.tables import (
    cell_tables,
    cells_as_json,
    turn_tables,
    turns_as_json,
    worst_table,
)
from ..lab.guard_bench.targets import guard_targets
from ..lab.guard_bench.watched_line import evidence_rule, watch_line
from ..lab.guard_scenes.voiced_noises import without_voices
from ..lab.scenarios.bank import SPLITS, save_bank
from ..realtime_server.silero_scorer import SileroScorer
from ..realtime_server.speech_scorer import SpeechScorer

_DEFAULT_CORPUS = Path("corpus")
_WIDTH = 140
"""Columns of the tables where the output is no terminal."""


@click.command(name="bench-guard")
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with speech/, music/, noise/. Default: corpus/ if it is there, else none.",
)
@click.option(
    "--split",
    type=click.Choice([ALL, *SPLITS]),
    default=ALL,
    show_default=True,
    help="Part of the corpus to use; training leaves out `report`.",
)
@click.option(
    "--scenes",
    type=click.IntRange(min=1, max=10_000),
    default=12,
    show_default=True,
    help="Scenes of 20 s for each cell.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration of the gate; the packaged default if left out.",
)
@click.option(
    "--evidence",
    type=click.Choice([kind.value for kind in SpeechEvidenceKind]),
    help="What tells speech by its sound; what the configuration says if left out.",
)
@click.option(
    "--turns",
    "turn_scenes",
    type=click.IntRange(min=0, max=5000),
    default=0,
    help="Also measure the turns that the embedded server hears: lines of 30 s for each cell.",
)
@click.option(
    "--server-vad",
    type=click.Choice(["webrtc", "silero"]),
    default="webrtc",
    show_default=True,
    help="What that server hears with.",
)
@click.option("--off", "is_off", is_flag=True, help="Measure the gate without its guard.")
@click.option(
    "--invariance",
    "is_invariance",
    is_flag=True,
    help="Measure how often it decides otherwise of a line that is louder, shifted or cut anew.",
)
@click.option(
    "--level-curve",
    "is_level_curve",
    is_flag=True,
    help="Measure what is kept of voices below the caller, against what callers lose by it.",
)
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw one noisy call as the guard sees it into this PNG, and measure nothing.",
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
    default=Path("out/bench-guard"),
    show_default=True,
    help="Folder for guard.json and report.txt, or invariance.json and invariance.txt.",
)
def command(
    corpus: Path | None,
    split: str,
    scenes: int,
    seed: int,
    config_path: Path | None,
    evidence: str | None,
    turn_scenes: int,
    server_vad: str,
    picture: Path | None,
    jobs: int,
    out: Path,
    *,
    is_off: bool,
    is_invariance: bool,
    is_level_curve: bool,
) -> None:
    """Measure the audio guard while the agent is silent.

    Callers speak on quiet lines and over noise, music and other voices; then the same sounds are
    heard without a caller. The same seed and corpus give the same figures, but for the time.
    docs/bench.md describes the cells.
    """
    _refuse_what_does_not_go(
        server_vad, is_off=is_off, is_invariance=is_invariance, is_level_curve=is_level_curve
    )
    if corpus is None and _DEFAULT_CORPUS.is_dir():
        corpus = _DEFAULT_CORPUS
    loaded = read_config(config_path)
    gating = loaded.config.gating_config
    if evidence is not None:
        gating = _with_evidence(gating, SpeechEvidenceKind(evidence))
    if picture is not None:
        _draw(gating, picture)
        return
    _make_folder(out)
    sounds = gather_sounds(corpus, split)
    with tempfile.TemporaryDirectory(prefix="voxgate-bench-guard-") as folder:
        save_bank(without_voices(sounds.bank), Path(folder))
        plan = GuardBenchPlan(
            bank=Path(folder),
            split=split,
            scenes=scenes,
            seed=seed,
            config=gating,
            is_guarded=not is_off,
        )
        if is_level_curve:
            measured = _measure_level_curve(plan, jobs, out)
        elif is_invariance:
            measured = _measure_invariance(plan, jobs)
        else:
            measured = _measure_guard(plan, jobs, turn_scenes, server_vad)
    _report(measured, _described(plan, loaded.source, sounds), sounds.notes, out)


def _described(plan: GuardBenchPlan, source: str, sounds: Sounds) -> dict[str, Any]:
    """Return what was measured, but for the figures."""
    return {
        "scenes_per_cell": plan.scenes,
        "seed": plan.seed,
        "split": plan.split,
        "config": source,
        "guard": plan.is_guarded,
        "speech_evidence": evidence_in_force(plan.config.audio_guard.speech_evidence),
        "sounds": {**sounds.counts, "speakers": sounds.speakers},
        "notes": list(sounds.notes),
    }


def _refuse_what_does_not_go(
    server_vad: str, *, is_off: bool, is_invariance: bool, is_level_curve: bool
) -> None:
    """Raise if options contradict each other, or what one needs is not installed."""
    if is_off and is_invariance:
        raise click.UsageError("--off leaves nothing for --invariance to measure")
    if is_level_curve and (is_off or is_invariance):
        raise click.UsageError("--level-curve goes with neither --off nor --invariance")
    if server_vad == "silero" and not has_onnxruntime():
        raise click.ClickException(f"--server-vad silero needs onnxruntime: {SILERO_INSTALL}")


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(f"{out} can't be made: {error.strerror or error}") from error


def _draw(gating: GatingConfig, picture: Path) -> None:
    # Loaded only now: matplotlib takes longer to load than all the rest.
    from ..lab.guard_bench.guard_picture import draw_guarded_call

    call = make_noisy_call()
    frames = watch_line(call.capture, gating)
    try:
        picture.parent.mkdir(parents=True, exist_ok=True)
        draw_guarded_call(call, frames, evidence_rule(gating.audio_guard), picture)
    except OSError as error:
        reason = error.strerror or error
        raise click.ClickException(f"{picture} can't be written: {reason}") from error
    click.echo(f"{picture.resolve()}")


def _with_evidence(gating: GatingConfig, kind: SpeechEvidenceKind) -> GatingConfig:
    """Return the configuration with other evidence, which must be there to be measured."""
    if evidence_in_force(kind) is not kind and kind is not SpeechEvidenceKind.AUTO:
        raise click.ClickException(f"--evidence {kind} needs onnxruntime: {SILERO_INSTALL}")
    return replace(gating, audio_guard=replace(gating.audio_guard, speech_evidence=kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """What a run gave."""

    cells: list[dict[str, Any]]
    tables: list[Table]
    json_name: str
    text_name: str
    more: dict[str, Any] = field(default_factory=dict)
    """What else stands in the JSON."""


def _measure_guard(plan: GuardBenchPlan, jobs: int, turn_scenes: int, server_vad: str) -> _Measured:
    cells = []
    for of in measure_cells(plan, jobs=jobs):
        cells.append(of)
        click.echo(f"measured: {of.cell.name}", err=True)
    turns = _measure_turns(plan, jobs, turn_scenes, server_vad) if turn_scenes else []
    kind = evidence_in_force(plan.config.audio_guard.speech_evidence)
    targets = guard_targets(cells, turns, has_silero=kind is not SpeechEvidenceKind.LIGHT)
    tables = [
        table_of_targets("targets: the guard while the agent is silent", targets),
        *cell_tables(cells),
        worst_table(cells),
        *(turn_tables(turns) if turns else ()),
    ]
    return _Measured(
        cells=cells_as_json(cells),
        tables=tables,
        json_name="guard.json",
        text_name="report.txt",
        more={
            "turns": turns_as_json(turns),
            "targets": [target_as_json(target) for target in targets],
        },
    )


def _measure_turns(
    plan: GuardBenchPlan, jobs: int, scenes: int, server_vad: str
) -> list[TurnFigures]:
    turns = []
    turn_plan = TurnBenchPlan(
        bank=plan.bank,
        split=plan.split,
        scenes=scenes,
        seed=plan.seed,
        config=plan.config,
        new_scorer=SileroScorer if server_vad == "silero" else SpeechScorer,
    )
    for of in measure_turns(turn_plan, jobs=jobs):
        turns.append(of)
        click.echo(f"measured turns: {of.cell.name}", err=True)
    return turns


def _measure_invariance(plan: GuardBenchPlan, jobs: int) -> _Measured:
    cells = []
    for of in measure_invariance(plan, jobs=jobs):
        cells.append(of)
        click.echo(f"measured: {of.cell.name}", err=True)
    return _Measured(
        cells=invariance_as_json(cells),
        tables=invariance_tables(cells),
        json_name="invariance.json",
        text_name="invariance.txt",
    )


def _measure_level_curve(plan: GuardBenchPlan, jobs: int, out: Path) -> _Measured:
    # Loaded only now: matplotlib takes longer to load than all the rest.
    from ..lab.guard_bench.level_report import curve_as_json, curve_tables, draw_level_curve

    curve = []
    for points in measure_level_curve(plan, jobs=jobs):
        curve.append(points)
        click.echo(f"measured: {points[0].condition.name}", err=True)
    draw_level_curve(curve, out / "level-curve.png")
    return _Measured(
        cells=curve_as_json(curve),
        tables=curve_tables(curve),
        json_name="level-curve.json",
        text_name="level-curve.txt",
    )


def _report(
    measured: _Measured, described: dict[str, Any], notes: Sequence[str], out: Path
) -> None:
    whole = {**described, "cells": measured.cells, **measured.more}
    notes = [f"speech evidence: {described['speech_evidence']}", *notes]
    text = json.dumps(whole, indent=2) + "\n"
    (out / measured.json_name).write_text(text, encoding="utf-8")
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=_WIDTH)
    with (out / measured.text_name).open("w", encoding="utf-8") as sink:
        for target in (console, Console(file=sink, highlight=False, markup=False, width=_WIDTH)):
            for note in notes:
                target.print(f"note: {note}", soft_wrap=True)
            for table in measured.tables:
                target.print(table)
    files = f"{measured.text_name}, {measured.json_name}"
    console.print(f"{out.resolve()}: {files}", soft_wrap=True)
