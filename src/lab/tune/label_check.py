"""Measures labels that were found against labels that are known.

``python -m voxgate.lab.tune.label_check BANK`` does so on simulated calls of voices, songs, noises
and rooms that fitting left out. Invariant: what was left out as unsure is counted as left out, and
as neither right nor wrong.
"""

from __future__ import annotations

__all__ = ["Agreement", "TurnCounts", "check_labels", "main", "summed"]

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..evaluate.intervals import Interval, intersection, merged, total_ms
from ..evaluate.turns import TAIL_MS, UTTERANCE_PAUSE_MS
from ..scenarios.bank import load_bank
from .call_labels import CallLabels, find_labels
from .measures import counted_turns
from .simulated_call import simulate_labelled

_CALLS = 200
_SPLIT = "report"
_NEAR_MS = 300.0
"""A found utterance is the caller's if it comes so near to one that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnCounts:
    """Agent turns: was it found that the caller interrupted, or that nobody did?"""

    found: int = 0
    """Interrupted, and labelled so."""
    missed: int = 0
    """Interrupted, and labelled as not."""
    invented: int = 0
    """Not interrupted, and labelled as interrupted."""
    quiet: int = 0
    """Not interrupted, and labelled so."""
    left_out: int = 0
    """Labelled as unsure."""
    left_out_interrupted: int = 0
    """Of these, how many were interrupted."""

    @property
    def precision(self) -> float | None:
        """Share of the interruptions labelled that are ones."""
        labelled = self.found + self.invented
        return self.found / labelled if labelled else None

    @property
    def recall(self) -> float | None:
        """Share of the interruptions in counted turns that are labelled."""
        interrupted = self.found + self.missed
        return self.found / interrupted if interrupted else None

    def __add__(self, other: TurnCounts) -> TurnCounts:
        """Return the counts of both."""
        return TurnCounts(
            found=self.found + other.found,
            missed=self.missed + other.missed,
            invented=self.invented + other.invented,
            quiet=self.quiet + other.quiet,
            left_out=self.left_out + other.left_out,
            left_out_interrupted=self.left_out_interrupted + other.left_out_interrupted,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How found labels compare with known ones."""

    turns: TurnCounts = field(default_factory=TurnCounts)
    onset_errors_ms: tuple[float, ...] = ()
    """Found minus known, of interruptions that were found."""
    utterances: int = 0
    """Known ones, where labels are sure."""
    utterances_found: int = 0
    invented_utterances: int = 0
    """Found where nobody speaks."""
    unsure_ms: float = 0.0
    duration_ms: float = 0.0


def summed(agreements: Iterable[Agreement]) -> Agreement:
    """Return the agreement over several calls."""
    of = list(agreements)
    return Agreement(
        turns=sum((each.turns for each in of), TurnCounts()),
        onset_errors_ms=tuple(ms for each in of for ms in each.onset_errors_ms),
        utterances=sum(each.utterances for each in of),
        utterances_found=sum(each.utterances_found for each in of),
        invented_utterances=sum(each.invented_utterances for each in of),
        unsure_ms=sum(each.unsure_ms for each in of),
        duration_ms=sum(each.duration_ms for each in of),
    )


def check_labels(
    found: CallLabels,
    known: Sequence[Interval],
    *,
    agent_speaking: Sequence[Interval],
    duration_ms: float,
) -> Agreement:
    """Compare the labels of one call with what is known.

    Args:
        found: By the offline detector.
        known: When the caller spoke.
        agent_speaking: When agent audio was played.
        duration_ms: Length of the call.
    """
    spoken = merged(known, max_gap_ms=UTTERANCE_PAUSE_MS)
    heard = merged(found.speech, max_gap_ms=UTTERANCE_PAUSE_MS)
    judged = set(counted_turns(agent_speaking, found))
    counts, errors = TurnCounts(), list[float]()
    for turn in merged(agent_speaking, max_gap_ms=TAIL_MS):
        true_ms, found_ms = _onset(turn, spoken), _onset(turn, heard)
        counts += _count(true_ms, found_ms, is_judged=turn in judged)
        if true_ms is not None and found_ms is not None and turn in judged:
            errors.append(found_ms - true_ms)
    sure = [span for span in spoken if not intersection([span], found.unsure)]
    return Agreement(
        turns=counts,
        onset_errors_ms=tuple(errors),
        utterances=len(sure),
        utterances_found=sum(bool(intersection([span], heard)) for span in sure),
        invented_utterances=sum(not _is_near(span, spoken) for span in heard),
        unsure_ms=total_ms(found.unsure),
        duration_ms=duration_ms,
    )


def _onset(turn: Interval, utterances: Sequence[Interval]) -> float | None:
    """Return the first onset in a turn."""
    return next((start for start, _ in utterances if turn[0] <= start < turn[1]), None)


def _count(true_ms: float | None, found_ms: float | None, *, is_judged: bool) -> TurnCounts:
    if not is_judged:
        return TurnCounts(left_out=1, left_out_interrupted=int(true_ms is not None))
    if true_ms is None:
        return TurnCounts(invented=1) if found_ms is not None else TurnCounts(quiet=1)
    return TurnCounts(found=1) if found_ms is not None else TurnCounts(missed=1)


def _is_near(span: Interval, spoken: Sequence[Interval]) -> bool:
    return any(start - _NEAR_MS < span[1] and span[0] < end + _NEAR_MS for start, end in spoken)


def main(arguments: list[str]) -> int:
    """Measure on the clips of the bank that fitting left out; return the status."""
    if len(arguments) != 1:
        print("usage: python -m voxgate.lab.tune.label_check BANK", file=sys.stderr)  # noqa: T201
        return 2
    bank = load_bank(Path(arguments[0]))
    by_condition: dict[str, list[Agreement]] = {"all": []}
    for seed in range(_CALLS):
        call = simulate_labelled(bank, seed, split=_SPLIT)
        agreement = check_labels(
            find_labels(call.recording),
            call.recording.caller_speech,
            agent_speaking=call.recording.agent_speaking,
            duration_ms=call.recording.duration_ms,
        )
        by_condition["all"].append(agreement)
        for tag in ("path", "erl_db", "background"):
            by_condition.setdefault(f"{tag} {call.tags[tag]}", []).append(agreement)
    for condition in sorted(by_condition, key=lambda name: (name != "all", name)):
        print(f"{condition:<22}{_line(summed(by_condition[condition]))}")  # noqa: T201
    return 0


def _line(agreement: Agreement) -> str:
    turns = agreement.turns
    judged = turns.found + turns.missed + turns.invented + turns.quiet
    errors = agreement.onset_errors_ms
    low, middle, high = np.percentile(errors, [5, 50, 95]) if errors else (0.0, 0.0, 0.0)
    return (
        f"interruptions {turns.found} found, {turns.missed} missed, {turns.invented} invented, "
        f"of {judged} turns; {turns.left_out} turns left out "
        f"({turns.left_out_interrupted} interrupted); onset {low:+.0f} / {middle:+.0f} / "
        f"{high:+.0f} ms; utterances {agreement.utterances_found} of {agreement.utterances}, "
        f"{agreement.invented_utterances} invented; "
        f"unsure {100.0 * agreement.unsure_ms / agreement.duration_ms:.1f} %"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
