"""From a folder to calls that are ready for trials.

Invariant: what can't be used is named with a reason, and the others are used.
"""

from __future__ import annotations

__all__ = ["NoCallsError", "gather_calls"]

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from ...config.suggestion import known_names
from ...core.config import GatingConfig
from ...errors import VoxgateError
from .call_sources import CallProblem, CallSource, find_calls
from .prepared_call import PreparedCall, prepare_call
from .summary import Gathered
from .workforce import Workforce

Prepared = PreparedCall | CallProblem
Watch = Callable[[Iterator[Prepared], int, str], Iterator[Prepared]]


class NoCallsError(VoxgateError):
    """A folder holds nothing to tune on; says why."""


def gather_calls(
    folder: Path,
    config: GatingConfig,
    workforce: Workforce,
    *,
    kind: str | None = None,
    relabel: bool = False,
    watch: Watch = lambda prepared, _, __: prepared,
) -> tuple[Gathered, str | None]:
    """Return the calls of a folder, and the kind of provider that they are tuned for.

    Args:
        folder: With manifests, recorded calls or both.
        config: Of the gate: says which providers are gated.
        workforce: Who listens to the calls.
        kind: Of the providers whose calls are used; the one that has most if None.
        relabel: Whether labels are found even where some are given.
        watch: Shows progress.

    Raises:
        NoCallsError: there is no call in it, not even one that can't be used.
    """
    found = find_calls(folder)
    if not found.sources and not found.problems:
        raise NoCallsError(
            f"{folder}: holds no manifest (*.jsonl) and no recorded call; docs/tune.md tells both"
        )
    function = partial(prepare_call, relabel=relabel)
    prepared = workforce.map(function, found.sources, lost=_lost)
    watched = list(watch(prepared, len(found.sources), "listening"))
    problems = [each for each in watched if isinstance(each, CallProblem)]
    calls = [each for each in watched if isinstance(each, PreparedCall)]
    kinds = {call.name: _kind_of(call, config) for call in calls}
    problems += [_unknown(call, config) for call in calls if kinds[call.name] is None]
    chosen = kind or _commonest(calls, kinds, config)
    known = [call for call in calls if kinds[call.name] is not None]
    used = tuple(call for call in known if kinds[call.name] == chosen)
    gathered = Gathered(
        calls=used,
        set_aside=len(known) - len(used),
        problems=(*found.problems, *problems),
        notes=(*found.notes, *(note for call in calls for note in call.notes)),
    )
    return gathered, chosen


def _kind_of(call: PreparedCall, config: GatingConfig) -> str | None:
    """Return the kind of a call's provider; None if it is not configured."""
    policy = config.policy_for(call.provider)
    return next((kind for kind, each in config.providers.items() if each is policy), None)


def _commonest(
    calls: Sequence[PreparedCall], kinds: dict[str, str | None], config: GatingConfig
) -> str | None:
    """Return the gated kind with most calls, the first by name of several."""
    counts = Counter(
        kind
        for call in calls
        if (kind := kinds[call.name]) is not None and config.providers[kind].gating_enabled
    )
    return min(counts, key=lambda kind: (-counts[kind], kind), default=None)


def _unknown(call: PreparedCall, config: GatingConfig) -> CallProblem:
    rule = known_names(call.provider, sorted({*config.providers, *config.kinds}))
    return CallProblem(call.name, f"{call.provider!r} is not configured; {rule}")


def _lost(source: CallSource, reason: str) -> Prepared:
    return CallProblem(source.name, f"is lost: {reason}")
