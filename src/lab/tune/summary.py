"""What there is to say of a tuning in sentences: the verdict, and why.

Invariant: a sentence holds for every folder that gets it.
"""

from __future__ import annotations

__all__ = ["Gathered", "labels_line", "verdict_lines"]

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .call_sources import CallProblem
from .label_check import Agreement, summed
from .prepared_call import PreparedCall
from .resampling import Gain
from .tuning import Tuning, Verdict

_WORSE: Mapping[str, str] = {
    "false": "false barge-ins",
    "missed": "interruptions that are not let in",
    "pause": "needless pauses of the agent",
    "lost": "caller speech lost",
    "echo": "echo let through",
    "noise": "other sound let through",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The calls of a folder, ready or not."""

    calls: tuple[PreparedCall, ...]
    """Used."""
    set_aside: int
    """Calls of providers that are not gated, or of another kind."""
    problems: tuple[CallProblem, ...]
    notes: tuple[str, ...] = ()

    @property
    def found(self) -> tuple[PreparedCall, ...]:
        """The calls whose labels were found."""
        return tuple(call for call in self.calls if not call.labels.is_given)

    @property
    def agreement(self) -> Agreement | None:
        """How found labels compare with given ones; None where they are not both there."""
        known = [call.agreement for call in self.calls if call.agreement is not None]
        return summed(known) if known else None


def labels_line(gathered: Gathered) -> str:
    """Return how many calls there are, who labelled them, and how much was left out."""
    calls, found = gathered.calls, gathered.found
    minutes = sum(call.duration_ms for call in calls) / 60_000
    text = f"{len(calls)} calls, {minutes:.1f} min: {len(calls) - len(found)} labelled"
    if not found:
        return text
    turns = sum(call.agent_turns for call in found)
    left_out = sum(call.turns_left_out for call in found)
    unsure_ms = sum(end - start for call in found for start, end in call.labels.unsure)
    share = 100.0 * unsure_ms / max(1.0, sum(call.duration_ms for call in found))
    return (
        f"{text}, {len(found)} self-labelled, in which {left_out} of {turns} agent turns and "
        f"{share:.1f} % of the time were left out as unsure"
    )


def verdict_lines(tuning: Tuning) -> Iterator[str]:
    """Yield the verdict, then what else an operator must know."""
    yield _verdict(tuning)
    if tuning.verdict is Verdict.PROPOSED and tuning.held_out is not None:
        worse = ", ".join(_WORSE[name] for name in tuning.held_out.worse)
        if worse:
            yield (
                f"at a price: surely more {worse}; if that is too dear, raise its --weight and "
                "tune again"
            )
    saved = tuning.saved_by_reference
    if saved is not None:
        yield (
            f"another mode: echo_aware saves {_amount(saved)} a call more on the held-out calls, "
            "with its thresholds as they are; it needs what the line plays, which every line of "
            "voxgate shows"
        )
    for shortage in tuning.shortages:
        if shortage.group is not None:
            yield f"left as they are: {shortage}"


def _verdict(tuning: Tuning) -> str:
    if tuning.verdict is Verdict.TOO_FEW:
        reasons = "; ".join(str(shortage) for shortage in tuning.shortages)
        return f"can't tell: {reasons or 'there is no key to turn'}"
    if tuning.verdict is Verdict.NOTHING_BETTER:
        return (
            f"keep what you have: of {tuning.settings_tried} settings none is surely better on "
            f"the calls searched{_needed(tuning)}"
        )
    gain = None if tuning.held_out is None else tuning.held_out.gain
    sure = "" if gain is None else f" {_amount(gain)} a call"
    why = "" if gain is None else _by_chance(gain)
    if tuning.verdict is Verdict.NOT_SURE:
        return (
            "keep what you have: the best setting found is not surely better on the held-out "
            f"calls; it saves{sure} there{why}{_needed(tuning)}"
        )
    return f"proposed: it saves{sure} on the held-out calls, which the search never saw"


def _amount(gain: Gain) -> str:
    return f"{gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"


def _by_chance(gain: Gain) -> str:
    """Say why a gain is not sure whose interval is."""
    if gain.is_sure or gain.low <= 0.0:
        return ""
    return f", which chance gives in {100.0 * gain.chance:.0f} % of tries: too few calls differ"


def _needed(tuning: Tuning) -> str:
    if tuning.calls_needed is None:
        return ""
    return f"; if its gain is what it seems, about {tuning.calls_needed} calls would show it"
