"""A call made ready for trials: who spoke when, given or found, and how much of it is sure.

Invariant: it holds no audio, so that it travels to processes and workers; they read the call's own.
"""

from __future__ import annotations

__all__ = ["PreparedCall", "prepare_call"]

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..evaluate.intervals import Interval, merged
from ..evaluate.turns import TAIL_MS
from .call_labels import CallLabels, find_labels, given_labels
from .call_sources import CallProblem, CallSource
from .label_check import Agreement, check_labels
from .loaded_call import load_call
from .measures import counted_turns


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedCall:
    """One call."""

    source: CallSource
    provider: str
    labels: CallLabels
    agent_speaking: tuple[Interval, ...]
    duration_ms: float
    tags: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    agreement: Agreement | None = None
    """How the found labels compare with given ones, where both are there."""

    @property
    def name(self) -> str:
        """Names the call in messages; no two of a folder have the same."""
        return self.source.name

    @property
    def agent_turns(self) -> int:
        """Agent turns in all."""
        return len(merged(self.agent_speaking, max_gap_ms=TAIL_MS))

    @property
    def turns_left_out(self) -> int:
        """Agent turns that nobody can judge."""
        return self.agent_turns - len(counted_turns(self.agent_speaking, self.labels))


def prepare_call(source: CallSource, *, relabel: bool) -> PreparedCall | CallProblem:
    """Return a call with its labels, or why it can't be used.

    Args:
        source: Where it lies.
        relabel: Whether labels are found even where some are given, and compared with those.
    """
    loaded = load_call(source)
    if isinstance(loaded, CallProblem):
        return loaded
    recording = loaded.recording
    agreement = None
    if loaded.is_labelled and not relabel:
        labels = given_labels(recording)
    else:
        try:
            labels = find_labels(recording)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other calls are used
            return CallProblem(source.name, f"can't be labelled: {error!r}")
    if loaded.is_labelled and relabel:
        agreement = check_labels(
            labels,
            recording.caller_speech,
            agent_speaking=recording.agent_speaking,
            duration_ms=recording.duration_ms,
        )
    return PreparedCall(
        source=source,
        provider=loaded.provider,
        labels=labels,
        agent_speaking=tuple(recording.agent_speaking),
        duration_ms=recording.duration_ms,
        tags=loaded.tags,
        notes=loaded.notes,
        agreement=agreement,
    )
