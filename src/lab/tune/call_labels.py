"""Who spoke when on a call, as given or as found, and what of it nobody should count.

Invariant: ``speech`` and ``unsure`` don't overlap, and a given label is never unsure.
"""

from __future__ import annotations

__all__ = ["FOUND_ONSET_SLACK_MS", "CallLabels", "find_labels", "given_labels"]

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...core.audio import FRAME_MS
from ..evaluate.intervals import Interval, clipped, complement, intersection, merged, widened
from ..evaluate.recording import Recording
from .aligned_call import align
from .hearing import hear_call
from .speech_model import SURE_NOT, SURE_SPEECH, FoundSegment, find_segments

FOUND_ONSET_SLACK_MS = 120.0
"""A found onset may be so much late: 95 % are less (measured, docs/tune.md)."""
_UNSURE_MARGIN_MS = 100.0
"""Left out on either side of a segment of which nobody is sure."""
_HOLE_MS = 100.0
"""Frames that could not be judged are left out from so many ms in a row on."""
_LATE_ONSET_MS = 100.0
_EARLY_END_MS, _LATE_END_MS = 100.0, 300.0
"""Words end softly: how long one lasts is a matter of taste by so much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLabels:
    """Who spoke when on one call; intervals of stream time in ms."""

    speech: tuple[Interval, ...]
    """When the caller surely spoke."""
    unsure: tuple[Interval, ...] = ()
    """When nobody can tell."""
    is_given: bool = True
    """False: found by the offline detector."""

    @property
    def onsets_from(self) -> tuple[Interval, ...]:
        """The speech, begun as early as it may have been."""
        if self.is_given:
            return self.speech
        return widened(self.speech, before_ms=FOUND_ONSET_SLACK_MS, after_ms=0.0)

    @property
    def onset_slack_ms(self) -> float:
        """How much earlier onsets are than found."""
        return 0.0 if self.is_given else FOUND_ONSET_SLACK_MS

    @property
    def uncounted(self) -> tuple[Interval, ...]:
        """What is left out where audio is counted: what is unsure, and edges of what was found."""
        if self.is_given:
            return self.unsure
        edges = [
            edge
            for start_ms, end_ms in self.speech
            for edge in (
                (start_ms - FOUND_ONSET_SLACK_MS, start_ms + _LATE_ONSET_MS),
                (end_ms - _EARLY_END_MS, end_ms + _LATE_END_MS),
            )
        ]
        return merged([*self.unsure, *edges])


def given_labels(recording: Recording) -> CallLabels:
    """Return the labels that came with a recording."""
    return CallLabels(speech=merged(recording.caller_speech))


def find_labels(recording: Recording) -> CallLabels:
    """Return labels found by listening to the whole call.

    Raises:
        ValueError: the package was built without the detectors' weights.
    """
    call = align(recording)
    hearing = hear_call(call)
    is_silent = ~call.capture.any(axis=1)
    return _labels(
        find_segments(hearing),
        _stretches(~hearing.is_judged & ~is_silent),
        _stretches(~hearing.is_judged & is_silent),
        recording.duration_ms,
    )


def _labels(
    segments: Sequence[FoundSegment],
    holes: Sequence[Interval],
    silences: Sequence[Interval],
    duration_ms: float,
) -> CallLabels:
    """Return labels; in digital silence nobody speaks whom the gate could have heard."""
    sure = [(s.start_ms, s.end_ms) for s in segments if s.confidence >= SURE_SPEECH]
    doubtful = [(s.start_ms, s.end_ms) for s in segments if SURE_NOT <= s.confidence < SURE_SPEECH]
    margin = {"before_ms": _UNSURE_MARGIN_MS, "after_ms": _UNSURE_MARGIN_MS}
    speech = intersection(
        clipped(sure, 0.0, duration_ms), complement([*holes, *silences], duration_ms)
    )
    unsure = clipped([*widened(doubtful, **margin), *holes], 0.0, duration_ms)
    return CallLabels(
        speech=speech,
        unsure=intersection(unsure, complement(speech, duration_ms)),
        is_given=False,
    )


def _stretches(flags: npt.NDArray[np.bool_]) -> tuple[Interval, ...]:
    """Return longer stretches of frames with a flag."""
    each = [(float(n * FRAME_MS), float((n + 1) * FRAME_MS)) for n in np.flatnonzero(flags)]
    return tuple((start, end) for start, end in merged(each) if end - start >= _HOLE_MS)
