"""What the network sees of each agent turn of a simulated call.

The call goes through the very class that a gate asks, so that training and gate agree on echo
filter, features, lost frames and silent lines. Invariant: one sequence is one stretch of agent
audio, tail included; the network starts each from zero, as in a gate.
"""

from __future__ import annotations

__all__ = ["TurnRows", "TurnTruth", "record_turns"]

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...core.audio import FRAME_MS
from ...core.echo.echo_aware import EchoAwareNearEnd
from ...core.echo.features import FEATURE_COUNT
from ...core.echo.recurrent_network import NetworkWeights
from ...core.units import samples_to_ms
from ..evaluate.intervals import Interval, merged
from ..evaluate.turns import UTTERANCE_PAUSE_MS
from ..scenarios.call_simulation import Call
from ..scenarios.signals import FRAME_SAMPLES, RATE_HZ
from ..scenarios.turns import Span
from .labels import audible_frames, label_frames


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTruth:
    """What a judge must know of one agent turn; stream time of its call in ms."""

    turn: Interval
    """Without the tail."""
    next_turn_ms: float
    """Infinite if it is the last."""
    utterances: tuple[Interval, ...]
    """All that the caller says on the call."""
    tags: Mapping[str, str]
    """The call's conditions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRows:
    """One agent turn, a row for each frame that was judged; lost frames have none."""

    features: npt.NDArray[np.float16]
    """[shape=(rows, FEATURE_COUNT)]."""
    labels: npt.NDArray[np.int8]
    """[shape=(rows,)], of :mod:`.labels`."""
    since_onset: npt.NDArray[np.int16]
    """Frames since the utterance's onset [shape=(rows,)]; -1 outside of utterances."""
    frame_index: npt.NDArray[np.int32]
    """Number of the frame in its call [shape=(rows,)]."""
    truth: TurnTruth


class _ListeningNearEnd(EchoAwareNearEnd):
    """The gate's detector, of which the features are wanted and not the verdict."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(_blank_weights())

    def features_of(
        self,
        capture: npt.NDArray[np.int16],
        far_end: npt.NDArray[np.int16],
        slot: int,
        *,
        agent_audible: bool,
    ) -> npt.NDArray[np.float16] | None:
        """Return the features of the frame of a slot; None where there is nothing to judge."""
        self.receive_far_end(far_end, float(slot * FRAME_MS))
        self.process(capture, float((slot + 1) * FRAME_MS), agent_audible=agent_audible)
        values = self._detector.features
        return None if values is None else values.astype(np.float16)


def record_turns(call: Call) -> Iterator[TurnRows]:
    """Run a call through the detector and yield its agent turns."""
    audible = audible_frames(call)
    labels, since_onset = label_frames(call)
    near_end = _ListeningNearEnd()
    rows = [
        near_end.features_of(capture, far_end, slot, agent_audible=bool(is_audible))
        for slot, (capture, far_end, is_audible) in enumerate(
            zip(_frames(call.capture), _frames(call.far_end), audible, strict=True)
        )
    ]
    for first, last in _stretches(audible):
        kept = {i: row for i in range(first, last) if (row := rows[i]) is not None}
        if not kept:
            continue
        places = np.array(list(kept), np.int32)
        yield TurnRows(
            features=np.stack(list(kept.values())),
            labels=labels[places],
            since_onset=since_onset[places],
            frame_index=places,
            truth=_truth_of(call, first, last),
        )


def _truth_of(call: Call, first: int, last: int) -> TurnTruth:
    """Return the truth on the agent turn in the frames ``first`` to ``last`` (exclusive)."""
    start_ms, end_ms = first * FRAME_MS, last * FRAME_MS
    spans = _times(call.agent_speaking)
    inside = [span for span in spans if start_ms <= span[0] < end_ms]
    return TurnTruth(
        turn=(inside[0][0], inside[-1][1]),
        next_turn_ms=min((span[0] for span in spans if span[0] >= end_ms), default=math.inf),
        utterances=merged(_times(call.caller_speech), max_gap_ms=UTTERANCE_PAUSE_MS),
        tags=call.tags,
    )


def _blank_weights() -> NetworkWeights:
    """Return a network of one unit that says nothing."""
    shapes: Mapping[str, tuple[int, ...]] = {
        "mean": (FEATURE_COUNT,),
        "w_in": (1, FEATURE_COUNT),
        "b_in": (1,),
        "w_x": (3, 1),
        "b_x": (3,),
        "w_h": (3, 1),
        "b_h": (3,),
        "w_out": (1,),
        "b_out": (1,),
    }
    zeros = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    return NetworkWeights({**zeros, "scale": np.ones(FEATURE_COUNT, np.float32)})


def _frames(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """Return whole frames, int16 [shape=(frames, 160)]."""
    whole = len(samples) // FRAME_SAMPLES * FRAME_SAMPLES
    return samples[:whole].reshape(-1, FRAME_SAMPLES)


def _stretches(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the runs of true as [first, last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def _times(spans: list[Span]) -> tuple[Interval, ...]:
    return merged(
        (samples_to_ms(start, RATE_HZ), samples_to_ms(end, RATE_HZ)) for start, end in spans
    )
