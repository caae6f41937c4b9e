"""Fits the models that find a caller's speech, on simulated calls whose labels are known.

``python -m voxgate.lab.tune.label_fit BANK`` prints what ``speech_weights.py`` holds. Invariant:
the same bank gives the same numbers, and calls of other splits are never read.
"""

from __future__ import annotations

__all__ = ["HeardCall", "fit_logistic", "fit_models", "main"]

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...core.audio import FRAME_MS
from ..evaluate.intervals import Interval
from ..scenarios.bank import load_bank
from .aligned_call import align
from .hearing import Hearing, hear_call
from .simulated_call import simulate_labelled
from .speech_model import find_spans, log_odds_by, segment_features, silent_columns, windowed
from .speech_weights import LogisticWeights

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_RIDGE = 3.0
"""Keeps weights of features that say the same from growing against each other."""
_MOST_STEPS, _STEP_ENDS = 50, 1e-6
_CALLS = 300
_SPLIT = "train"
_IS_CALLER_SHARE = 0.3
"""Of a segment that labels cover, from which it is the caller's: the rest are its edges."""
_EDGE_BEFORE_FRAMES, _EDGE_AFTER_FRAMES = 5, 10


@dataclass(frozen=True, slots=True)
class HeardCall:
    """A call, and what is true of it."""

    hearing: Hearing
    caller_speech: Sequence[Interval]

    def truth(self, *, before: int = 0, after: int = 0) -> Flags:
        """Return the frames of the caller's speech, widened by some."""
        flags = np.zeros(len(self.hearing.features), bool)
        for start_ms, end_ms in self.caller_speech:
            first, last = round(start_ms / FRAME_MS), round(end_ms / FRAME_MS)
            flags[max(0, first - before) : last + after] = True
        return flags


def fit_models(calls: Sequence[HeardCall]) -> dict[str, LogisticWeights]:
    """Return the models of frames with and without the agent, and that of segments."""
    wide = [windowed(call.hearing.features) for call in calls]
    audible = _fit_frames(calls, wide, lambda h: h.is_audible & h.is_judged)
    narrow = [each[:, silent_columns()] for each in wide]
    silent = _fit_frames(calls, narrow, lambda h: ~h.is_audible & h.is_judged)
    return {
        "AGENT_AUDIBLE": audible,
        "AGENT_SILENT": silent,
        "SEGMENT": _fit_segments(calls, audible, silent),
    }


def _fit_frames(
    calls: Sequence[HeardCall], features: Sequence[Values], chosen: Callable[[Hearing], Flags]
) -> LogisticWeights:
    masks = [chosen(call.hearing) for call in calls]
    rows = np.concatenate([each[mask] for each, mask in zip(features, masks, strict=True)])
    truth = np.concatenate([c.truth()[mask] for c, mask in zip(calls, masks, strict=True)])
    return fit_logistic(rows, truth)


def _fit_segments(
    calls: Sequence[HeardCall], audible: LogisticWeights, silent: LogisticWeights
) -> LogisticWeights:
    rows, truth = [], []
    for call in calls:
        log_odds = log_odds_by(call.hearing, audible, silent)
        spans = find_spans(log_odds)
        if not spans:
            continue
        caller = call.truth(before=_EDGE_BEFORE_FRAMES, after=_EDGE_AFTER_FRAMES)
        rows.append(segment_features(log_odds, call.hearing, spans))
        truth += [bool(caller[a:b].mean() >= _IS_CALLER_SHARE) for a, b in spans]
    return fit_logistic(np.concatenate(rows), np.array(truth))


def fit_logistic(rows: Values, truth: Flags) -> LogisticWeights:
    """Return the logistic model of ``truth`` by Newton's method, with a small ridge.

    Args:
        rows: float64 [shape=(n, inputs)].
        truth: bool [shape=(n,)], both values in it.
    """
    centre, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    inputs = np.column_stack([(rows - centre) / spread, np.ones(len(rows))])
    ridge = np.full(inputs.shape[1], _RIDGE)
    ridge[-1] = 0.0
    weights = np.zeros(inputs.shape[1])
    for _ in range(_MOST_STEPS):
        prob = 1.0 / (1.0 + np.exp(-(inputs @ weights)))
        slope = inputs.T @ (prob - truth) + ridge * weights
        curve = (inputs.T * (prob * (1.0 - prob) + 1e-9)) @ inputs + np.diag(ridge)
        step = np.linalg.solve(curve, slope)
        weights -= step
        if np.abs(step).max() < _STEP_ENDS:
            break
    share = float(truth.mean())
    return LogisticWeights(
        weights=weights[:-1] / spread,
        bias=float(weights[-1] - (weights[:-1] / spread) @ centre),
        prior_log_odds=float(np.log(share / (1.0 - share))),
    )


def main(arguments: list[str]) -> int:
    """Fit on the training clips of the bank that the arguments name; return the status."""
    if len(arguments) != 1:
        print("usage: python -m voxgate.lab.tune.label_fit BANK", file=sys.stderr)  # noqa: T201
        return 2
    for name, model in fit_models(list(_heard(Path(arguments[0])))).items():
        weights = ", ".join(f"{weight:.4g}" for weight in model.weights)
        print(f"{name}: [{weights}], {model.bias:.4g}, {model.prior_log_odds:.4g}")  # noqa: T201
    return 0


def _heard(folder: Path) -> Iterator[HeardCall]:
    bank = load_bank(folder)
    for seed in range(_CALLS):
        recording = simulate_labelled(bank, seed, split=_SPLIT).recording
        yield HeardCall(hear_call(align(recording)), recording.caller_speech)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
