"""From what is known of a call's frames to where the caller speaks, with confidence.

Frame by frame a logistic model weighs what the detectors say in windows around the frame, past and
to come; a two-state chain joins frames to segments; a second logistic model says how sure a segment
is. All were fitted on simulated calls of the training voices (``.label_check``); docs/tune.md has
what they measured on others. Invariant: a confidence is a probability, and what lies between the
two bounds is left to nobody's count.
"""

from __future__ import annotations

__all__ = [
    "SURE_NOT",
    "SURE_SPEECH",
    "FoundSegment",
    "find_segments",
    "find_spans",
    "log_odds_by",
    "segment_features",
    "silent_columns",
    "windowed",
]

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...core.audio import FRAME_MS
from .hearing import FEATURE_NAMES, Hearing
from .speech_weights import (
    AGENT_AUDIBLE,
    AGENT_SILENT,
    SEGMENT,
    WINDOW_FRAMES,
    LogisticWeights,
)

Values = npt.NDArray[np.float64]

SURE_SPEECH = 0.9
"""Confidence from which a segment counts as the caller's speech."""
SURE_NOT = 0.1
"""Confidence below which a segment counts as none."""

_LIMITS = np.array([[-8.0, -8.0, -10.0, -40.0], [8.0, 8.0, 50.0, 5.0]])
_SCALES = np.array([1.0, 1.0, 0.1, 0.1])
_SILENT_COLUMNS = (1, 2)
"""Of the features, those that say something where the agent is silent."""
_LOG_ODDS_SHARE = 0.5
"""Neighbouring frames hear much the same: each counts half."""
_BEGIN_PROB, _END_PROB = 0.01, 0.02
"""Of each frame, to be the first of an utterance, or the last: 2 s between them, 1 s long."""
_PRIOR = 0.2
_MOST_LOG_ODDS = 12.0
_MORE_LIKELY = 0.5
_BRIDGED_FRAMES = 12
"""Pauses of up to 240 ms belong to the segment, as in the labels of simulated calls."""
_SHORTEST_FRAMES = 3
_PEAK_FRAMES = 8
"""160 ms, a syllable: the strongest one tells most of a segment."""


@dataclass(frozen=True, slots=True)
class FoundSegment:
    """Where the caller may speak; times are stream time in ms."""

    start_ms: float
    end_ms: float
    confidence: float
    """Probability, 0..1, that it is the caller."""


def log_odds_by(hearing: Hearing, audible: LogisticWeights, silent: LogisticWeights) -> Values:
    """Return the evidence of each frame for the caller, as log of a likelihood ratio.

    Args:
        hearing: What is known of the frames.
        audible: Model of the frames in which the agent, or its echo, may be heard.
        silent: Model of the others.

    Returns:
        float64 [shape=(frames,)]; 0 where nothing can tell.
    """
    wide = windowed(hearing.features)
    over_agent = _evidence(wide, audible)
    alone = _evidence(wide[:, silent_columns()], silent)
    return np.where(hearing.is_judged, np.where(hearing.is_audible, over_agent, alone), 0.0)


def _evidence(rows: Values, model: LogisticWeights) -> Values:
    # No BLAS: split over threads, its last bits would differ from machine to machine.
    weighed: Values = np.einsum("ij,j->i", rows, model.weights)
    return weighed + (model.bias - model.prior_log_odds)


def windowed(features: Values) -> Values:
    """Return the features averaged over windows around each frame, the windows side by side."""
    limited = np.clip(features, _LIMITS[0], _LIMITS[1]) * _SCALES
    return np.column_stack([_averaged(limited, frames) for frames in WINDOW_FRAMES])


def silent_columns() -> list[int]:
    """Return the columns of :func:`windowed` that count where the agent is silent."""
    width = len(FEATURE_NAMES)
    return [width * n + column for n in range(len(WINDOW_FRAMES)) for column in _SILENT_COLUMNS]


def find_segments(hearing: Hearing) -> tuple[FoundSegment, ...]:
    """Return where the caller may speak, each segment with its confidence."""
    log_odds = log_odds_by(hearing, AGENT_AUDIBLE, AGENT_SILENT)
    spans = find_spans(log_odds)
    if not spans:
        return ()
    rows = segment_features(log_odds, hearing, spans)
    confidences = 1.0 / (1.0 + np.exp(-_evidence(rows, SEGMENT)))
    return tuple(
        FoundSegment(float(first * FRAME_MS), float(after * FRAME_MS), float(confidence))
        for (first, after), confidence in zip(spans, confidences, strict=True)
    )


def segment_features(log_odds: Values, hearing: Hearing, spans: list[tuple[int, int]]) -> Values:
    """Return what tells how sure a segment is: its peak, its mean, length, level, agent or not.

    The level is compared with that of the call's strongest segment, since voices in the background
    are softer than the caller.
    """
    level_db = hearing.features[:, FEATURE_NAMES.index("over_floor_db")]
    levels = [float(np.percentile(level_db[first:after], 80)) for first, after in spans]
    peaks = [_peak(log_odds[first:after]) for first, after in spans]
    own_level = levels[int(np.argmax(peaks))]
    rows = [
        (
            peak,
            float(np.mean(log_odds[first:after])),
            float(np.log(after - first)),
            min(max((level - own_level) / 10.0, -3.0), 1.0),
            float(np.mean(hearing.is_audible[first:after])),
        )
        for (first, after), peak, level in zip(spans, peaks, levels, strict=True)
    ]
    return np.array(rows)


def _averaged(values: Values, frames: int) -> Values:
    """Return the values averaged over a Hann window around each frame."""
    if frames == 1 or len(values) == 0:
        return values
    window = np.hanning(frames + 2)[1:-1]
    half = frames // 2
    padded = np.pad(values, ((half, half), (0, 0)))
    view = np.lib.stride_tricks.sliding_window_view(padded, frames, axis=0)
    return np.asarray(np.einsum("ijk,k->ij", view, window / window.sum()))  # no BLAS, as below


def _peak(log_odds: Values) -> float:
    """Return the strongest mean over a syllable."""
    frames = min(_PEAK_FRAMES, len(log_odds))
    return float(np.convolve(log_odds, np.full(frames, 1.0 / frames), "valid").max())


def _speech_prob(log_odds: Values) -> Values:
    """Return the probability of speech of each frame, by all frames: forward, then backward."""
    ratio = np.exp(np.clip(_LOG_ODDS_SHARE * log_odds, -_MOST_LOG_ODDS, _MOST_LOG_ODDS))
    forward = _filtered(ratio)
    speech = np.empty(len(ratio))
    silent_after = speaks_after = 1.0
    for n in range(len(ratio) - 1, -1, -1):
        speaks, silent = forward[n] * speaks_after, (1.0 - forward[n]) * silent_after
        speech[n] = speaks / (speaks + silent)
        heard = ratio[n] * speaks_after
        silent_before = (1.0 - _BEGIN_PROB) * silent_after + _BEGIN_PROB * heard
        speaks_before = _END_PROB * silent_after + (1.0 - _END_PROB) * heard
        total = silent_before + speaks_before
        silent_after, speaks_after = silent_before / total, speaks_before / total
    return speech


def _filtered(ratio: Values) -> list[float]:
    """Return the probability of speech of each frame, by the frames up to it."""
    probs = []
    prob = _PRIOR
    for value in ratio.tolist():
        ahead = prob * (1.0 - _END_PROB) + (1.0 - prob) * _BEGIN_PROB
        prob = ahead * value / (ahead * value + 1.0 - ahead)
        probs.append(prob)
    return probs


def find_spans(log_odds: Values) -> list[tuple[int, int]]:
    """Return stretches that are more likely speech than not, as frames [first, after last)."""
    frames = np.flatnonzero(_speech_prob(log_odds) > _MORE_LIKELY)
    if len(frames) == 0:
        return []
    groups = np.split(frames, np.flatnonzero(np.diff(frames) > _BRIDGED_FRAMES) + 1)
    spans = [(int(group[0]), int(group[-1]) + 1) for group in groups]
    return [(first, after) for first, after in spans if after - first >= _SHORTEST_FRAMES]
