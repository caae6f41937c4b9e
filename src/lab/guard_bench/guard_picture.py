"""Draws one call as the guard sees it: sound, floor, evidence, and what it let out.

Invariant: drawn from the watched frames alone, without a display; colours differ in lightness, so
that none has to be told by its hue.
"""

from __future__ import annotations

__all__ = ["draw_guarded_call"]

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ...core.audio import FRAME_MS
from ...core.audio_guard import GuardVerdict
from ...core.guard.speech_evidence import EvidenceRule
from ...core.units import rms_to_dbfs
from ..scenarios.signals import RATE_HZ
from .noisy_call import NoisyCall
from .watched_line import WatchedFrame

Flags = npt.NDArray[np.bool_]

_SIZE_INCHES, _DPI = (10.0, 8.2), 150
_HEIGHTS = (1.5, 1.5, 1.5, 1.35)
_SLOT_S = FRAME_MS / 1000
_LOWEST_DBFS, _HIGHEST_DBFS = -95.0, -5.0
_SHOWN_LOGIT = 10.0
_LEVEL, _FLOOR, _THRESHOLD = "#8c8c8c", "black", "#d55e00"
_LOGIT, _SUM = "#56b4e9", "#00446b"
_CALLER, _HANGOVER, _RELEASED, _MODE = "#e69f00", "#f6d998", "#7a5200", "#b0408f"
_WITHHELD = {
    GuardVerdict.SILENCE: ("#eeeeee", "withheld: silence"),
    GuardVerdict.NOISE: ("#bbbbbb", "withheld: noise"),
    GuardVerdict.MUSIC: ("#b0408f", "withheld: music"),
    GuardVerdict.TONE: ("#0072b2", "withheld: tone"),
}
_LANES = ("goes out", "music mode", "caller speaks")


def draw_guarded_call(
    call: NoisyCall, frames: Sequence[WatchedFrame], rule: EvidenceRule, path: Path
) -> None:
    """Draw a call and write a PNG.

    Args:
        call: What the line delivered, and what is true of it.
        frames: What the guard made of it, one for each 20 ms.
        rule: What makes speech of the log odds.
        path: Where to write; its folder exists.

    Raises:
        OSError: it can't be written.
    """
    figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(len(_HEIGHTS), 1, sharex=True, height_ratios=_HEIGHTS)
    sound, level, evidence, verdicts = rows
    _draw_sound(sound, call)
    _draw_levels(level, frames)
    _draw_evidence(evidence, frames, rule)
    _draw_verdicts(verdicts, call, frames)
    verdicts.set_xlim(0, len(frames) * _SLOT_S)
    verdicts.set_xlabel("time in s", fontsize=9)
    for row in rows:
        row.tick_params(labelsize=8)
    figure.savefig(path, dpi=_DPI, format="png")


def _draw_sound(axis: Axes, call: NoisyCall) -> None:
    axis.specgram(
        call.capture / 32768.0,
        NFFT=256,
        noverlap=96,
        Fs=RATE_HZ,
        cmap="Greys",
        vmin=-125,
        vmax=-45,
    )
    axis.set_ylabel("line, Hz", fontsize=9)
    axis.set_ylim(0, RATE_HZ / 2)
    for part in call.parts:
        centre_s = (part.start_s + part.end_s) / 2
        axis.annotate(
            part.name, (centre_s, 1.03), xycoords=("data", "axes fraction"), ha="center", fontsize=9
        )
        axis.axvspan(part.start_s, part.end_s, ymin=0.985, color=_FLOOR, linewidth=0)


def _draw_levels(axis: Axes, frames: Sequence[WatchedFrame]) -> None:
    seconds = _seconds(frames)
    for name, colour, width, measure in _LEVELS:
        axis.plot(
            seconds, [_dbfs(measure(of)) for of in frames], color=colour, lw=width, label=name
        )
    axis.set_ylabel("dBFS", fontsize=9)
    axis.set_ylim(_LOWEST_DBFS, _HIGHEST_DBFS)
    axis.legend(loc="lower right", ncols=3, fontsize=8, framealpha=0.9)


_LEVELS: tuple[tuple[str, str, float, Callable[[WatchedFrame], float]], ...] = (
    ("level", _LEVEL, 0.8, lambda of: of.level),
    ("noise floor", _FLOOR, 1.4, lambda of: of.noise_floor),
    ("hard silence below", _THRESHOLD, 0.9, lambda of: of.effective_threshold / 2),
)


def _draw_evidence(axis: Axes, frames: Sequence[WatchedFrame], rule: EvidenceRule) -> None:
    seconds = _seconds(frames)
    logits = [np.nan if of.logit is None else of.logit for of in frames]
    sums = [of.evidence_sum or 0.0 for of in frames]
    axis.plot(seconds, logits, ".", color=_LOGIT, ms=2.2, label="log odds of speech")
    axis.plot(seconds, sums, color=_SUM, lw=1.1, label="their leaky sum")
    axis.axhline(rule.begin, color=_SUM, lw=0.9, ls="--", label=f"begins speech: {rule.begin:g}")
    axis.axhline(rule.stay, color=_LOGIT, lw=0.9, ls="--", label=f"goes on: {rule.stay:g}")
    axis.set_ylim(-_SHOWN_LOGIT - 3, _SHOWN_LOGIT + 1)
    axis.set_ylabel("evidence", fontsize=9)
    axis.legend(loc="lower right", ncols=4, fontsize=8, framealpha=0.9)


def _draw_verdicts(axis: Axes, call: NoisyCall, frames: Sequence[WatchedFrame]) -> None:
    is_speech, is_hangover = _is(frames, GuardVerdict.SPEECH), _is(frames, GuardVerdict.HANGOVER)
    released = _find_released(frames)
    for verdict, (colour, _) in _WITHHELD.items():
        _draw_lane(axis, 0, _is(frames, verdict) & ~released, colour)
    _draw_lane(axis, 0, is_hangover, _HANGOVER)
    _draw_lane(axis, 0, is_speech, _CALLER)
    _draw_lane(axis, 0, released, _RELEASED)
    _draw_lane(axis, 1, np.array([of.music_mode for of in frames]), _MODE)
    _draw_lane(axis, 2, call.is_caller[: len(frames)], _CALLER)
    axis.set_ylim(-0.6, len(_LANES) - 0.4)
    axis.set_yticks(range(len(_LANES)), _LANES)
    out = {_CALLER: "goes out: speech", _RELEASED: "released before it", _HANGOVER: "hangover"}
    kept = {colour: name for verdict, (colour, name) in _WITHHELD.items()}
    patches = [Patch(color=colour, label=name) for colour, name in {**out, **kept}.items()]
    axis.legend(
        handles=patches, loc="upper center", bbox_to_anchor=(0.5, -0.34), ncols=4, fontsize=8
    )


def _find_released(frames: Sequence[WatchedFrame]) -> Flags:
    """Return the frames that were held, and went out with what followed them."""
    released = np.zeros(len(frames), np.bool_)
    for number, of in enumerate(frames):
        released[max(0, number - of.released_frames) : number] = True
    return released


def _is(frames: Sequence[WatchedFrame], verdict: GuardVerdict) -> Flags:
    return np.array([of.verdict is verdict for of in frames], np.bool_)


def _draw_lane(axis: Axes, lane: int, flags: Flags, colour: str) -> None:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    bars = [(first * _SLOT_S, (end - first) * _SLOT_S) for first, end in edges.reshape(-1, 2)]
    axis.broken_barh(bars, (lane - 0.4, 0.8), color=colour, linewidth=0)


def _seconds(frames: Sequence[WatchedFrame]) -> list[float]:
    return [(number + 0.5) * _SLOT_S for number in range(len(frames))]


def _dbfs(rms: float) -> float:
    return max(rms_to_dbfs(rms), _LOWEST_DBFS)
