"""Draw the pictures of the tuning guide from what was measured.

``python tools/draw_settings.py`` reads ``docs/images/settings.json``, which
``tools/measure_settings.py`` writes, runs ``voxgate evaluate`` on ``benchmarks/sample``, and writes
``docs/images/tuning-*.png``. Invariant: no figure is typed by hand.
"""

from __future__ import annotations

__all__ = ["main", "state_intervals"]

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from voxgate import AudioGuardConfig, ProviderGatingPolicy
from voxgate.core.wav import parse_wav

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SAMPLE = ROOT / "benchmarks" / "sample"
_POLICY = "gating.providers.openai_realtime"
_BLUE, _ORANGE, _GREEN, _PINK = "#0072b2", "#d55e00", "#009e73", "#cc79a7"  # of Okabe and Ito
_MARKED = ((_BLUE, "o"), (_ORANGE, "s"), (_GREEN, "D"), (_PINK, "v"))
_STATES = {"closed": "#7b8794", "candidate": "#f0e442", "barge_in": "#b0408f", "open": "#e3efe0"}
_LEADS_TO = {
    "gate_closed": "closed",
    "gate_opened": "open",
    "candidate_started": "candidate",
    "candidate_dropped": "closed",
    "barge_in_committed": "barge_in",
    "interrupted": "open",
    "resumed": "closed",
}
"""The state after each event of the gate."""
_LABELS = {"energy_threshold": "energy_threshold, RMS"}
"""What stands below an axis where that is more than the key."""
_DEFAULTS = {
    f"{_POLICY}.sensitivity": ProviderGatingPolicy(gating_enabled=True).sensitivity,
    f"{_POLICY}.energy_threshold": ProviderGatingPolicy(gating_enabled=True).energy_threshold,
    "audio_guard.sensitivity": AudioGuardConfig().sensitivity,
}
_CALLS = ("echo-12", "echo-12-interrupted")
_MODES = ("vad", "echo_aware")
_NO_CALLER = {
    "music": "music",
    "recorded": "recorded noise",
    "cafe": "café",
    "babble": "babble",
}
"""Sounds of ``voxgate bench-guard`` without a caller, and what the picture calls them."""
_WITH_CALLER = {
    "speech, quiet line": "quiet line",
    "speech, steady 6 dB below": "steady noise, 6 dB below the caller",
    "speech, recorded 6 dB below": "recorded noise, 6 dB below",
    "speech, everyday 6 dB below": "everyday sounds, 6 dB below",
}
"""The same with a caller over them."""


def state_intervals(
    events: Sequence[Mapping[str, Any]], end_ms: float
) -> list[tuple[float, float, str]]:
    """Return when the gate was in which state, from the events of a row of results."""
    intervals = []
    start, state = 0.0, "open"
    for event in events:
        if event["type"] in _LEADS_TO:
            intervals.append((start, float(event["t_ms"]), state))
            start, state = float(event["t_ms"]), _LEADS_TO[event["type"]]
    return [each for each in [*intervals, (start, end_ms, state)] if each[1] > each[0]]


def _shares(axes: Axes, rows: Sequence[Mapping[str, Any]], name: str, colour: str) -> None:
    """Draw a share over the values of a key, with its 95 % Wilson interval."""
    values = [row["value"] for row in rows]
    shares = np.array([row[name]["percent"] for row in rows])
    low, high = np.array([row[name]["wilson_95_percent"] for row in rows]).T
    axes.errorbar(
        values, shares, yerr=[shares - low, high - shares], color=colour, marker="o", capsize=3
    )


def _finish(axes: Axes, title: str, key: str, unit: str) -> None:
    """Name the axes, begin at 0, and mark the default."""
    section, _, name = key.rpartition(".")
    name = key if section == "audio_guard" else name
    default = _DEFAULTS[key]
    axes.set(title=title, ylabel=unit)
    axes.set_xlabel(f"{_LABELS.get(name, name)} (default {default:g}, dotted)")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.axvline(default, color="#555555", linestyle="dotted", linewidth=1.2, zorder=0)


def _draw_sensitivity(keys: Mapping[str, Any]) -> None:
    key = f"{_POLICY}.sensitivity"
    rows = keys[key]
    figure = Figure(figsize=(10.0, 3.4), layout="constrained")
    right, false, soon = figure.subplots(1, 3)
    _shares(right, rows, "right", _GREEN)
    _finish(right, "right barge-ins (axis from 80 %)", key, "% of interruptions")
    right.set_ylim(80, 100)
    _shares(false, rows, "false", _ORANGE)
    _finish(false, "false barge-ins", key, "% of agent turns")
    values = [row["value"] for row in rows]
    for name, line, word in (("p95", "dashed", "95 % of them"), ("p50", "solid", "half of them")):
        times = [row["onset_to_open_ms"][name] for row in rows]
        soon.plot(values, times, color=_BLUE, linestyle=line, marker="o", label=word)
    _finish(soon, "caller's onset to open gate", key, "ms, at most")
    soon.legend()
    _save(figure, "tuning-sensitivity.png")


def _draw_energy(keys: Mapping[str, Any]) -> None:
    key = f"{_POLICY}.energy_threshold"
    figure = Figure(figsize=(10.0, 3.4), layout="constrained")
    right, false = figure.subplots(1, 2)
    reference = [row for row in keys[f"{_POLICY}.sensitivity"] if row["value"] == 0.5]
    for axes, name, colour, title, unit, place in (
        (right, "right", _GREEN, "right barge-ins", "% of interruptions", "lower left"),
        (false, "false", _ORANGE, "false barge-ins", "% of agent turns", "upper right"),
    ):
        _shares(axes, keys[key], name, colour)
        level = reference[0][name]["percent"]
        axes.axhline(level, color=_BLUE, linestyle="dashed", label="mode echo_aware, defaults")
        axes.set_xscale("log", base=2)
        axes.set_xticks([row["value"] for row in keys[key]])
        axes.xaxis.set_major_formatter("{x:g}")
        _finish(axes, f"mode vad: {title}", key, unit)
        axes.legend(loc=place)
    _save(figure, "tuning-energy-threshold.png")


def _draw_guard(keys: Mapping[str, Any]) -> None:
    key = "audio_guard.sensitivity"
    figure = Figure(figsize=(10.0, 3.6), layout="constrained")
    through, lost = figure.subplots(1, 2)
    for axes, cells, name in (
        (through, _NO_CALLER, "idle_forwarded_percent"),
        (lost, _WITH_CALLER, "speech_lost_percent"),
    ):
        for (cell, label), (colour, marker) in zip(cells.items(), _MARKED, strict=True):
            shares = [
                next(each[name] for each in row["cells"] if each["cell"] == cell)
                for row in keys[key]
            ]
            values = [row["value"] for row in keys[key]]
            axes.plot(values, shares, color=colour, marker=marker, label=label)
        axes.legend()
    _finish(through, "nobody speaks: sound let through", key, "% of the time")
    _finish(lost, "the caller speaks: speech kept back", key, "% of the speech")
    _save(figure, "tuning-guard.png")


def _evaluated(mode: str) -> dict[str, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "results.jsonl"
        command = [sys.executable, "-c", "from voxgate.cli import main; main()", "evaluate"]
        command += [
            str(SAMPLE / "manifest.jsonl"),
            "--mode",
            mode,
            "--jobs",
            "1",
            "--out",
            str(out),
        ]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        rows = map(json.loads, out.read_text(encoding="utf-8").splitlines())
        return {row["id"]: row for row in rows}


def _draw_timeline() -> None:
    results = {mode: _evaluated(mode) for mode in _MODES}
    manifest = map(json.loads, (SAMPLE / "manifest.jsonl").read_text("utf-8").splitlines())
    calls = {row["id"]: row for row in manifest}
    figure = Figure(figsize=(10.0, 5.6), layout="constrained")
    titles = ("the caller is silent", "the caller interrupts")
    parts: Any = figure.subfigures(2, 1)
    for part, call, title in zip(parts, _CALLS, titles, strict=True):
        part.suptitle(title)
        wave, gate = part.subplots(2, 1, sharex=True, height_ratios=[3, 2])
        end_ms = _draw_waves(wave, calls[call])
        for position, mode in enumerate(reversed(_MODES)):
            for start, end, state in state_intervals(results[mode][call]["events"], end_ms):
                span = [(start / 1000, (end - start) / 1000)]
                gate.broken_barh(span, (position - 0.4, 0.8), facecolors=_STATES[state])
        gate.set(yticks=[0, 1], yticklabels=reversed(_MODES), xlim=(0, end_ms / 1000))
    gate.set_xlabel("time in s")
    handles = [Patch(color=colour, label=state) for state, colour in _STATES.items()]
    handles += [Patch(color=_BLUE, label="agent"), Patch(color=_ORANGE, label="caller speaks")]
    figure.legend(handles=handles, loc="outside lower center", ncols=6)
    _save(figure, "tuning-timeline.png")


def _draw_waves(axes: Axes, call: Mapping[str, Any]) -> float:
    """Draw what was captured, and who speaks when; return the length in ms."""
    wav = parse_wav((SAMPLE / call["capture"]).read_bytes())
    samples = np.frombuffer(wav.audio, "<i2")
    seconds = np.linspace(0.0, wav.duration_ms / 1000, samples.size)
    axes.plot(seconds, samples, color="#8c8c8c", linewidth=0.4)
    for name, colour, place in (("agent_speaking", _BLUE, 0.96), ("caller_speech", _ORANGE, 0.88)):
        for start, end in call[name]:
            axes.axvspan(start / 1000, end / 1000, place - 0.06, place, color=colour)
    axes.set(yticks=[], ylabel="capture")
    axes.margins(y=0.25)
    return wav.duration_ms


def _save(figure: Figure, name: str) -> None:
    FigureCanvasAgg(figure)
    figure.savefig(IMAGES / name, dpi=120, metadata={"Software": None})
    print(f"docs/images/{name}")


def main() -> int:
    """Draw every picture."""
    keys = json.loads((IMAGES / "settings.json").read_bytes())["keys"]
    _draw_sensitivity(keys)
    _draw_energy(keys)
    _draw_guard(keys)
    _draw_timeline()
    return 0


if __name__ == "__main__":
    sys.exit(main())
