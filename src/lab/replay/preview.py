"""What a changed configuration would have decided in the newest recorded minutes.

Invariant: arguments and result can be pickled, so that it runs in another process; how much it
reads, replays and returns is bounded, and a call that can't be read costs the others nothing.
"""

from __future__ import annotations

__all__ = [
    "MAX_CALLS",
    "MAX_MINUTES",
    "PreviewResult",
    "PreviewedCall",
    "PreviewedPoint",
    "preview",
]

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ...core.config import GatingConfig
from ...core.gate_tape import GateBegun, GateEnded, GateReconfigured
from ...recordings import CallSummary, RecordedCall, RecordingError, list_calls, open_call
from .comparison import Comparison
from .replayed_call import OPEN_LOOP, compare, replay_call
from .versions import version_differences

MAX_MINUTES = 60.0
"""Recorded time in minutes that one preview goes through, however much is asked for; a minute takes
about a second, two where two configurations are replayed."""
MAX_CALLS = 100
"""Calls that one preview opens, short and unreadable ones included."""
_LEAST_MS = 1000.0
"""Of what is left to go through; less of a call tells nothing."""
_POINTS_KEPT = 200
"""Decisions that are listed of a call; all are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedPoint:
    """One decision that differs."""

    t_ms: float
    """Since the call began."""
    type: str
    reason: str
    change: str
    """``gone`` or ``added``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedCall:
    """One call of a preview."""

    call_id: str
    started_at: str
    """UTC, ISO 8601."""
    minutes: float
    """How much of it was replayed, from its beginning."""
    points: int
    points_differ: int
    points_shifted: int
    frames: int
    frames_differ: int
    differing: tuple[PreviewedPoint, ...]
    """The decisions that differ, the first 200."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewResult:
    """What a changed configuration comes to on recorded calls."""

    calls: tuple[PreviewedCall, ...]
    """Newest first."""
    skipped: tuple[str, ...]
    """Calls that could not be replayed, each with the reason."""
    note: str = OPEN_LOOP
    """What the figures can't tell."""

    @property
    def minutes(self) -> float:
        """Recorded time that was replayed."""
        return sum(call.minutes for call in self.calls)

    @property
    def points(self) -> int:
        """Decisions of all calls."""
        return sum(call.points for call in self.calls)

    @property
    def points_differ(self) -> int:
        """Decisions that would be others."""
        return sum(call.points_differ for call in self.calls)

    def __str__(self) -> str:
        """Return ``with this setting, 2 of 14 decisions differ``."""
        if not self.calls:
            return "there is no recorded call to try this setting on"
        verb = "differs" if self.points_differ == 1 else "differ"
        return f"with this setting, {self.points_differ} of {self.points} decisions {verb}"


def preview(
    root: Path,
    config: GatingConfig,
    *,
    minutes: float = 10.0,
    identity: str | None = None,
    against: GatingConfig | None = None,
) -> PreviewResult:
    """Replay the newest recorded calls with a changed configuration.

    Args:
        root: Folder of the recorded calls.
        config: What is to be tried.
        minutes: Recorded time to go through, newest calls first, each from its beginning; at most
            :data:`MAX_MINUTES`.
        identity: Opens encrypted calls.
        against: The configuration to compare with; what was recorded if left out.
    """
    left_ms = min(max(minutes, 0.0), MAX_MINUTES) * 60_000
    calls: list[PreviewedCall] = []
    skipped: list[str] = []
    for summary in list_calls(root)[:MAX_CALLS]:
        if left_ms < _LEAST_MS:
            break
        try:
            call = _previewed(summary, config, left_ms, identity, against)
        except RecordingError as error:
            skipped.append(f"{summary.call_id}: {error}")
        else:
            calls.append(call)
            left_ms -= call.minutes * 60_000
    return PreviewResult(calls=tuple(calls), skipped=tuple(skipped))


def _previewed(
    summary: CallSummary,
    config: GatingConfig,
    left_ms: float,
    identity: str | None,
    against: GatingConfig | None,
) -> PreviewedCall:
    """Replay one call, or as much of its beginning as there is time for.

    Raises:
        RecordingError: it can't be read, or has no audio.
    """
    recorded = open_call(summary.folder, identity=identity)
    start_ms = recorded.header.started_ms
    until_ms = start_ms + left_ms
    replayed = replay_call(recorded, config, until_ms=until_ms)
    if against is None or _is_as_recorded(recorded, against, until_ms):
        comparison = compare(recorded, replayed, until_ms=until_ms)
    else:
        comparison = compare(replay_call(recorded, against, until_ms=until_ms), replayed)
    last_ms = replayed.run[-1].t_ms if replayed.run else start_ms
    return PreviewedCall(
        call_id=recorded.header.call_id,
        started_at=recorded.header.started_at.isoformat(),
        minutes=(last_ms - start_ms) / 60_000,
        points=len(comparison.points),
        points_differ=comparison.points_differ,
        points_shifted=comparison.points_shifted,
        frames=comparison.frames,
        frames_differ=comparison.frames_differ,
        differing=tuple(islice(_differing(comparison, start_ms), _POINTS_KEPT)),
    )


def _is_as_recorded(recorded: RecordedCall, config: GatingConfig, until_ms: float) -> bool:
    """Say whether a configuration decided in a call until then, in the software of today."""
    if version_differences(recorded.header):
        return False  # what another version decided otherwise is no effect of the change
    for taped in recorded.inputs():
        given = taped.given
        if isinstance(given, GateEnded):
            continue
        if given.now_ms >= until_ms:
            break
        if isinstance(given, (GateBegun, GateReconfigured)) and given.config != config:
            return False
    return True


def _differing(comparison: Comparison, start_ms: float) -> Iterator[PreviewedPoint]:
    for pair in comparison.points:
        if pair.differs:
            yield PreviewedPoint(
                t_ms=pair.t_ms - start_ms,
                type=pair.either.type.value,
                reason=pair.either.reason.value,
                change=pair.change.value,
            )
