"""Whether a number of calls was too much, and for whom.

Invariant: where callers, server or the rest of the machine were the limit, nothing is said of the
engine, but for calls that it lost.
"""

from __future__ import annotations

__all__ = ["LATE_MS", "engine_limits", "rig_limits", "verdict"]

from collections.abc import Sequence

from .load_figures import LoadFigures

LATE_MS = 20.0
"""A frame may take so long from the line to the provider, in 99 of 100 cases: one slot."""
_FULL_CORE = 0.97
_BUSY_CORE = 0.9
"""Callers and server that take more of their core than this delay what they measure."""
_LAG_MS = 10.0
"""Lateness of callers and server, in 99 of 100 cases, that shows in the figures."""
_WAITED = 0.03
"""Share of the time that others may have had the engine's core."""


def engine_limits(figures: LoadFigures) -> tuple[str, ...]:
    """Return what the engine did not hold; nothing where it held the load."""
    found = []
    p99_ms = figures.line_to_provider.p99_ms
    if p99_ms is not None and p99_ms > LATE_MS:
        found.append(f"p99 from line to provider is {p99_ms:.1f} ms, above {LATE_MS:.0f}")
    if figures.lost_frames:
        found.append(f"{figures.lost_frames} frames were lost")
    if figures.lost_calls:
        found.append(_lost(figures))
    if figures.core_share is not None and figures.core_share >= _FULL_CORE:
        found.append("the engine's core is full")
    return tuple(found)


def rig_limits(figures: LoadFigures) -> tuple[str, ...]:
    """Return who else was the limit; nothing where the figures are those of the engine."""
    found = []
    if not _was_heard(figures):
        found.append(
            "no audio of the calls reached the url of this run's server, which the engine's "
            "provider is to have"
        )
    if figures.load_share is not None and figures.load_share > _BUSY_CORE:
        found.append(f"callers and server took {100 * figures.load_share:.0f} % of a core")
    for name, lag in (("callers", figures.caller_lag), ("server", figures.server_lag)):
        if lag.p99_ms is not None and lag.p99_ms > _LAG_MS:
            found.append(f"the {name} ran {lag.p99_ms:.1f} ms late (p99)")
    waited = _waited(figures)
    if waited is not None and waited > _WAITED:
        found.append(f"others had the engine's core for {100 * waited:.0f} % of the time")
    return tuple(found)


def verdict(steps: Sequence[LoadFigures]) -> str:
    """Return in words where the limit is."""
    held = 0
    for figures in steps:
        if found := rig_limits(figures):
            words = (*found, _lost(figures)) if figures.lost_calls else found
            return f"{_held(held)} {figures.calls} calls are no result: {'; '.join(words)}."
        if found := engine_limits(figures):
            return f"{_held(held)} {figures.calls} calls are too many: {'; '.join(found)}."
        held = figures.calls
    return _held(held)


def _waited(figures: LoadFigures) -> float | None:
    """Return for what share of the time others kept the engine waiting.

    An engine of several threads on one core waits for itself, and others have little of that core.
    """
    if figures.waited_share is None or figures.others_share is None:
        return figures.waited_share
    return min(figures.waited_share, figures.others_share)


def _was_heard(figures: LoadFigures) -> bool:
    """Return whether the server heard of the calls; where calls were lost, that is the reason."""
    n_timed = figures.line_to_provider.count + figures.uncertain_frames
    return bool(n_timed + figures.released_frames + figures.lost_frames + figures.lost_calls)


def _lost(figures: LoadFigures) -> str:
    return f"{figures.lost_calls} call{'s were' if figures.lost_calls > 1 else ' was'} lost"


def _held(n_calls: int) -> str:
    return f"{n_calls} calls were held." if n_calls else "No number of calls was held."
