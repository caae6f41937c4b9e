"""What a gate did on one call, in numbers that add up over calls.

The verdicts are those of ``voxgate evaluate`` (docs/evaluate.md says what counts as what). Agent
turns in which somebody may have spoken, and nobody is sure, are not judged; audio of which nobody
is sure is not counted. Invariant: measures are of one call and one setting, and nothing else.
"""

from __future__ import annotations

__all__ = ["CallMeasures", "counted_turns", "measure_call", "total"]

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from ..evaluate.intervals import Interval, complement, intersection, merged, total_ms, widened
from ..evaluate.judge import CallTruth, judge_call
from ..evaluate.runner import GateRun
from ..evaluate.turns import TAIL_MS, TurnVerdict
from .call_labels import CallLabels

_PREROLL_MS, _HANGOVER_MS = 500.0, 1000.0
"""As in ``voxgate evaluate``: audio that may go out before and after speech."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMeasures:
    """One call under one setting, or the sum of several calls."""

    agent_turns: int = 0
    """That were judged."""
    false_turns: int = 0
    """With a false barge-in, one or more."""
    interruptions: int = 0
    right: int = 0
    """Interruptions that were let in within a second."""
    latencies_ms: tuple[float, ...] = ()
    """From the onset until the gate opened, of right barge-ins."""
    pause_ms: float = 0.0
    """By how much needless pauses delay the agent."""
    speech_ms: float = 0.0
    """Caller speech."""
    lost_ms: float = 0.0
    """Of it, what never reached the provider."""
    echo_of_ms: float = 0.0
    """Agent turns without caller, the 700 ms after them included."""
    echo_ms: float = 0.0
    """Of it, what reached the provider."""
    idle_ms: float = 0.0
    """Audio far from speech, outside of these turns."""
    noise_ms: float = 0.0
    """Of it, what reached the provider."""


def total(measures: Iterable[CallMeasures]) -> CallMeasures:
    """Return the sum of some calls."""
    of = list(measures)
    names = [field.name for field in fields(CallMeasures) if field.name != "latencies_ms"]
    sums = {name: sum(getattr(each, name) for each in of) for name in names}
    return CallMeasures(**sums, latencies_ms=tuple(ms for each in of for ms in each.latencies_ms))


def counted_turns(agent_speaking: Sequence[Interval], labels: CallLabels) -> tuple[Interval, ...]:
    """Return the agent turns in which it is sure whether the caller spoke, and when first.

    What comes after the first onset of a turn decides nothing any more.
    """
    turns = merged(agent_speaking, max_gap_ms=TAIL_MS)
    return tuple(
        turn
        for turn in turns
        if not intersection([(turn[0], _decided_ms(turn, labels.speech))], labels.unsure)
    )


def _decided_ms(turn: Interval, speech: Sequence[Interval]) -> float:
    """Return when the caller first speaks in a turn, or where its tail ends."""
    onsets = (start for start, _ in speech if turn[0] <= start)
    return min(next(onsets, turn[1] + TAIL_MS), turn[1] + TAIL_MS)


def measure_call(
    run: GateRun,
    labels: CallLabels,
    *,
    agent_speaking: Sequence[Interval],
    duration_ms: float,
) -> CallMeasures:
    """Return what a gate did on a call.

    Args:
        run: What the gate did.
        labels: Who spoke when.
        agent_speaking: When agent audio was played.
        duration_ms: Length of the call.
    """
    turns = counted_turns(agent_speaking, labels)
    truth = CallTruth(
        duration_ms=duration_ms, agent_speaking=agent_speaking, caller_speech=labels.onsets_from
    )
    judged = judge_call(truth, run.events, run.forwarded).turns
    counted_ends_ms = {end_ms for _, end_ms in turns}
    verdicts = [turn for turn in judged if turn.judged[1] in counted_ends_ms]
    counted = complement(labels.uncounted, duration_ms)
    speech = intersection(labels.speech, counted)
    quiet = intersection(_turns_without_caller(turns, labels.onsets_from), counted)
    near = widened(labels.speech, before_ms=_PREROLL_MS, after_ms=_HANGOVER_MS)
    idle = intersection(complement([*near, *quiet], duration_ms), counted)
    return CallMeasures(
        agent_turns=len(verdicts),
        false_turns=sum(bool(turn.false_ms) for turn in verdicts),
        interruptions=sum(turn.onset_ms is not None for turn in verdicts),
        right=sum(turn.right_ms is not None for turn in verdicts),
        latencies_ms=tuple(_latencies_ms(verdicts, labels.onset_slack_ms)),
        pause_ms=float(sum(sum(turn.needless_delays_ms) for turn in verdicts)),
        speech_ms=total_ms(speech),
        lost_ms=total_ms(speech) - total_ms(intersection(speech, run.forwarded)),
        echo_of_ms=total_ms(quiet),
        echo_ms=total_ms(intersection(quiet, run.forwarded)),
        idle_ms=total_ms(idle),
        noise_ms=total_ms(intersection(idle, run.forwarded)),
    )


def _turns_without_caller(
    turns: Sequence[Interval], speech: Sequence[Interval]
) -> tuple[Interval, ...]:
    with_tail = ((start, end + TAIL_MS) for start, end in turns)
    return merged(turn for turn in with_tail if not intersection([turn], speech))


def _latencies_ms(verdicts: Iterable[TurnVerdict], slack_ms: float) -> Iterable[float]:
    for turn in verdicts:
        if turn.open_latency_ms is not None:
            yield turn.open_latency_ms - slack_ms
