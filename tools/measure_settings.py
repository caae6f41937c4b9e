"""Measure what the settings of the tuning guide do, with voxgate's own commands.

``python tools/measure_settings.py --corpus corpus`` turns one key at a time, runs ``voxgate bench``
or ``bench-guard`` on the same simulated calls for each value, and writes what they say to one JSON
file, which ``tools/draw_settings.py`` draws. The same corpus, seed and version give the same file.
"""

from __future__ import annotations

__all__ = ["KEYS", "Key", "main"]

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_GROUP = "return loss of 6 dB and more"
"""The group of calls of ``voxgate bench`` that the guide shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key of the configuration, and the values that are tried."""

    name: str
    """Dotted, as everywhere."""
    values: tuple[float, ...]
    """In rising order, the default among them."""
    gate: str | None
    """The gate of ``voxgate bench`` that uses it; None: the guard, by ``voxgate bench-guard``."""


_POLICY = "gating.providers.openai_realtime"
KEYS: tuple[Key, ...] = (
    Key(name=f"{_POLICY}.sensitivity", values=(0.0, 0.25, 0.5, 0.75, 1.0), gate="echo_aware"),
    Key(name=f"{_POLICY}.energy_threshold", values=(375, 750, 1500, 3000, 6000), gate="vad"),
    Key(name="audio_guard.sensitivity", values=(0.0, 0.25, 0.5, 0.75, 1.0), gate=None),
)
"""What is measured, in the order of the guide."""


def config_text(key: str, value: float) -> str:
    """Return a configuration that has all defaults but one, as YAML (of which JSON is a part)."""
    nested: Any = value
    for part in reversed(key.split(".")):
        nested = {part: nested}
    return json.dumps(nested)


def bench_figures(report: dict[str, Any], gate: str) -> dict[str, Any]:
    """Return what the guide shows of a ``bench.json``."""
    group = report["gates"][gate]["groups"][_GROUP]
    return {
        "false": group["false_barge_ins"]["agent_turns"],
        "right": group["recall"],
        "onset_to_open_ms": group["onset_to_open_ms"],
        "needless_pauses": group["needless_pauses"]["agent_turns"],
    }


def guard_figures(report: dict[str, Any]) -> dict[str, Any]:
    """Return what the guide shows of a ``guard.json``: each cell's loss and what it let through."""
    wanted = ("cell", "speech_lost_percent", "idle_forwarded_percent")
    return {"cells": [{name: cell[name] for name in wanted} for cell in report["cells"]]}


def _measure(key: Key, value: float, options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(config_text(key.name, value), encoding="utf-8")
        common = ["--config", str(config), "--out", folder, "--seed", str(options.seed)]
        common += ["--corpus", str(options.corpus)] if options.corpus else []
        common += ["--split", options.split]
        if key.gate is None:
            _run("bench-guard", "--scenes", str(options.scenes), *common)
            return guard_figures(json.loads((Path(folder) / "guard.json").read_bytes()))
        _run("bench", "--gates", key.gate, "--calls", str(options.calls), *common)
        return bench_figures(json.loads((Path(folder) / "bench.json").read_bytes()), key.gate)


def _run(*arguments: str) -> None:
    command = [sys.executable, "-c", "from voxgate.cli import main; main()", *arguments]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the settings of the tuning guide.")
    parser.add_argument("--corpus", type=Path, help="folder of sounds, as for voxgate bench")
    parser.add_argument("--split", default="report")
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--scenes", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "settings.json")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every key at every value, and write the figures."""
    options = _parse(arguments)
    described = {name: getattr(options, name) for name in ("split", "calls", "scenes", "seed")}
    figures: dict[str, Any] = {}
    for key in KEYS:
        figures[key.name] = []
        for value in key.values:
            print(f"{key.name} = {value:g}", flush=True)
            figures[key.name].append({"value": value, **_measure(key, value, options)})
    options.out.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"setting": described, "keys": figures}, indent=1) + "\n"
    options.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
