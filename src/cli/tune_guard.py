"""``voxgate tune-guard``: which thresholds of the audio guard suit the lines of a profile."""

from __future__ import annotations

__all__ = ["command"]

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import click

from ..config import read_config
from ..core.guard_profile import GuardProfile
from ..lab.bench.sounds import gather_sounds
from ..lab.guard_bench.profile_search import Outcome, SearchPlan, draw_lines, judge_setting, search
from ..lab.guard_scenes.voiced_noises import without_voices
from ..lab.scenarios.bank import Bank, load_bank

_DEFAULT_CORPUS = Path("corpus")
_TUNE, _REPORT = "tune", "report"
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command(name="tune-guard")
@click.option(
    "--profile",
    "names",
    type=click.Choice([profile.value for profile in GuardProfile]),
    multiple=True,
    help="Lines to search on; may be given again. Default: every profile.",
)
@click.option(
    "--corpus",
    type=_FOLDER,
    help="Folder with speech/, music/, noise/. Default: corpus/ if it is there, else none.",
)
@click.option("--bank", type=_FOLDER, help="A corpus that was read before: bank.csv, bank.npy.")
@click.option(
    "--lines",
    type=click.IntRange(min=2, max=10_000),
    default=48,
    show_default=True,
    help="Lines of 20 s for each profile.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration to start from; the packaged default if left out.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("out/tune-guard.json"),
    show_default=True,
    help="File of the figures.",
)
def command(
    names: tuple[str, ...],
    corpus: Path | None,
    bank: Path | None,
    lines: int,
    seed: int,
    config_path: Path | None,
    out: Path,
) -> None:
    """Search the thresholds of the audio guard that lose least speech on a profile's lines.

    Of the settings that let through no more noise than the configuration does, the one that
    loses least of the callers' speech: found on clips of the split `tune`, judged on `report`.
    docs/gate.md tells what the profiles are.
    """
    config = read_config(config_path).config.gating_config
    sounds = {split: _bank(corpus, bank, split) for split in (_TUNE, _REPORT)}
    figures = {}
    for profile in [GuardProfile(name) for name in names] or list(GuardProfile):
        plan = SearchPlan(profile=profile, split=_TUNE, lines=lines, seed=seed)
        judge = partial(judge_setting, draw_lines(sounds[_TUNE], plan), config=config)
        tried = search(judge, on_judged=_show)
        unheard = draw_lines(sounds[_REPORT], replace(plan, split=_REPORT))
        judged = [judge_setting(unheard, outcome.setting, config) for outcome in tried]
        _print(profile, tried, judged)
        figures[profile.value] = _as_json(tried, judged)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    click.echo(f"{out.resolve()}")


def _bank(corpus: Path | None, bank: Path | None, split: str) -> Bank:
    if bank is not None:
        try:
            return load_bank(bank)
        except OSError as error:
            reason = error.strerror or error
            raise click.ClickException(f"{error.filename or bank}: {reason}") from error
    if corpus is None and _DEFAULT_CORPUS.is_dir():
        corpus = _DEFAULT_CORPUS
    return without_voices(gather_sounds(corpus, split).bank)


def _show(outcome: Outcome) -> None:
    click.echo(f"tried: {_line(outcome)}", err=True)


def _print(profile: GuardProfile, tried: tuple[Outcome, Outcome], judged: list[Outcome]) -> None:
    click.echo(f"{profile}")
    for title, outcomes in ((_TUNE, tried), (_REPORT, judged)):
        for outcome in outcomes:
            click.echo(f"  {title:<7} {_line(outcome)}")


def _line(outcome: Outcome) -> str:
    setting = ", ".join(f"{key}: {value:g}" for key, value in outcome.setting.items())
    return (
        f"speech lost {outcome.speech_lost_percent:.2f} %, "
        f"idle forwarded {outcome.idle_forwarded_percent:.2f} %  {setting or 'as configured'}"
    )


def _as_json(tried: tuple[Outcome, Outcome], judged: list[Outcome]) -> Mapping[str, object]:
    splits = {_TUNE: tried, _REPORT: judged}
    return {split: [asdict(outcome) for outcome in of] for split, of in splits.items()}
