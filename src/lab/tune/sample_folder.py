"""Makes folders of simulated calls to tune on: ``python -m voxgate.lab.tune.sample_folder``.

Invariant: the same bank, scene, number and seed write the same bytes.
"""

from __future__ import annotations

__all__ = ["SCENES", "main", "write_sample_calls"]

import json
import wave
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import click

from ..bench.sounds import ALL, gather_sounds
from ..scenarios import JUDGE_PROFILE, TRAIN_PROFILE, Bank, EchoRanges, Profile
from ..scenarios.bank import load_bank
from .simulated_call import simulate_labelled

_PROVIDER = "openai_realtime"
_RATE_HZ = 8000
_SEEDS_PER_FOLDER = 10_000

SCENES: Mapping[str, Profile] = {
    "usual": JUDGE_PROFILE,
    "hard": TRAIN_PROFILE,
    "loud-echo": replace(
        JUDGE_PROFILE,
        echo=EchoRanges(
            paths=("room", "room", "hybrid", "handset"),
            minimum_erl_db=0.0,
            maximum_erl_db=9.0,
            maximum_delay_ms=400.0,
        ),
        caller_dbfs=(-24.0, -16.0),
    ),
    "quiet-callers": replace(
        JUDGE_PROFILE,
        echo=EchoRanges(paths=("none", "hybrid", "handset"), minimum_erl_db=24.0),
        caller_dbfs=(-44.0, -34.0),
        background_snr_db=(14.0, 30.0),
    ),
}
"""What kinds of calls there are: conditions that an operator may meet."""


def write_sample_calls(
    folder: Path,
    bank: Bank,
    *,
    scene: str,
    calls: int,
    seed: int,
    split: str,
    labelled: bool,
    duration_s: float = 24.0,
) -> None:
    """Write a manifest and its recordings.

    Args:
        folder: Made if need be.
        bank: Clips to draw from.
        scene: One of :data:`SCENES`.
        calls: How many.
        seed: Of all calls.
        split: Of the clips.
        labelled: Whether the manifest says when the caller speaks.
        duration_s: Length of each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(calls):
        call = simulate_labelled(
            bank,
            seed * _SEEDS_PER_FOLDER + number,
            split=split,
            profile=SCENES[scene],
            duration_s=duration_s,
        )
        name, recording = f"{scene}-{number:03}", call.recording
        _write_wav(folder / f"{name}-line.wav", recording.capture)
        _write_wav(folder / f"{name}-agent.wav", recording.far_end or ())
        row = {
            "id": name,
            "capture": f"{name}-line.wav",
            "far_end": f"{name}-agent.wav",
            "provider": _PROVIDER,
            "agent_speaking": recording.agent_speaking,
            "tags": {key: call.tags[key] for key in ("path", "erl_db", "background")},
        }
        rows.append({**row, "caller_speech": recording.caller_speech} if labelled else row)
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    (folder / "calls.jsonl").write_text(text, encoding="utf-8", newline="\n")


def _write_wav(path: Path, frames: Iterable[bytes]) -> None:
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(_RATE_HZ)
        wav.writeframes(b"".join(frames))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--scene", type=click.Choice(list(SCENES)), default="usual", show_default=True)
@click.option("--calls", type=click.IntRange(min=1, max=9_999), default=60, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--bank",
    "bank_folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A corpus that was read before; the sounds that come with voxgate if left out.",
)
@click.option("--split", default=ALL, show_default=True, help="Of the bank's clips.")
@click.option("--no-labels", is_flag=True, help="Leave out when the caller speaks.")
def main(
    folder: Path,
    scene: str,
    calls: int,
    seed: int,
    bank_folder: Path | None,
    split: str,
    *,
    no_labels: bool,
) -> None:
    """Write simulated calls into FOLDER, to try `voxgate tune` on."""
    bank = gather_sounds(None).bank if bank_folder is None else load_bank(bank_folder)
    write_sample_calls(
        folder,
        bank,
        scene=scene,
        calls=calls,
        seed=seed,
        split=split,
        labelled=not no_labels,
    )


if __name__ == "__main__":
    main()
